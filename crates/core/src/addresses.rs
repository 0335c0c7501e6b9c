//! The origin's addresses: which one to dial next, which ones to leave alone for a while (ejected), each with its own backoff.
//!
//! A pool that was told of no address has one nameless address, and the same rules hold for it.

use crate::chance::Chance;
use crate::{AddressId, Limits, Span, Time};

/// One address.
#[derive(Clone, Copy, Debug)]
struct Address {
    /// `None` for the nameless one.
    id: Option<AddressId>,
    /// Dials, and connections that ended without ever proving anything or in silence, in a row.
    failures: u32,
    /// Not to be dialled before.
    ejected: Time,
    /// Connections to it, being opened or open.
    connections: u32,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// The nameless one, where no other is known.
    list: Vec<Address>,
}

impl Addresses {
    pub(crate) fn new() -> Self {
        Self { list: vec![Address::new(None)] }
    }

    /// The name resolves to this address, or no longer does.
    pub(crate) fn know(&mut self, id: AddressId, known: bool, limits: &Limits) {
        let at = self.list.iter().position(|address| address.id == Some(id));
        match (known, at) {
            (true, None) if self.named() < limits.addresses as usize => {
                self.list.retain(|address| address.id.is_some());
                self.list.push(Address::new(Some(id)));
            }
            (false, Some(at)) => {
                self.list.remove(at);
                if self.list.is_empty() {
                    self.list.push(Address::new(None));
                }
            }
            (true, _) | (false, None) => {}
        }
    }

    /// Whether the pool was told of any.
    pub(crate) fn are_named(&self) -> bool {
        self.named() > 0
    }

    fn named(&self) -> usize {
        self.list.iter().filter(|address| address.id.is_some()).count()
    }

    /// The address for the next dial: one that has not failed, the least used of these, the first of those.
    pub(crate) fn best(&self, now: Time) -> Option<Option<AddressId>> {
        let free = self.list.iter().filter(|address| address.ejected <= now);
        free.min_by_key(|address| (address.failures, address.connections)).map(|address| address.id)
    }

    /// When the next address may be dialled again, if none may now.
    pub(crate) fn free_at(&self, now: Time) -> Option<Time> {
        let first = self.list.iter().map(|address| address.ejected).min()?;
        (first > now).then_some(first)
    }

    /// Whether each has failed so many times since it last worked.
    pub(crate) fn have_all_failed(&self, times: u32) -> bool {
        self.list.iter().all(|address| address.failures >= times)
    }

    pub(crate) fn dialled(&mut self, id: Option<AddressId>) {
        self.change(id, |address| address.connections += 1);
    }

    pub(crate) fn left(&mut self, id: Option<AddressId>) {
        self.change(id, |address| address.connections = address.connections.saturating_sub(1));
    }

    /// A connection to it proved that it lives: what failed before is over.
    pub(crate) fn proven(&mut self, id: Option<AddressId>) {
        self.change(id, |address| (address.failures, address.ejected) = (0, Time::ZERO));
    }

    /// A dial to it failed, or what it opened ended before it ever proved anything: leave it alone, twice as long each time,
    /// half of that by chance so that clients cut off together do not come back together.
    pub(crate) fn failed(&mut self, id: Option<AddressId>, now: Time, limits: &Limits, chance: &mut Chance) {
        self.change(id, |address| {
            let full = (limits.backoff_min * (1 << address.failures.min(20))).min(limits.backoff_max);
            let half = (full / 2).as_micros();
            address.failures = address.failures.saturating_add(1);
            address.ejected = now + Span::from_micros(half + chance.below(half + 1));
        });
    }

    fn change(&mut self, id: Option<AddressId>, change: impl FnOnce(&mut Address)) {
        if let Some(address) = self.list.iter_mut().find(|address| address.id == id) {
            change(address);
        }
    }
}

impl Address {
    const fn new(id: Option<AddressId>) -> Self {
        Self { id, failures: 0, ejected: Time::ZERO, connections: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Option<AddressId> = Some(AddressId(1));
    const B: Option<AddressId> = Some(AddressId(2));

    #[test]
    fn dials_spread_over_addresses_and_leave_failing_ones_alone() {
        let (limits, mut chance) = (Limits::default(), Chance::new(1));
        let mut addresses = Addresses::new();
        assert_eq!(addresses.best(Time::ZERO), Some(None), "nameless, until told");
        addresses.know(AddressId(1), true, &limits);
        addresses.know(AddressId(2), true, &limits);
        assert_eq!(addresses.best(Time::ZERO), Some(A));
        addresses.dialled(A);
        assert_eq!(addresses.best(Time::ZERO), Some(B));
        addresses.failed(B, Time::ZERO, &limits, &mut chance);
        assert_eq!(addresses.best(Time::ZERO), Some(A));
        addresses.failed(A, Time::ZERO, &limits, &mut chance);
        assert_eq!(addresses.best(Time::ZERO), None);
        assert!(addresses.have_all_failed(1) && !addresses.have_all_failed(2));
        let free = addresses.free_at(Time::ZERO).expect("a time");
        assert!(addresses.best(free).is_some());
        addresses.proven(B);
        assert_eq!(addresses.best(Time::ZERO), Some(B));
        addresses.know(AddressId(2), false, &limits);
        assert_eq!(addresses.best(Time::NEVER), Some(A));
        addresses.know(AddressId(1), false, &limits);
        assert_eq!(addresses.best(Time::ZERO), Some(None));
    }

    #[test]
    fn backoff_doubles_up_to_a_limit() {
        let (limits, mut chance) = (Limits::default(), Chance::new(1));
        let mut addresses = Addresses::new();
        let mut last = Span::ZERO;
        for _ in 0..30 {
            addresses.failed(None, Time::ZERO, &limits, &mut chance);
            let wait = addresses.free_at(Time::ZERO).expect("a backoff").since(Time::ZERO);
            assert!(
                wait <= limits.backoff_max && wait.as_micros() * 4 >= last.as_micros(),
                "{wait} after {last}"
            );
            last = wait;
        }
        assert!(last * 2 >= limits.backoff_max);
    }
}
