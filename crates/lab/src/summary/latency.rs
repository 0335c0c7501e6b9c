//! How long requests took, those without an answer included.
//!
//! A request that timed out or failed had no answer within its timeout; how long it would have taken nobody knows. To leave it out
//! would make a dead connection look fast, and so would the moment at which an error came. So it stays in as *censored*: it took
//! at least its timeout, and a percentile that rests on such a request says "at least".
//!
//! In an open loop a request counts from the moment when it was due, not from when it was sent: whoever waits does not care why.
//!
//! Invariant: every counted request is in the histogram once.
//! Next: `mod.rs`, whose `p50_us` and `p99_us` these are; `../report/html/chart.rs`, which draws the digest.

use hdrhistogram::Histogram;

use super::turn::Request;
use crate::record::Outcome;

/// Three digits are finer than any clock here deserves.
const DIGITS: u8 = 3;

/// A day: longer than any request but a stream, and streams are not counted.
const MOST_US: u64 = 86_400_000_000;

/// A percentile, in µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Percentile {
    pub(super) us: u64,
    /// The true one is this or more: it rests on requests that had no answer.
    pub(super) at_least: bool,
}

/// The distribution, small enough to keep for every contestant of a matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Latency {
    /// Without a gap, the shortest first.
    pub(crate) bins: Vec<Bin>,
}

/// Requests that took about the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bin {
    /// Two steps are a doubling: it holds what took `2^(step / 2)` µs, and less than the next.
    pub(crate) step: u32,
    pub(crate) answered: u64,
    /// Those that took at least that long.
    pub(crate) unanswered: u64,
}

impl Bin {
    /// Where it begins, µs.
    pub(crate) fn begins_us(self) -> f64 {
        (f64::from(self.step) / 2.0).exp2()
    }
}

/// Everything that was waited for.
pub(super) struct Waits {
    answered: Histogram<u64>,
    unanswered: Histogram<u64>,
}

impl Waits {
    /// `took` tells how long a request took, by whichever clock, from when it was due.
    pub(super) fn of(requests: &[Request], timeout_ms: u64, took: impl Fn(&Request) -> u64) -> Self {
        let (mut answered, mut unanswered) = (empty(), empty());
        for request in requests {
            let took = took(request);
            match request.outcome {
                Outcome::Ok => answered.saturating_record(took.max(1)),
                Outcome::Timeout | Outcome::Error => {
                    unanswered.saturating_record(took.max(timeout_ms * 1000 + request.held_up()));
                }
            }
        }
        Self { answered, unanswered }
    }

    /// The time that at least `percent` of all requests did not exceed.
    pub(super) fn percentile(&self, percent: f64) -> Option<Percentile> {
        let mut all = self.answered.clone();
        all.add(&self.unanswered).ok()?;
        if all.is_empty() {
            return None;
        }
        let us = all.lowest_equivalent(all.value_at_quantile(percent / 100.0));
        let at_least =
            !self.unanswered.is_empty() && self.unanswered.lowest_equivalent(self.unanswered.min()) <= us;
        Some(Percentile { us, at_least })
    }

    pub(super) fn digest(&self) -> Latency {
        let mut bins: Vec<Bin> = Vec::new();
        for (histogram, is_answer) in [(&self.answered, true), (&self.unanswered, false)] {
            for value in histogram.iter_recorded() {
                let step = step(value.value_iterated_to());
                let bin = place(&mut bins, step);
                *if is_answer { &mut bin.answered } else { &mut bin.unanswered } += value.count_at_value();
            }
        }
        Latency { bins }
    }
}

fn empty() -> Histogram<u64> {
    // It refuses more than 5 digits, and bounds that are the wrong way round.
    Histogram::new_with_bounds(1, MOST_US, DIGITS).unwrap_or_else(|error| unreachable!("{error}"))
}

fn step(us: u64) -> u32 {
    // At most 128, for 64 bits.
    (2.0 * (us.max(1) as f64).log2()).floor() as u32
}

/// The bin of this step; those between it and the others are made.
fn place(bins: &mut Vec<Bin>, step: u32) -> &mut Bin {
    let first = bins.first().map_or(step, |bin| bin.step);
    if step < first {
        let missing = (step..first).map(|step| Bin { step, ..Bin::default() });
        bins.splice(0..0, missing.collect::<Vec<_>>());
    }
    let first = first.min(step);
    let last = bins.len() as u32 + first;
    bins.extend((last..=step).map(|step| Bin { step, ..Bin::default() }));
    &mut bins[(step - first) as usize]
}

#[cfg(test)]
mod tests {
    use super::{Bin, Percentile, Waits};
    use crate::{record::Outcome, summary::turn::Request};

    fn waits(ended: &[(u64, Outcome)]) -> Waits {
        let request = |(number, &(took, outcome)): (usize, &(u64, Outcome))| Request {
            number: number as u64,
            due: None,
            go: 0,
            done: took,
            outcome,
            took,
        };
        let requests: Vec<Request> = ended.iter().enumerate().map(request).collect();
        Waits::of(&requests, 10, |request| request.took)
    }

    fn exact(us: u64) -> Option<Percentile> {
        Some(Percentile { us, at_least: false })
    }

    #[test]
    fn percentiles_are_those_of_all() {
        let hundred: Vec<_> = (1..=100).map(|took| (took, Outcome::Ok)).collect();
        assert_eq!(waits(&hundred).percentile(50.0), exact(50));
        assert_eq!(waits(&hundred).percentile(99.0), exact(99));
        assert_eq!(waits(&[(7, Outcome::Ok)]).percentile(99.0), exact(7));
        assert_eq!(waits(&[]).percentile(50.0), None);
    }

    #[test]
    fn who_had_no_answer_took_at_least_the_timeout() {
        // The error came at once, and is no fast request for it.
        let some = [(100, Outcome::Ok), (200, Outcome::Ok), (3, Outcome::Error), (12_000, Outcome::Timeout)];
        assert_eq!(waits(&some).percentile(50.0), exact(200));
        assert_eq!(waits(&some).percentile(75.0), Some(Percentile { us: 10_000, at_least: true }));
        assert_eq!(waits(&some).percentile(99.0), Some(Percentile { us: 12_000, at_least: true }));
    }

    #[test]
    fn an_answer_that_came_later_than_others_were_given_up_may_be_no_percentile() {
        let some = [(100, Outcome::Ok), (10_000, Outcome::Timeout), (11_000, Outcome::Ok)];
        let p99 = waits(&some).percentile(99.0);
        assert_eq!(p99.map(|p99| p99.at_least), Some(true), "the one given up may have taken longer");
    }

    #[test]
    fn the_digest_has_no_gap() {
        let digest =
            waits(&[(16, Outcome::Ok), (64, Outcome::Ok), (1, Outcome::Error), (9, Outcome::Ok)]).digest();
        let bins: Vec<_> = digest.bins.iter().map(|bin| bin.step).collect();
        assert_eq!(bins, (6..=26).collect::<Vec<_>>());
        assert_eq!(digest.bins[0], Bin { step: 6, answered: 1, unanswered: 0 });
        assert_eq!(digest.bins[20], Bin { step: 26, answered: 0, unanswered: 1 });
        assert_eq!(digest.bins.iter().map(|bin| bin.answered + bin.unanswered).sum::<u64>(), 4);
        assert_eq!(Bin { step: 20, ..Bin::default() }.begins_us(), 1024.0);
    }
}
