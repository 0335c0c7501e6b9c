//! The end of an origin's pool: its door closes, it empties, its connections go.
//!
//! Invariant: once the door is closed no request enters; once the pool has ended no decision is carried out any more.
//! Next: [`crate::shutdown`], who wants it.

use std::collections::HashSet;

use outlive_core::{FailReason, Limits, Pool};

use super::{Ledger, Origin};
use crate::connection::Order;
use crate::error::ErrorKind;
use crate::reason::Reason;
use crate::shutdown::{Door, Leftovers};

impl Origin {
    /// Takes no new requests from now on.
    pub(crate) fn close_door(&self) {
        let mut ledger = self.lock();
        if ledger.door == Door::Open {
            ledger.door = Door::Closed;
        }
    }

    /// Waits until no request is left. Call it when the door is closed.
    pub(crate) async fn emptied(&self) {
        self.until(|ledger, _| ledger.requests.is_empty()).await;
    }

    /// Waits until no connection's task is left. Call it when the pool has ended.
    pub(crate) async fn left(&self) {
        self.until(|_, tasks| tasks == 0).await;
    }

    /// Closes all connections, politely those that carry no request, and fails what requests there are.
    pub(crate) fn end(self: &std::sync::Arc<Self>) -> Leftovers {
        self.with(Ledger::end)
    }

    async fn until(&self, is_so: impl Fn(&Ledger, usize) -> bool) {
        loop {
            let mut news = std::pin::pin!(self.rest.notified());
            news.as_mut().enable(); // What happens from here on is not missed.
            if is_so(&self.lock(), self.tasks()) {
                return;
            }
            news.await;
        }
    }
}

impl Ledger {
    fn end(&mut self) -> Leftovers {
        let waited_for = self.attempts.values().filter(|out| self.requests.contains_key(&out.request));
        let busy: HashSet<_> = waited_for.map(|out| out.connection).collect();
        for request in self.requests.values_mut() {
            request.saw(ErrorKind::Shutdown, None);
            request.verdict.get_or_insert(FailReason::Failed);
            request.wake(&mut self.aftermath);
        }
        let all: Vec<_> = self.connections.keys().copied().collect();
        for connection in all {
            if let Some(entry) = self.connections.get_mut(&connection) {
                entry.left(Reason::Shutdown);
            }
            if let Some(entry) = self.forget(connection).filter(|_| busy.contains(&connection)) {
                entry.order(Order::Cut);
            }
        }
        // The pool has nothing left to decide, and must want no more dials nor be woken.
        self.pool = Pool::new(Limits::default(), 0);
        self.door = Door::Ended;
        Leftovers { requests: self.requests.len(), connections: busy.len() }
    }
}
