//! What outlive is to reach, against whom. The report says of each whether it was.
//!
//! A run does not fail by a missed goal: times depend on the machine and on who else uses it. What depends on neither,
//! allocations per request, is held by a test (`tests/allocations.rs`).

use crate::contestant::Contestant;
use crate::record::Record;
use crate::summary::{Entry, Figure, Spread};

/// Outlive's figure divided by a peer's, and the bound of that.
pub(crate) struct Goal {
    pub(crate) row: &'static str,
    pub(crate) figure: Figure,
    pub(crate) peer: Contestant,
    pub(crate) bound: Bound,
}

#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

use Bound::{AtLeast, AtMost};
use Contestant::{HyperUtil, RawH2, Reqwest};
use Figure::{CpuPerRequest, MebibytesPerSecond, P50};

const fn goal(row: &'static str, figure: Figure, peer: Contestant, bound: Bound) -> Goal {
    Goal { row, figure, peer, bound }
}

pub(crate) const GOALS: [Goal; 13] = [
    // What a pool with proof of life may add to the bare protocol; and it is to be cheaper than pools without.
    goal("h2c-64", CpuPerRequest, RawH2, AtMost(1.20)),
    goal("h2c-64", CpuPerRequest, HyperUtil, AtMost(0.80)),
    goal("h2c-64", CpuPerRequest, Reqwest, AtMost(0.50)),
    goal("h2c-1", CpuPerRequest, RawH2, AtMost(1.15)),
    goal("h2c-1", P50, RawH2, AtMost(1.15)),
    goal("h2c-1", CpuPerRequest, HyperUtil, AtMost(1.0)),
    goal("h2c-1", P50, HyperUtil, AtMost(1.0)),
    goal("h1-64", CpuPerRequest, HyperUtil, AtMost(1.0)),
    goal("h1-64", CpuPerRequest, Reqwest, AtMost(0.70)),
    // Bytes cost what they cost.
    goal("download-1", MebibytesPerSecond, RawH2, AtLeast(0.95)),
    goal("download-16", MebibytesPerSecond, RawH2, AtLeast(0.95)),
    goal("upload-1", MebibytesPerSecond, RawH2, AtLeast(0.95)),
    goal("upload-16", MebibytesPerSecond, RawH2, AtLeast(0.95)),
];

impl Goal {
    /// The ratio, if both were measured.
    pub(crate) fn ratio(&self, records: &[Record]) -> Option<Spread> {
        let entries = Entry::all(records, self.row);
        let of = |contestant| entries.iter().find(|entry| entry.contestant == contestant);
        of(Contestant::Outlive)?.ratio(of(self.peer)?, self.figure)
    }

    pub(crate) fn is_met(&self, ratio: Spread) -> bool {
        match self.bound {
            AtMost(bound) => ratio.median <= bound,
            AtLeast(bound) => ratio.median >= bound,
        }
    }
}
