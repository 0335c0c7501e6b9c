//! What happened on which wire, and when: what the page draws.
//!
//! Time is cut into [`COLUMNS`] columns, from the first counted `go` to the last `done`, and each column counts how the requests
//! that ended in it ended. A request belongs to the wire by which the origin saw it last. One that the origin never saw went into
//! a dead wire or waited in the client; only the client knows which, so such requests have a row of their own.
//!
//! Invariant: every counted request is in `all`, and in one row; there are at most [`MOST_LINES`] rows of single wires, those that
//! were cut before the others.
//! Next: `../report/html/timeline.rs`, which draws it.

use std::collections::{BTreeMap, HashMap};

use super::turn::{Request, Turn};
use crate::record::{Outcome, WireId};

/// As fine as it is ever drawn; a power of two times 30, so that it can be halved.
pub(crate) const COLUMNS: usize = 240;

/// More rows than this nobody reads one by one.
const MOST_LINES: usize = 16;

/// One contestant's turn, drawn over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timeline {
    /// How long all columns are together, µs.
    pub(crate) lasted: u64,
    /// Wires that are drawn, in the order in which they were dialled.
    pub(crate) lines: Vec<Line>,
    /// How many other wires there were, and their requests.
    pub(crate) others: (usize, Marks),
    /// Requests that the origin never saw.
    pub(crate) unseen: Marks,
    /// All requests.
    pub(crate) all: Marks,
    /// Where cuts were due (in columns), and whether they hit a live wire.
    pub(crate) cuts: Vec<(f64, bool)>,
}

impl Timeline {
    /// The same with fewer rows of single wires: those that were cut before the others.
    pub(crate) fn fewer(&self, most: usize) -> Timeline {
        let mut fewer = self.clone();
        if fewer.lines.len() > most {
            fewer.lines.sort_by_key(|line| line.cut.is_none());
            for line in fewer.lines.split_off(most) {
                fewer.others.0 += 1;
                fewer.others.1.take_in(&line.marks, |column| column);
            }
            fewer.lines.sort_by_key(|line| line.wire);
        }
        fewer
    }
}

/// One wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) wire: WireId,
    /// From when to when it was open, in columns.
    pub(crate) open: (f64, f64),
    /// When it was cut.
    pub(crate) cut: Option<f64>,
    /// Its path was dead from the start.
    pub(crate) doomed: bool,
    pub(crate) marks: Marks,
}

/// How requests ended, by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(pub(crate) BTreeMap<usize, Tally>);

/// How the requests of one column ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) ok: u64,
    pub(crate) timeout: u64,
    pub(crate) error: u64,
}

impl Marks {
    fn note(&mut self, column: usize, outcome: Outcome) {
        let tally = self.0.entry(column).or_default();
        *match outcome {
            Outcome::Ok => &mut tally.ok,
            Outcome::Timeout => &mut tally.timeout,
            Outcome::Error => &mut tally.error,
        } += 1;
    }

    fn take_in(&mut self, other: &Marks, into: impl Fn(usize) -> usize) {
        for (&column, more) in &other.0 {
            let tally = self.0.entry(into(column)).or_default();
            tally.ok += more.ok;
            tally.timeout += more.timeout;
            tally.error += more.error;
        }
    }

    /// The same in fewer, wider columns.
    pub(crate) fn coarser(&self, columns: usize) -> Marks {
        let mut coarse = Marks::default();
        coarse.take_in(self, |column| column * columns / COLUMNS);
        coarse
    }

    fn total(&self) -> u64 {
        self.0.values().map(|tally| tally.ok + tally.timeout + tally.error).sum()
    }
}

/// Where times are on the drawing.
struct Scale {
    from: u64,
    lasted: u64,
}

impl Scale {
    fn of(requests: &[Request]) -> Option<Self> {
        let from = requests.iter().map(|request| request.go).min()?;
        let to = requests.iter().map(|request| request.done).max()?;
        Some(Self { from, lasted: to.saturating_sub(from).max(1) })
    }

    fn place(&self, at: u64) -> f64 {
        let since = at.saturating_sub(self.from).min(self.lasted);
        since as f64 / self.lasted as f64 * COLUMNS as f64
    }

    fn column(&self, at: u64) -> usize {
        (self.place(at) as usize).min(COLUMNS - 1)
    }
}

/// Empty when no counted request ended.
pub(super) fn timeline(turn: &Turn<'_>) -> Timeline {
    let Some(scale) = Scale::of(&turn.requests) else { return Timeline::default() };
    let (mut all, mut unseen) = (Marks::default(), Marks::default());
    let mut by_wire: HashMap<WireId, Marks> = HashMap::new();
    for request in &turn.requests {
        let column = scale.column(request.done);
        all.note(column, request.outcome);
        let wire = turn.seen.get(&request.number).and_then(|wires| wires.last());
        let marks = wire.map_or(&mut unseen, |wire| by_wire.entry(*wire).or_default());
        marks.note(column, request.outcome);
    }
    let lines = lines(turn, &scale, &mut by_wire);
    let mut others = Marks::default();
    by_wire.values().for_each(|marks| others.take_in(marks, |column| column));
    let cuts = turn.cuts.iter().map(|cut| (scale.place(cut.at), !cut.wires.is_empty())).collect();
    let left = turn.opened.len() - lines.len();
    Timeline { lasted: scale.lasted, lines, others: (left, others), unseen, all, cuts }
}

/// The wires worth a row; their marks are taken out of `by_wire`.
fn lines(turn: &Turn<'_>, scale: &Scale, by_wire: &mut HashMap<WireId, Marks>) -> Vec<Line> {
    let cut: HashMap<WireId, u64> = turn
        .hits()
        .filter(|hit| !hit.fault.cuts_nothing())
        .flat_map(|hit| hit.wires.iter().map(|wire| (*wire, hit.at)))
        .collect();
    let carried = |wire: &WireId| by_wire.get(wire).map_or(0, Marks::total);
    // One that had ended before the counting began, as many of a warm-up do, has nothing to show.
    let shows = |wire: &WireId| {
        turn.closed.get(wire).is_none_or(|at| *at > scale.from) || carried(wire) > 0 || cut.contains_key(wire)
    };
    let mut wires: Vec<WireId> = turn.opened.keys().copied().filter(shows).collect();
    if wires.len() > MOST_LINES {
        // The sort is stable: of equals the older ones are drawn.
        wires.sort_by_key(|wire| (!cut.contains_key(wire), std::cmp::Reverse(carried(wire))));
        wires.truncate(MOST_LINES);
        wires.sort_unstable();
    }
    let line = |wire| Line {
        wire,
        open: (
            scale.place(turn.opened[&wire]),
            turn.closed.get(&wire).map_or(COLUMNS as f64, |at| scale.place(*at)),
        ),
        cut: cut.get(&wire).map(|at| scale.place(*at)),
        doomed: turn.doomed.contains(&wire),
        marks: by_wire.remove(&wire).unwrap_or_default(),
    };
    wires.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Marks, Tally};

    #[test]
    fn fewer_columns_hold_the_same_requests() {
        let one = Tally { ok: 1, timeout: 2, error: 3 };
        let fine = Marks([(0, one), (1, one), (2, one), (COLUMNS - 1, one)].into());
        let coarse = fine.coarser(COLUMNS / 2);
        assert_eq!(coarse.0.keys().copied().collect::<Vec<_>>(), [0, 1, COLUMNS / 2 - 1]);
        assert_eq!(coarse.0[&0], Tally { ok: 2, timeout: 4, error: 6 });
        assert_eq!(coarse.total(), fine.total());
    }
}
