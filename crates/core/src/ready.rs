//! Which connection takes the next request: the least loaded, and among equals the one that most recently came to
//! that load, which is the one that most recently answered. Those in doubt come after all others.
//!
//! Connections stand in stacks, one per tier and load, so that every operation is a few array accesses whatever the number of
//! connections. Invariant: a connection stands in at most one stack, at the place that is remembered for it.

use crate::ConnectionId;
use crate::table::IdMap;

/// Who is asked first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tier {
    /// Nothing speaks against it.
    Trusted,
    /// Asked for proof, or compared with another.
    Doubted,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    tier: Tier,
    load: usize,
    at: usize,
}

/// The stacks of one tier, by load.
#[derive(Default, Debug)]
struct Stacks {
    stacks: Vec<Vec<ConnectionId>>,
    /// No stack below this one holds anything.
    lowest: usize,
}

impl Stacks {
    /// Those in it, best first.
    fn iter(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.stacks.iter().skip(self.lowest).flat_map(|stack| stack.iter().rev()).copied()
    }

    fn best(&mut self) -> Option<ConnectionId> {
        while self.lowest < self.stacks.len() {
            match self.stacks[self.lowest].last() {
                Some(connection) => return Some(*connection),
                None => self.lowest += 1,
            }
        }
        None
    }
}

/// The connections that can take a request.
#[derive(Default, Debug)]
pub(crate) struct Ready {
    trusted: Stacks,
    doubted: Stacks,
    places: IdMap<ConnectionId, Place>,
}

impl Ready {
    fn tier(&mut self, tier: Tier) -> &mut Stacks {
        match tier {
            Tier::Trusted => &mut self.trusted,
            Tier::Doubted => &mut self.doubted,
        }
    }

    /// Puts a connection on top of the stack of its tier and load; one that stands there already keeps its place.
    pub(crate) fn put(&mut self, connection: ConnectionId, tier: Tier, load: u32) {
        let load = load as usize;
        let left = self.places.get(&connection).copied();
        match left {
            Some(place) if (place.tier, place.load) == (tier, load) => return,
            Some(place) => self.unstack(place),
            None => {}
        }
        let stacks = self.tier(tier);
        if stacks.stacks.len() <= load {
            if stacks.stacks.is_empty() {
                stacks.stacks.reserve_exact(2); // Many connections never carry more than one.
            }
            stacks.stacks.resize_with(load + 1, Vec::new);
        }
        stacks.lowest = stacks.lowest.min(load);
        if stacks.stacks[load].capacity() == 0 {
            // The room that it had comes along: else a stack of each load that a single connection ever had would keep some.
            let emptied = left.filter(|left| left.tier == tier && stacks.stacks[left.load].is_empty());
            emptied.iter().for_each(|left| stacks.stacks.swap(left.load, load));
        }
        let stack = &mut stacks.stacks[load];
        if stack.capacity() == 0 {
            stack.reserve_exact(1); // Many origins have one connection.
        }
        stack.push(connection);
        let at = stack.len() - 1;
        self.places.insert(connection, Place { tier, load, at });
    }

    /// Takes a connection out, if it is in.
    pub(crate) fn remove(&mut self, connection: ConnectionId) {
        if let Some(place) = self.places.remove(&connection) {
            self.unstack(place);
        }
    }

    fn unstack(&mut self, place: Place) {
        let stack = &mut self.tier(place.tier).stacks[place.load];
        stack.swap_remove(place.at);
        if let Some(moved) = stack.get(place.at).copied() {
            self.places.insert(moved, place);
        }
    }

    /// The connection for the next request.
    pub(crate) fn best(&mut self) -> Option<ConnectionId> {
        self.trusted.best().or_else(|| self.doubted.best())
    }

    /// Those that are trusted, best first.
    pub(crate) fn trusted(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.trusted.iter()
    }

    /// All of them, best first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.trusted.iter().chain(self.doubted.iter())
    }

    /// Whether none of them is trusted.
    pub(crate) fn is_empty(&self) -> bool {
        self.trusted.iter().next().is_none()
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
        ready.put(A, Tier::Trusted, 1);
        ready.put(B, Tier::Trusted, 0);
        ready.put(C, Tier::Trusted, 0);
        assert_eq!(ready.best(), Some(C));
        assert_eq!(ready.trusted().collect::<Vec<_>>(), [C, B, A]);
        ready.put(C, Tier::Trusted, 1);
        assert_eq!(ready.best(), Some(B));
        ready.put(B, Tier::Trusted, 2);
        assert_eq!(ready.best(), Some(C));
        ready.remove(C);
        assert_eq!(ready.best(), Some(A));
        ready.put(B, Tier::Trusted, 0);
        assert_eq!(ready.best(), Some(B));
    }

    #[test]
    fn those_in_doubt_come_last_whatever_their_load() {
        let mut ready = Ready::default();
        ready.put(A, Tier::Doubted, 0);
        assert_eq!((ready.best(), ready.is_empty()), (Some(A), true));
        ready.put(B, Tier::Trusted, 7);
        assert_eq!(ready.best(), Some(B));
        ready.put(A, Tier::Trusted, 0);
        assert_eq!(ready.best(), Some(A));
    }

    #[test]
    fn removal_from_the_middle_keeps_the_others_findable() {
        let mut ready = Ready::default();
        for connection in [A, B, C] {
            ready.put(connection, Tier::Trusted, 0);
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
