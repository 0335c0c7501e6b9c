//! One origin: the pool, the tables of what it decides about, and the lock around both.
//!
//! Whoever brings a fact calls [`Origin::with`]: it takes the lock, records the fact, and carries out the pool's
//! decisions before it lets go. Invariant: no foreign code runs under the lock (no waker is woken, no caller's body
//! polled or dropped, nothing spawned, for a spawn may drop what it is given): that waits in [`Aftermath`], or is
//! returned, until the lock is free. Next: [`ledger`].

mod actions;
mod addresses;
mod alarm;
mod closing;
mod connections;
mod examine;
mod journal;
mod ledger;
mod observe;
mod request;
mod sleep;
mod snapshot;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use outlive_core::trace::Trace;
use outlive_core::{ConnectionId, Limits, RequestId, Time};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::connection::{self, Inbox, Progress, Route};
use crate::name::OriginName;
use crate::outgoing::Outgoing;
use crate::seeing::{Event, Watch};
use crate::settings::Settings;
use crate::shutdown::Door;

use addresses::Addresses;
pub(crate) use alarm::Alarms;
use alarm::Unwatched;
use journal::Journal;
pub(crate) use ledger::{Ledger, News};
pub(crate) use request::{Few, Request};

/// A pool and what belongs to it.
pub(crate) struct Origin {
    pub(crate) name: OriginName,
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Clock,
    pub(crate) route: Route,
    ledger: Mutex<Ledger>,
    pub(crate) alarms: Arc<Alarms>,
    /// What its alarm knows it by.
    pub(crate) alarm_name: u64,
    next_request: AtomicU64,
    /// Connections' tasks that have not ended.
    tasks: AtomicUsize,
    /// Rings while the door is closed, whenever something happened.
    rest: Notify,
}

/// A connection to be dialled.
struct Dial {
    connection: ConnectionId,
    /// Where to, if there is a choice.
    address: Option<SocketAddr>,
    /// How far it has come.
    progress: Arc<Progress>,
    /// The orders for its task.
    orders: Inbox,
}

/// What has to wait until the lock is free.
#[derive(Default)]
pub(crate) struct Aftermath {
    wakers: Vec<Waker>,
    /// Who was to be woken before another took its place.
    forgotten: Vec<Waker>,
    /// Bodies that came back and are not needed.
    spares: Vec<Outgoing>,
    /// Boxed: it is rare, and each origin has room for it.
    tasks: Option<Box<Tasks>>,
}

/// What is to be spawned.
#[derive(Default)]
struct Tasks {
    dials: Vec<Dial>,
    /// The name is to be resolved.
    resolve: bool,
    /// The alarm is to be watched.
    alarm: Option<Unwatched>,
}

impl Origin {
    pub(crate) fn new(
        name: OriginName,
        settings: Arc<Settings>,
        limits: Arc<Limits>,
        alarms: Arc<Alarms>,
        clock: Clock,
        seed: u64,
    ) -> Arc<Self> {
        let route = Route::of(&name, &settings);
        let addresses = Addresses::new(route.whereabouts(&name, &settings), settings.resolution_age);
        let title = name.to_string();
        let is_traced = settings.traced.as_ref().is_some_and(|choose| choose(&title));
        let journal = is_traced.then(|| Box::new(Journal::new(&title, &limits, seed)));
        let watch = Watch::new(settings.observer.is_some());
        let ledger = Mutex::new(Ledger::new(limits, seed, addresses, journal, watch));
        let (alarm_name, rest) = (alarms.name(), Notify::new());
        let (next_request, tasks) = (AtomicU64::new(0), AtomicUsize::new(0));
        Arc::new(Self { name, settings, clock, route, ledger, alarms, alarm_name, next_request, tasks, rest })
    }

    /// A name for a request, which no other one of this origin has.
    pub(crate) fn name_request(&self) -> RequestId {
        RequestId(self.next_request.fetch_add(1, Relaxed))
    }

    /// Records facts and does what the pool decides. `bring` is called under the lock: it must be quick and must
    /// not call foreign code.
    pub(crate) fn with<R>(self: &Arc<Self>, bring: impl FnOnce(&mut Ledger) -> R) -> R {
        let mut ledger = self.lock();
        ledger.now = self.clock.now();
        let result = bring(&mut ledger);
        let alarm_moved = ledger.alarm_moved_earlier();
        // Nearly always nothing follows from a fact, and the lock is merely given back.
        if alarm_moved.is_some() || ledger.has_aftermath() {
            self.follow_up(ledger, alarm_moved);
        }
        result
    }

    /// Gives the lock back, and does what had to wait for that.
    #[inline(never)]
    fn follow_up(self: &Arc<Self>, mut ledger: MutexGuard<'_, Ledger>, alarm_moved: Option<Time>) {
        let is_closing = ledger.door != Door::Open;
        let mut aftermath = ledger.take_aftermath();
        let seen = ledger.watch.take();
        let runtime = if aftermath.tasks.is_some() { ledger.runtime.clone() } else { None };
        let alarm = alarm_moved.and_then(|at| Some((ledger.alarm.clone()?, at)));
        drop(ledger);
        if let Some((alarm, at)) = alarm {
            alarm.set(self.alarm_name, at, || Arc::downgrade(self));
        }
        // Before anything foreign: others rely on it.
        let unwatched = aftermath.tasks.as_mut().and_then(|tasks| tasks.alarm.take());
        if let (Some(unwatched), Some(runtime)) = (unwatched, &runtime) {
            unwatched.spawn(runtime);
        }
        self.tell(&seen);
        drop((std::mem::take(&mut aftermath.spares), std::mem::take(&mut aftermath.forgotten)));
        aftermath.wakers.drain(..).for_each(Waker::wake);
        if is_closing {
            self.rest.notify_waiters();
        }
        if let (Some(tasks), Some(runtime)) = (aftermath.tasks, runtime) {
            self.spawn(&runtime, *tasks);
        }
    }

    /// All facts and decisions so far, if they are written down.
    pub(crate) fn trace(&self) -> Option<Trace> {
        self.lock().journal()
    }

    /// Whether nothing would be lost with it.
    pub(crate) fn is_unused(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many requests, attempts and connections are in the tables.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        self.lock().counts()
    }

    /// Tells the observer, if there is one.
    fn tell(&self, seen: &[Event]) {
        if let Some(observer) = &self.settings.observer {
            seen.iter().for_each(|event| observer.observe(&self.name, event));
        }
    }

    fn spawn(self: &Arc<Self>, runtime: &Handle, tasks: Tasks) {
        if tasks.resolve {
            runtime.spawn(addresses::resolve(addresses::End::of(Arc::downgrade(self))));
        }
        for Dial { connection, address, progress, orders } in tasks.dials {
            let guard = connection::Guard::new(self, connection);
            runtime.spawn(connection::run(guard, address, progress, orders));
        }
    }

    /// How many connections' tasks there are.
    fn tasks(&self) -> usize {
        self.tasks.load(SeqCst)
    }

    /// A connection's task begins.
    pub(crate) fn task_begins(&self) {
        self.tasks.fetch_add(1, SeqCst);
    }

    /// A connection's task has ended, and told so.
    pub(crate) fn task_ended(&self) {
        self.tasks.fetch_sub(1, SeqCst);
        self.rest.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // A panic under the lock would be our bug; other requests still deserve their fate.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Aftermath {
    /// What is to be spawned: something is from here on.
    fn tasks(&mut self) -> &mut Tasks {
        self.tasks.get_or_insert_default()
    }

    fn is_empty(&self) -> bool {
        self.wakers.is_empty() && self.forgotten.is_empty() && self.spares.is_empty() && self.tasks.is_none()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // Its connections end with it, which observers that count have to know.
        let ledger = self.ledger.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(alarm) = &ledger.alarm {
            alarm.forget(self.alarm_name);
        }
        ledger.tell_gone();
        let seen = ledger.watch.take();
        self.tell(&seen);
    }
}

/// What tasks hold: they must not keep an origin alive that no client and no request uses.
pub(crate) type WeakOrigin = Weak<Origin>;
