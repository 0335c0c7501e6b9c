//! Patience: how long an answer may be owed before the pool asks for proof, learned for the whole origin.
//!
//! About the 95th percentile of the time from sending to proof, tracked by stochastic approximation (Robbins and
//! Monro): a time above the estimate lifts it by 19 steps, one below lowers it by 1, so it rests where 19 of 20
//! are below. Memory of one number, no sorting, and it follows an origin that changes.

use crate::Span;

/// Steps are this fraction of the estimate.
const STEP: u64 = 256;
/// The estimate counts microseconds in this fixed point, so that small ones still move.
const POINT: u64 = 1024;

/// The learned percentile.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Patience {
    estimate: Option<u64>,
}

impl Patience {
    /// A time from sending to answer. One that was given up before counts with the time it had: it was longer.
    pub(crate) fn learn(&mut self, took: Span) {
        let took = took.as_micros().clamp(1, 1 << 40) * POINT;
        self.estimate = Some(match self.estimate {
            None => took.saturating_mul(2),
            Some(now) if took > now => now + (19 * now / STEP).max(1),
            Some(now) => now - now / STEP,
        });
    }

    /// The patience: what was learned, at least `least` (one PTO), at most `most`; `most` where nothing was learned.
    pub(crate) fn span(&self, least: Span, most: Span) -> Span {
        let learned = self.estimate.map_or(most, |estimate| Span::from_micros(estimate / POINT));
        learned.max(least).min(most.max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settles_near_the_95th_percentile() {
        let mut patience = Patience::default();
        // A fixed stride through 1..=1000 ms visits all values evenly; the 95th percentile is 950 ms.
        let mut value = 0;
        for _ in 0..20_000 {
            value = (value + 617) % 1000;
            patience.learn(Span::from_millis(value + 1));
        }
        let learned = patience.span(Span::ZERO, Span::from_secs(9)).as_micros();
        assert!((800_000..1_100_000).contains(&learned), "{learned} µs");
    }

    #[test]
    fn is_never_below_least_nor_above_most() {
        let mut patience = Patience::default();
        let (least, most) = (Span::from_millis(11), Span::from_millis(300));
        assert_eq!(patience.span(least, most), most);
        patience.learn(Span::from_micros(100));
        assert_eq!(patience.span(least, most), least);
        patience.learn(Span::MAX);
        for _ in 0..1000 {
            patience.learn(Span::MAX);
        }
        assert_eq!(patience.span(least, most), most);
        assert_eq!(patience.span(Span::from_secs(1), most), Span::from_secs(1), "one PTO, whatever the most");
    }
}
