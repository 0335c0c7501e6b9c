//! Which connection takes the next request: the least loaded, and among equals the one that most recently came to
//! that load, which is the one that most recently answered. Those in doubt come after all others.
//!
//! Connections stand in stacks, one per tier and load, so that every operation is a few array accesses whatever the number of
//! connections. One that never had company stands in none. Invariant: a connection stands in at most one stack, at the place that
//! is remembered for it.

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

    /// Puts a connection on top of the stack of its load, and says at which place that is.
    fn push(&mut self, connection: ConnectionId, load: usize) -> usize {
        if self.stacks.len() <= load {
            self.stacks.resize_with(load + 1, Vec::new);
        }
        self.lowest = self.lowest.min(load);
        let stack = &mut self.stacks[load];
        stack.push(connection);
        stack.len() - 1
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
    /// The only one, and where it would stand: most pools have one connection, and its load changes twice a request. It goes to
    /// its stack when another comes.
    alone: Option<(ConnectionId, Tier, usize)>,
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

    /// Puts a connection on top of the stack of its tier and load; one that stands there already keeps its place. One that has
    /// no tier is taken out.
    pub(crate) fn put(&mut self, connection: ConnectionId, tier: Option<Tier>, load: u32) {
        let Some(tier) = tier else { return self.remove(connection) };
        let load = load as usize;
        if self.places.is_empty() && self.alone.is_none_or(|(alone, ..)| alone == connection) {
            self.alone = Some((connection, tier, load));
            return;
        }
        if let Some((alone, tier, load)) = self.alone.take() {
            self.stack(alone, tier, load);
        }
        self.stack(connection, tier, load);
    }

    fn stack(&mut self, connection: ConnectionId, tier: Tier, load: usize) {
        let stands_there = |place: &Place| (place.tier, place.load) == (tier, load);
        if self.places.get(&connection).is_some_and(stands_there) {
            return;
        }
        let at = self.tier(tier).push(connection, load);
        if let Some(before) = self.places.insert(connection, Place { tier, load, at }) {
            self.unstack(before);
        }
    }

    /// Takes a connection out, if it is in.
    pub(crate) fn remove(&mut self, connection: ConnectionId) {
        self.alone.take_if(|(alone, ..)| *alone == connection);
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
        match self.alone {
            Some((alone, ..)) => Some(alone),
            None => self.trusted.best().or_else(|| self.doubted.best()),
        }
    }

    /// Those that are trusted, best first.
    pub(crate) fn trusted(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        let alone = self.alone.filter(|(_, tier, _)| *tier == Tier::Trusted);
        alone.map(|(alone, ..)| alone).into_iter().chain(self.trusted.iter())
    }

    /// All of them, best first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        let alone = self.alone.map(|(alone, ..)| alone);
        alone.into_iter().chain(self.trusted.iter()).chain(self.doubted.iter())
    }

    /// Whether none of them is trusted.
    pub(crate) fn is_empty(&self) -> bool {
        self.trusted().next().is_none()
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
        ready.put(A, Some(Tier::Trusted), 1);
        ready.put(B, Some(Tier::Trusted), 0);
        ready.put(C, Some(Tier::Trusted), 0);
        assert_eq!(ready.best(), Some(C));
        assert_eq!(ready.trusted().collect::<Vec<_>>(), [C, B, A]);
        ready.put(C, Some(Tier::Trusted), 1);
        assert_eq!(ready.best(), Some(B));
        ready.put(B, Some(Tier::Trusted), 2);
        assert_eq!(ready.best(), Some(C));
        ready.remove(C);
        assert_eq!(ready.best(), Some(A));
        ready.put(B, Some(Tier::Trusted), 0);
        assert_eq!(ready.best(), Some(B));
    }

    /// One that is alone stands where it would have stood all along.
    #[test]
    fn company_changes_no_order() {
        let mut ready = Ready::default();
        ready.put(A, Some(Tier::Trusted), 1);
        ready.put(A, Some(Tier::Trusted), 0);
        ready.put(A, Some(Tier::Trusted), 0);
        assert_eq!((ready.best(), ready.trusted().count(), ready.iter().count()), (Some(A), 1, 1));
        ready.put(B, Some(Tier::Trusted), 0);
        assert_eq!(ready.trusted().collect::<Vec<_>>(), [B, A]);
        ready.remove(B);
        ready.put(A, Some(Tier::Doubted), 3);
        assert_eq!((ready.best(), ready.is_empty()), (Some(A), true));
        ready.remove(A);
        ready.put(A, None, 3);
        assert_eq!((ready.best(), ready.iter().count()), (None, 0));
        ready.put(B, Some(Tier::Doubted), 0);
        ready.put(A, Some(Tier::Trusted), 5);
        assert_eq!(ready.iter().collect::<Vec<_>>(), [A, B]);
    }

    #[test]
    fn those_in_doubt_come_last_whatever_their_load() {
        let mut ready = Ready::default();
        ready.put(A, Some(Tier::Doubted), 0);
        assert_eq!((ready.best(), ready.is_empty()), (Some(A), true));
        ready.put(B, Some(Tier::Trusted), 7);
        assert_eq!(ready.best(), Some(B));
        ready.put(A, Some(Tier::Trusted), 0);
        assert_eq!(ready.best(), Some(A));
    }

    #[test]
    fn removal_from_the_middle_keeps_the_others_findable() {
        let mut ready = Ready::default();
        for connection in [A, B, C] {
            ready.put(connection, Some(Tier::Trusted), 0);
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
