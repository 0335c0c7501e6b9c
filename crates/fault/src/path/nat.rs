//! A NAT (or firewall, or load balancer) that forgets flows which were idle, and drops in silence what it does not know.
//! It learns a flow from the first parcel that comes from the client's side, and only then: a forgotten flow stays dead,
//! since what follows is no SYN.

use std::collections::HashMap;

use crate::{Direction, Fault, Flow, Micros, Parcel, Verdict};

/// A table of flows with an idle limit.
#[derive(Clone, Debug)]
pub struct Nat {
    forgets_after: Micros,
    last_seen: HashMap<Flow, Micros>,
}

impl Nat {
    /// Flows that carry nothing for `forgets_after` are forgotten.
    pub fn new(forgets_after: Micros) -> Self {
        Self { forgets_after, last_seen: HashMap::new() }
    }
}

impl Fault for Nat {
    fn judge(&mut self, parcel: &Parcel) -> Verdict {
        if !self.is_open(parcel) {
            return Verdict::Drop;
        }
        let seen = self.last_seen.entry(parcel.flow).or_default();
        *seen = parcel.at.max(*seen);
        Verdict::Pass
    }

    fn is_open(&self, parcel: &Parcel) -> bool {
        match self.last_seen.get(&parcel.flow) {
            Some(seen) => parcel.at.saturating_sub(*seen) <= self.forgets_after,
            None => parcel.direction == Direction::Out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{BACK, OUT, packet};

    #[test]
    fn forgets_what_is_idle_and_never_learns_it_again() {
        let mut nat = Nat::new(100);
        assert_eq!(nat.judge(&packet(1, BACK, 0)), Verdict::Drop);
        assert_eq!(nat.judge(&packet(1, OUT, 0)), Verdict::Pass);
        assert_eq!(nat.judge(&packet(1, BACK, 100)), Verdict::Pass);
        assert_eq!(nat.judge(&packet(1, OUT, 200)), Verdict::Pass);
        assert_eq!(nat.judge(&packet(1, OUT, 301)), Verdict::Drop);
        assert_eq!(nat.judge(&packet(1, OUT, 302)), Verdict::Drop);
        assert_eq!(nat.judge(&packet(2, OUT, 302)), Verdict::Pass);
    }
}
