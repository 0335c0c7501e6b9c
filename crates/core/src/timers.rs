//! When each connection wants to be looked at again.
//!
//! One entry per connection. Invariant: an entry may be early (a look that finds nothing due costs little), never late.
//! So a request that pushes its connection's silence further into the future touches no timer at all.

use std::collections::BTreeSet;

use crate::table::IdMap;
use crate::{ConnectionId, Time};

type Entry = (Time, ConnectionId);

/// The connections by when they are due.
#[derive(Default, Debug)]
pub(crate) struct Timers {
    queue: Queue,
    due: IdMap<ConnectionId, Time>,
}

/// Entries in their order. Most pools have one connection, and a tree of one is eleven times as large.
#[derive(Debug)]
enum Queue {
    Few(Vec<Entry>),
    Many(BTreeSet<Entry>),
}

/// More than these are a tree.
const FEW: usize = 8;

impl Default for Queue {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Queue {
    fn insert(&mut self, entry: Entry) {
        match self {
            Self::Few(few) => {
                if few.is_empty() {
                    few.reserve_exact(1);
                }
                let place = few.partition_point(|other| *other < entry);
                few.insert(place, entry);
                if few.len() > FEW {
                    *self = Self::Many(std::mem::take(few).into_iter().collect());
                }
            }
            Self::Many(many) => _ = many.insert(entry),
        }
    }

    fn remove(&mut self, entry: Entry) {
        match self {
            Self::Few(few) => few.retain(|other| *other != entry),
            Self::Many(many) => {
                many.remove(&entry);
                if many.is_empty() {
                    *self = Self::default();
                }
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten())
    }

    fn first(&self) -> Option<&Entry> {
        match self {
            Self::Few(few) => few.first(),
            Self::Many(many) => many.first(),
        }
    }
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
            self.queue.remove((before, connection));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Time {
        Time::from_micros(micros)
    }

    #[test]
    fn the_longest_due_comes_first_whether_there_are_few_or_many() {
        for count in [1, FEW as u64, FEW as u64 + 1, 100] {
            let mut timers = Timers::default();
            for id in 0..count {
                timers.no_later_than(ConnectionId(id), at(1000 - id));
                timers.no_later_than(ConnectionId(id), at(2000));
            }
            let due: Vec<_> = timers.due(at(1000)).collect();
            assert_eq!(due, (0..count).rev().map(ConnectionId).collect::<Vec<_>>());
            for left in (0..count).rev() {
                assert_eq!(timers.first(), Some(at(1000 - left)));
                assert_eq!(timers.due(at(1000 - left)).next(), Some(ConnectionId(left)));
                timers.set(ConnectionId(left), None);
            }
            assert_eq!((timers.first(), timers.due(at(5000)).next()), (None, None));
        }
    }
}
