//! Round-trip time and probe timeout of a connection (RFC 9002, sections 5.3 and 6.2).
//!
//! Samples come from probes' answers. Before the first there is a guess, always from above: half of the time the
//! dial took (TCP and TLS 1.3 are two round trips), or the fastest response so far.

use crate::{Limits, Span};

/// RFC 9002 section 6.2.2: where nothing is known.
const INITIAL: Span = Span::from_millis(333);

/// Smoothed round-trip time and its variation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rtt {
    smoothed: Span,
    variation: Span,
    sampled: bool,
}

impl Rtt {
    pub(crate) const fn unknown() -> Self {
        Self { smoothed: INITIAL, variation: Span::from_micros(INITIAL.as_micros() / 2), sampled: false }
    }

    /// An upper bound: it lowers an earlier guess and leaves a measured value alone.
    pub(crate) fn bound(&mut self, bound: Span) {
        if !self.sampled && bound < self.smoothed {
            *self = Self { smoothed: bound, variation: bound / 2, sampled: false };
        }
    }

    /// A measured round trip (RFC 9002 section 5.3).
    pub(crate) fn sample(&mut self, latest: Span) {
        if self.sampled {
            self.variation = (self.variation * 3 + self.smoothed.abs_diff(latest)) / 4;
            self.smoothed = (self.smoothed * 7 + latest) / 8;
        } else {
            *self = Self { smoothed: latest, variation: latest / 2, sampled: true };
        }
    }

    /// The smoothed round trip, unless it is a guess.
    pub(crate) fn measured(&self) -> Option<Span> {
        self.sampled.then_some(self.smoothed)
    }

    /// The least time after which a probe's answer is overdue, if the peer answers at once.
    pub(crate) fn floor(&self, limits: &Limits) -> Span {
        self.smoothed + (self.variation * 4).max(limits.granularity)
    }

    /// The probe timeout: the floor, and what a busy peer may need on top.
    pub(crate) fn pto(&self, limits: &Limits) -> Span {
        self.floor(limits) + limits.allowance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_replaces_the_guess_and_later_ones_smooth_it() {
        let limits = Limits::default();
        let mut rtt = Rtt::unknown();
        rtt.bound(Span::from_millis(40));
        rtt.bound(Span::from_millis(50));
        assert_eq!(rtt.floor(&limits), Span::from_millis(40 + 4 * 20));
        rtt.sample(Span::from_millis(8));
        assert_eq!(rtt.floor(&limits), Span::from_millis(8 + 4 * 4));
        rtt.sample(Span::from_millis(16));
        assert_eq!(rtt.smoothed, Span::from_millis(9));
        assert_eq!(rtt.variation, Span::from_millis(5));
        rtt.bound(Span::from_millis(1));
        assert_eq!(rtt.smoothed, Span::from_millis(9), "a guess does not overrule a measurement");
    }

    #[test]
    fn a_steady_path_still_has_the_granularity_and_the_allowance() {
        let limits = Limits::default();
        let mut rtt = Rtt::unknown();
        for _ in 0..100 {
            rtt.sample(Span::from_micros(50));
        }
        assert_eq!(rtt.pto(&limits), Span::from_micros(50 + 1_000 + 10_000));
    }
}
