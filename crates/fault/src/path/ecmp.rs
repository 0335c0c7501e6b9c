//! ECMP: a router spreads flows over several paths by a hash of their addresses and ports, and some of the paths die. A
//! flow is dead or alive for good, a new flow is as likely to be dead as an old one (measured: 18 of 40 new connections
//! worked with one of two paths dead). IPv6 fabrics that hash the flow label re-roll on each retransmission instead.

use crate::chance::mix;
use crate::{Fault, Flow, Micros, Parcel, Verdict};

/// Equal paths, of which some are dead for a while.
#[derive(Clone, Debug)]
pub struct Ecmp {
    paths: u64,
    dead: u64,
    from: Micros,
    until: Micros,
    salt: u64,
}

impl Ecmp {
    /// `dead` of `paths` drop everything between `from` and `until`.
    pub fn new(paths: u64, dead: u64, from: Micros, until: Micros, seed: u64) -> Self {
        Self { paths: paths.max(1), dead, from, until, salt: mix(seed) }
    }

    /// Whether the flow's path is one of those that die.
    pub fn is_doomed(&self, flow: Flow) -> bool {
        mix(flow.0 ^ self.salt) % self.paths < self.dead
    }
}

impl Fault for Ecmp {
    fn judge(&mut self, parcel: &Parcel) -> Verdict {
        if self.is_open(parcel) { Verdict::Pass } else { Verdict::Drop }
    }

    fn is_open(&self, parcel: &Parcel) -> bool {
        !((self.from..self.until).contains(&parcel.at) && self.is_doomed(parcel.flow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{OUT, dropped_per_cent, packet};

    #[test]
    fn a_share_of_the_flows_is_dead_for_a_while_always_the_same() {
        let mut ecmp = Ecmp::new(4, 1, 100, 200, 1);
        assert_eq!(dropped_per_cent(&mut ecmp, 99), 0);
        assert!((21..=29).contains(&dropped_per_cent(&mut ecmp, 100)));
        assert_eq!(dropped_per_cent(&mut ecmp, 200), 0);
        for flow in 0..50 {
            let verdict = ecmp.judge(&packet(flow, OUT, 150));
            assert_eq!(verdict == Verdict::Drop, ecmp.is_doomed(Flow(flow)));
        }
    }
}
