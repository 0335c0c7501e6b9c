//! What the records come to: medians, spreads, ratios. A pure function of the records.
//!
//! Invariant: a ratio is the median of the ratios of single rounds, so a machine that was slow for a while slows both sides.

use serde::Serialize;

use crate::contestant::Contestant;
use crate::record::{Measurement, Record};

/// The middle of some figures, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl Iterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let (least, most) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = if figures.len() % 2 == 1 {
            figures[middle]
        } else {
            (figures[middle - 1] + figures[middle]) / 2.0
        };
        Some(Self { median, least, most })
    }
}

/// A figure of a measurement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Microseconds of CPU time per request, user and system.
    CpuPerRequest,
    /// Milliseconds of CPU time per MiB.
    CpuPerMebibyte,
    RequestsPerSecond,
    MebibytesPerSecond,
    /// Microseconds.
    P50,
    P99,
    P999,
    PeakMebibytes,
    /// KiB of each connection, or request.
    KibibytesEach,
}

impl Figure {
    pub(crate) fn of(self, of: &Measurement) -> Option<f64> {
        let cpu = of.user + of.system;
        let mebibytes = of.bytes as f64 / f64::from(1 << 20);
        let figure = match self {
            Self::CpuPerRequest => cpu * 1e6 / of.requests as f64,
            Self::CpuPerMebibyte => cpu * 1e3 / mebibytes,
            Self::RequestsPerSecond => of.requests as f64 / of.seconds,
            Self::MebibytesPerSecond => mebibytes / of.seconds,
            Self::P50 => of.latency?.p50,
            Self::P99 => of.latency?.p99,
            Self::P999 => of.latency?.p999,
            Self::PeakMebibytes => of.peak_kib as f64 / 1024.0,
            Self::KibibytesEach => of.each_kib?,
        };
        (figure.is_finite() && figure > 0.0).then_some(figure)
    }
}

/// All that was measured of one contestant in one row.
pub(crate) struct Entry<'a> {
    pub(crate) contestant: Contestant,
    rounds: Vec<(u32, &'a Measurement)>,
}

impl<'a> Entry<'a> {
    /// Those of a row that were measured at least once, in the order in which they entered.
    pub(crate) fn all(records: &'a [Record], row: &str) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::new();
        for record in records {
            let Record::Measured { row: of, round, contestant, measurement } = record else { continue };
            if of != row {
                continue;
            }
            match entries.iter_mut().find(|entry| entry.contestant == *contestant) {
                Some(entry) => entry.rounds.push((*round, measurement)),
                None => entries.push(Self { contestant: *contestant, rounds: vec![(*round, measurement)] }),
            }
        }
        entries.sort_by_key(|entry| entry.contestant);
        entries
    }

    pub(crate) fn figure(&self, figure: Figure) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(|(_, measurement)| figure.of(measurement)))
    }

    /// This one's figure divided by the other's.
    pub(crate) fn ratio(&self, other: &Self, figure: Figure) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(|(round, ours)| {
            let (_, theirs) = other.rounds.iter().find(|(other, _)| other == round)?;
            Some(figure.of(ours)? / figure.of(theirs)?)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(contestant: Contestant, round: u32, user: f64) -> Record {
        let measurement = Measurement { requests: 1000, user, seconds: 1.0, ..Measurement::default() };
        Record::Measured { row: "a".into(), round, contestant, measurement }
    }

    #[test]
    fn a_ratio_is_of_the_same_round() {
        // The machine is ten times slower in the second round, for both.
        let records = [
            measured(Contestant::RawH2, 0, 1.0),
            measured(Contestant::Outlive, 0, 2.0),
            measured(Contestant::Outlive, 1, 20.0),
            measured(Contestant::RawH2, 1, 10.0),
            measured(Contestant::RawH2, 2, 1.0),
        ];
        let entries = Entry::all(&records, "a");
        let [outlive, h2] = &entries[..] else { panic!("two contestants") };
        let ratio = outlive.ratio(h2, Figure::CpuPerRequest).unwrap();
        assert_eq!(ratio, Spread { median: 2.0, least: 2.0, most: 2.0 });
        assert_eq!(h2.figure(Figure::CpuPerRequest).unwrap().most, 10_000.0);
        assert!(outlive.figure(Figure::P50).is_none());
        assert!(Entry::all(&records, "b").is_empty());
    }

    #[test]
    fn the_middle_of_an_even_number() {
        let spread = Spread::of([4.0, 1.0, 2.0, 3.0].into_iter());
        assert_eq!(spread, Some(Spread { median: 2.5, least: 1.0, most: 4.0 }));
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
