//! The one timer of an origin: tells the pool that time has passed.
//!
//! It sleeps until the pool's deadline and is disturbed only when the deadline moves earlier. Invariant: before a
//! connection is judged by its silence, what is readable has had a chance to be read, and what was heard is
//! told (promise P8). Next: [`outlive_core::Pool::deadline`].

use std::sync::Arc;

use outlive_core::{Event, Time};
use tokio::sync::Notify;

use super::sleep::Sleep;
use super::{Ledger, Origin, WeakOrigin};

/// Runs until the origin is gone. `_alive` tells the origin whether its alarm still runs.
pub(super) async fn watch(origin: WeakOrigin, disturbed: Arc<Notify>, _alive: Arc<()>) {
    let mut sleep = Sleep::default();
    loop {
        let Some((clock, deadline)) = origin.upgrade().map(|origin| (origin.clock, origin.set_alarm()))
        else {
            return;
        };
        let Some(instant) = deadline.and_then(|deadline| clock.instant_of(deadline)) else {
            disturbed.notified().await;
            continue;
        };
        let rings = tokio::select! {
            biased;
            () = disturbed.notified() => false,
            () = sleep.until(instant) => true,
        };
        if rings {
            // Other tasks that are ready run first, connections with bytes to read among them.
            tokio::task::yield_now().await;
            let Some(origin) = origin.upgrade() else { return };
            origin.with(Ledger::tick);
        }
    }
}

impl Origin {
    /// When the alarm has to ring next. From here on it needs to be told only of earlier times.
    fn set_alarm(&self) -> Option<Time> {
        let mut ledger = self.lock();
        ledger.alarm_set = ledger.pool.deadline();
        ledger.alarm_set
    }
}

impl Ledger {
    pub(super) fn alarm_moved_earlier(&mut self) -> bool {
        let earlier = match (self.pool.deadline(), self.alarm_set) {
            (Some(deadline), Some(set)) if deadline >= set => None,
            (deadline, _) => deadline,
        };
        if earlier.is_some() {
            self.alarm_set = earlier;
        }
        earlier.is_some()
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
