//! When each connection wants to be looked at again.
//!
//! One entry per connection. Invariant: an entry may be early (a look that finds nothing due costs little), never late.
//! So a request that pushes its connection's silence further into the future touches no timer at all.

use std::collections::BTreeSet;

use crate::table::IdMap;
use crate::{ConnectionId, Time};

/// The connections by when they are due.
#[derive(Default, Debug)]
pub(crate) struct Timers {
    queue: BTreeSet<(Time, ConnectionId)>,
    due: IdMap<ConnectionId, Time>,
}

impl Timers {
    /// Looks at the connection at `at`, or before that if an earlier look is due.
    pub(crate) fn no_later_than(&mut self, connection: ConnectionId, at: Time) {
        if self.due.get(&connection).is_none_or(|due| at < *due) {
            self.set(connection, Some(at));
        }
    }

    /// Looks at the connection at `at` and not before, or never.
    pub(crate) fn set(&mut self, connection: ConnectionId, at: Option<Time>) {
        let before = match at {
            Some(at) => self.due.insert(connection, at),
            None => self.due.remove(&connection),
        };
        if let Some(before) = before {
            self.queue.remove(&(before, connection));
        }
        if let Some(at) = at {
            self.queue.insert((at, connection));
        }
    }

    /// Whether a look at this connection is due.
    pub(crate) fn is_due(&self, connection: ConnectionId, now: Time) -> bool {
        self.due.get(&connection).is_some_and(|at| *at <= now)
    }

    /// When the first is due.
    pub(crate) fn first(&self) -> Option<Time> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Those due at `now`, earliest first.
    pub(crate) fn due(&self, now: Time) -> impl Iterator<Item = ConnectionId> + '_ {
        self.queue.iter().take_while(move |(at, _)| *at <= now).map(|(_, connection)| *connection)
    }
}
