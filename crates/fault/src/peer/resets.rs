//! A server that counts resets: after "rapid reset" (CVE-2023-44487) servers bear about 20 streams that were reset before
//! they were dealt with, and answer more with GOAWAY ENHANCE_YOUR_CALM `too_many_resets` (h2's default is 20). The
//! count goes down as the server gets round to them.

use crate::Micros;

/// Counts the resets of one connection.
#[derive(Clone, Debug)]
pub struct ResetPolice {
    most: u32,
    each_takes: Micros,
    pending: u32,
    since: Micros,
}

impl ResetPolice {
    /// As the h2 crate does by default; a server under load gets round to one every millisecond.
    pub fn h2() -> Self {
        Self::new(20, 1_000)
    }

    /// More than `most` pending are too many; one is dealt with every `each_takes`.
    pub fn new(most: u32, each_takes: Micros) -> Self {
        Self { most, each_takes: each_takes.max(1), pending: 0, since: 0 }
    }

    /// A reset arrived. Says whether that was one too many.
    pub fn reset(&mut self, at: Micros) -> bool {
        let dealt_with = at.saturating_sub(self.since) / self.each_takes;
        self.pending = self.pending.saturating_sub(dealt_with.min(u64::from(u32::MAX)) as u32);
        self.since = if self.pending == 0 { at } else { self.since + dealt_with * self.each_takes };
        self.pending += 1;
        self.pending > self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_punished_and_a_trickle_is_not() {
        let mut police = ResetPolice::h2();
        assert!((0..20).all(|at| !police.reset(at)));
        assert!(police.reset(20));
        let mut police = ResetPolice::h2();
        assert!((0..1000).all(|place| !police.reset(place * 1_000)));
    }
}
