//! The pool of one origin: record the fact, then settle.

use crate::{Action, ConnectionId, Event, Limits, Time};

/// The connections of one origin and the requests that want one.
#[derive(Debug)]
pub struct Pool {
    limits: Limits,
}

impl Pool {
    /// An empty pool. All its chance comes from `seed`.
    pub fn new(limits: Limits, _seed: u64) -> Self {
        Self { limits }
    }

    /// Takes a fact and appends what is to be done because of it to `actions`. Total: never fails, never panics.
    pub fn handle(&mut self, _now: Time, _event: Event, _actions: &mut Vec<Action>) {
        let _ = &self.limits;
    }

    /// When [`Event::Tick`] is due, if nothing else happens before. `None`: nothing is waiting for time to pass.
    pub fn deadline(&self) -> Option<Time> {
        None
    }

    /// The connections about to be judged by their silence. Before a tick, the glue says of each when it was
    /// last heard ([`Event::Heard`]).
    pub fn in_doubt(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        std::iter::empty()
    }
}
