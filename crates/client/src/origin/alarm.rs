//! The one timer of a client: tells its pools that time has passed.
//!
//! Each origin has at most one entry, at its pool's deadline when that was last told. One task sleeps until the earliest, and is
//! disturbed only when an earlier one comes: with a thousand origins in use in turns, each one's own task and timer cost much of what
//! a request did. A client that is used on several runtimes has an alarm on each, for an origin's tasks must end and begin anew
//! together. Invariant: before a connection is judged by its silence, what is readable has had a chance to be read, and what was
//! heard is told (promise P8). Next: [`outlive_core::Pool::deadline`].

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use outlive_core::{Event, Time};
use tokio::runtime::{Handle, Id};
use tokio::sync::Notify;

use super::sleep::Sleep;
use super::{Ledger, Origin, WeakOrigin};
use crate::clock::Clock;

/// The alarms of a client, by runtime.
pub(crate) struct Alarms {
    clock: Clock,
    by_runtime: Mutex<HashMap<Id, Arc<Alarm>>>,
    last_name: AtomicU64,
}

/// That of one runtime.
pub(crate) struct Alarm {
    clock: Clock,
    queue: Mutex<Queue>,
    /// Rings when the earliest entry is an earlier one, or nobody is left.
    disturbed: Arc<Notify>,
}

#[derive(Default)]
struct Queue {
    /// Lives as long as the task that watches.
    alive: Weak<()>,
    earliest: BTreeSet<(Time, u64)>,
    entries: HashMap<u64, (Time, WeakOrigin)>,
}

/// Origins that are rung for in a row. Those behind a long row would be rung for late, which is taken for a sleep of our own
/// process (P8); and who waits to read has a turn between two rows.
const AT_A_TIME: usize = 32;

/// An alarm whose task is to be spawned.
pub(super) struct Unwatched {
    alarm: Weak<Alarm>,
    disturbed: Arc<Notify>,
    alive: Arc<()>,
}

impl Alarms {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, by_runtime: Mutex::default(), last_name: AtomicU64::new(0) })
    }

    /// A name for an origin, by which its alarm knows it.
    pub(super) fn name(&self) -> u64 {
        self.last_name.fetch_add(1, Relaxed)
    }

    /// That of this runtime, what lives as long as its task, and the task, if there is none.
    pub(super) fn on(&self, runtime: &Handle) -> (Arc<Alarm>, Weak<()>, Option<Unwatched>) {
        let mut all = self.by_runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let alarm = all.entry(runtime.id()).or_insert_with(|| Alarm::new(self.clock));
        let alarm = Arc::clone(alarm);
        all.retain(|_, other| Arc::ptr_eq(other, &alarm) || other.lock().alive.strong_count() > 0);
        let mut queue = alarm.lock();
        let unwatched = (queue.alive.strong_count() == 0).then(|| {
            let alive = Arc::new(());
            queue.alive = Arc::downgrade(&alive);
            Unwatched { alarm: Arc::downgrade(&alarm), disturbed: Arc::clone(&alarm.disturbed), alive }
        });
        let alive = queue.alive.clone();
        drop(queue);
        (alarm, alive, unwatched)
    }
}

impl Unwatched {
    pub(super) fn spawn(self, runtime: &Handle) {
        runtime.spawn(watch(self));
    }
}

impl Alarm {
    fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, queue: Mutex::default(), disturbed: Arc::new(Notify::new()) })
    }

    /// Rings for this origin at `at`, or before that if it is to ring earlier.
    pub(super) fn set(&self, name: u64, at: Time, origin: impl FnOnce() -> WeakOrigin) {
        let mut queue = self.lock();
        let before = queue.entries.get(&name).map(|(before, _)| *before);
        if before.is_some_and(|before| before <= at) {
            return;
        }
        let first = queue.earliest.first().map(|(first, _)| *first);
        queue.put(name, before, at, origin);
        drop(queue);
        if first.is_none_or(|first| at < first) {
            self.disturbed.notify_one();
        }
    }

    /// The origin is gone.
    pub(super) fn forget(&self, name: u64) {
        let mut queue = self.lock();
        if let Some((at, _)) = queue.entries.remove(&name) {
            queue.earliest.remove(&(at, name));
        }
    }

    /// When it has to ring next.
    fn first(&self) -> Option<Time> {
        self.lock().earliest.first().map(|(at, _)| *at)
    }

    /// Takes out those whose time has come, the earliest first, a few at a time.
    fn take_due(&self, now: Time) -> Vec<WeakOrigin> {
        let mut queue = self.lock();
        let mut due = Vec::new();
        while let Some((at, name)) = queue.earliest.first().copied().filter(|(at, _)| *at <= now) {
            if due.len() == AT_A_TIME {
                break;
            }
            queue.earliest.remove(&(at, name));
            due.extend(queue.entries.remove(&name).map(|(_, origin)| origin));
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No foreign code runs under the lock, and nothing in it panics half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn put(&mut self, name: u64, before: Option<Time>, at: Time, origin: impl FnOnce() -> WeakOrigin) {
        if let Some(before) = before {
            self.earliest.remove(&(before, name));
        }
        self.earliest.insert((at, name));
        match self.entries.get_mut(&name) {
            Some((known, _)) => *known = at,
            None => _ = self.entries.insert(name, (at, origin())),
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // The task notices that nobody is left, and ends.
        self.disturbed.notify_one();
    }
}

/// Runs until nobody is left.
async fn watch(Unwatched { alarm, disturbed, alive }: Unwatched) {
    let mut sleep = Sleep::default();
    while let Some((clock, first)) = alarm.upgrade().map(|alarm| (alarm.clock, alarm.first())) {
        let Some(instant) = first.and_then(|first| clock.instant_of(first)) else {
            disturbed.notified().await;
            continue;
        };
        let rings = tokio::select! {
            biased;
            () = disturbed.notified() => false,
            () = sleep.until(instant) => true,
        };
        // What becomes due while others run has a yield of its own.
        let rang = clock.now();
        if rings && first.is_some_and(|first| first <= rang) {
            // Other tasks that are ready run first, connections with bytes to read among them.
            tokio::task::yield_now().await;
            let due = alarm.upgrade().map_or(Vec::new(), |alarm| alarm.take_due(rang));
            due.iter().filter_map(Weak::upgrade).for_each(|origin| origin.ring());
        }
    }
    drop(alive);
}

impl Origin {
    /// Its time has come. An observer of the user's may panic here; the others' alarm goes on, and so does its own.
    fn ring(self: &Arc<Self>) {
        let tick = |ledger: &mut Ledger| {
            ledger.alarm_set = None; // It has rung; whatever the pool waits for now sets it anew.
            ledger.tick();
        };
        _ = std::panic::catch_unwind(AssertUnwindSafe(|| self.with(tick)));
    }
}

impl Ledger {
    /// The pool's deadline, if that is earlier than what the alarm is set to.
    pub(super) fn alarm_moved_earlier(&mut self) -> Option<Time> {
        let earlier = match (self.pool.deadline(), self.alarm_set) {
            (Some(deadline), Some(set)) if deadline >= set => None,
            (deadline, _) => deadline,
        };
        if earlier.is_some() {
            self.alarm_set = earlier;
        }
        earlier
    }

    fn tick(&mut self) {
        if self.pool.deadline().is_none_or(|deadline| deadline > self.now) {
            return; // It moved later while the alarm slept.
        }
        let in_doubt: Vec<_> = self.pool.in_doubt(self.now).collect();
        for connection in in_doubt {
            let was_asked = self.pool.is_asked(connection);
            let heard = self.connections.get_mut(&connection).and_then(|entry| entry.newly_heard());
            if let Some(at) = heard {
                self.record(Event::Heard { connection, at });
            }
            // What is asked only now was looked at then.
            let kernel = if was_asked { self.examine(connection) } else { None };
            kernel.into_iter().for_each(|kernel| self.record(kernel));
        }
        self.record(Event::Tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Time {
        Time::from_micros(micros)
    }

    #[test]
    fn an_origin_has_one_entry_and_it_moves_only_earlier() {
        let alarm = Alarm::new(Clock::start());
        let set = |name, micros| alarm.set(name, at(micros), Weak::new);
        set(1, 30);
        set(2, 20);
        assert_eq!(alarm.first(), Some(at(20)));
        set(2, 25);
        set(1, 10);
        assert_eq!((alarm.first(), alarm.lock().earliest.len()), (Some(at(10)), 2));
        assert_eq!(alarm.take_due(at(9)).len(), 0);
        assert_eq!((alarm.take_due(at(10)).len(), alarm.first()), (1, Some(at(20))));
        // What has rung is to be set anew, as late as may be.
        set(1, 40);
        assert_eq!((alarm.take_due(at(100)).len(), alarm.first()), (2, None));
        assert!(alarm.lock().entries.is_empty());
    }

    #[test]
    fn many_ring_in_rows() {
        let alarm = Alarm::new(Clock::start());
        for name in 0..AT_A_TIME as u64 + 1 {
            alarm.set(name, at(name), Weak::new);
        }
        let rows = [(); 3].map(|()| alarm.take_due(at(1000)).len());
        assert_eq!(rows, [AT_A_TIME, 1, 0]);
    }

    #[test]
    fn who_is_gone_leaves_nothing() {
        let alarm = Alarm::new(Clock::start());
        for name in 0..10 {
            alarm.set(name, at(name), Weak::new);
        }
        (0..10).for_each(|name| alarm.forget(name));
        alarm.forget(0);
        let queue = alarm.lock();
        assert!(queue.entries.is_empty() && queue.earliest.is_empty());
    }

    #[test]
    fn each_runtime_has_one_as_long_as_it_lives() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let alarms = Alarms::new(Clock::start());
        let watched = |runtime: &tokio::runtime::Runtime| {
            let (alarm, alive, unwatched) = alarms.on(runtime.handle());
            let was_new = unwatched.is_some();
            unwatched.into_iter().for_each(|unwatched| unwatched.spawn(runtime.handle()));
            (alarm, alive, was_new)
        };
        let (a, b) = (runtime(), runtime());
        let (alarm_a, alive_a, new_a) = watched(&a);
        let (alarm_b, alive_b, new_b) = watched(&b);
        assert!(new_a && new_b && !Arc::ptr_eq(&alarm_a, &alarm_b));
        let (again, _, is_new) = watched(&a);
        assert!(!is_new && Arc::ptr_eq(&again, &alarm_a));
        drop(b);
        assert_eq!((alive_a.strong_count(), alive_b.strong_count()), (1, 0));
        let c = runtime();
        watched(&c);
        assert_eq!(alarms.by_runtime.lock().unwrap().len(), 2, "that of the one that is gone is gone");
    }
}
