//! Which connection takes the next request: the least loaded, and among equals the one that most recently came to
//! that load, which is the one that most recently answered.
//!
//! Connections stand in stacks, one stack per load, so that every operation is a few array accesses whatever the
//! number of connections. Invariant: a connection stands in at most one stack, at the place its slot remembers.

use crate::ConnectionId;
use crate::ids::IdMap;

/// The connections that can take a request, by load.
#[derive(Default, Debug)]
pub(crate) struct Ready {
    stacks: Vec<Vec<ConnectionId>>,
    places: IdMap<ConnectionId, (usize, usize)>,
    /// No stack below this one holds anything.
    lowest: usize,
}

impl Ready {
    /// Puts a connection on top of the stack of its load, from wherever it stood.
    pub(crate) fn put(&mut self, connection: ConnectionId, load: u32) {
        self.remove(connection);
        let load = load as usize;
        if self.stacks.len() <= load {
            self.stacks.resize_with(load + 1, Vec::new);
        }
        self.places.insert(connection, (load, self.stacks[load].len()));
        self.stacks[load].push(connection);
        self.lowest = self.lowest.min(load);
    }

    /// Takes a connection out, if it is in.
    pub(crate) fn remove(&mut self, connection: ConnectionId) {
        let Some((load, place)) = self.places.remove(&connection) else { return };
        let stack = &mut self.stacks[load];
        stack.swap_remove(place);
        if let Some(moved) = stack.get(place) {
            self.places.insert(*moved, (load, place));
        }
    }

    /// The best one that is not `other`.
    pub(crate) fn best_but(&mut self, other: ConnectionId) -> Option<ConnectionId> {
        let best = self.best().filter(|best| *best != other);
        let stacks = self.stacks.iter().skip(self.lowest);
        best.or_else(|| stacks.flat_map(|stack| stack.iter().rev()).copied().find(|found| *found != other))
    }

    /// The connection for the next request.
    pub(crate) fn best(&mut self) -> Option<ConnectionId> {
        while self.lowest < self.stacks.len() {
            match self.stacks[self.lowest].last() {
                Some(connection) => return Some(*connection),
                None => self.lowest += 1,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConnectionId = ConnectionId(1);
    const B: ConnectionId = ConnectionId(2);
    const C: ConnectionId = ConnectionId(3);

    #[test]
    fn least_loaded_first_then_most_recent() {
        let mut ready = Ready::default();
        assert_eq!(ready.best(), None);
        ready.put(A, 1);
        ready.put(B, 0);
        ready.put(C, 0);
        assert_eq!(ready.best(), Some(C));
        ready.put(C, 1);
        assert_eq!(ready.best(), Some(B));
        ready.put(B, 2);
        assert_eq!(ready.best(), Some(C));
        ready.remove(C);
        assert_eq!(ready.best(), Some(A));
        ready.put(B, 0);
        assert_eq!(ready.best(), Some(B));
    }

    #[test]
    fn removal_from_the_middle_keeps_the_others_findable() {
        let mut ready = Ready::default();
        for connection in [A, B, C] {
            ready.put(connection, 0);
        }
        ready.remove(A);
        ready.remove(A);
        for left in [B, C] {
            assert_eq!(ready.best(), Some(left));
            ready.remove(left);
        }
        assert_eq!(ready.best(), None);
    }
}
