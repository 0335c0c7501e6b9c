//! A row for each connection: how long it was open, and how the requests on it ended.
//!
//! One path for each kind of mark, whatever the number of rows: that keeps a thousand of these drawings small.
//!
//! Invariant: a column in which a request failed shows it, whatever else ended in it.
//! Next: `../../summary/timeline.rs`, which request belongs where.

use std::fmt::Write as _;

use super::Detail;
use crate::summary::{COLUMNS, Marks, Tally, Timeline};

/// A row's height, px; the style sheet's strokes and the names' line height fit it.
const PITCH: usize = 12;

/// A kind of mark: the style sheet's class, and how much below the row's middle it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ok,
    Timeout,
    Error,
    /// Beside answers, in the lower half.
    SomeTimeout,
    SomeError,
}

const KINDS: [(Kind, char, f64); 5] = [
    (Kind::Ok, 'o', 0.0),
    (Kind::Timeout, 't', 0.0),
    (Kind::Error, 'e', 0.0),
    (Kind::SomeTimeout, 'x', 2.0),
    (Kind::SomeError, 'y', 2.0),
];

/// The figure, with names and the axis.
pub(super) fn draw(page: &mut String, timeline: &Timeline, detail: Detail) {
    let timeline = &timeline.fewer(detail.lines);
    let scale = detail.columns as f64 / COLUMNS as f64;
    let mut names: Vec<String> = timeline.lines.iter().map(|line| line.wire.to_string()).collect();
    let mut rows: Vec<Marks> = timeline.lines.iter().map(|line| line.marks.coarser(detail.columns)).collect();
    let (others, marks) = &timeline.others;
    if *others > 0 {
        names.push(format!("{}{others}", if names.is_empty() { "all " } else { "+ " }));
        rows.push(marks.coarser(detail.columns));
    }
    if timeline.unseen != Marks::default() {
        names.push("unseen".to_owned());
        rows.push(timeline.unseen.coarser(detail.columns));
    }
    let height = rows.len() * PITCH;
    _ = write!(
        page,
        "<figure class=lines><pre>{}</pre><svg viewBox=\"0 0 {} {height}\" height={height} \
         preserveAspectRatio=none>",
        names.join("\n"),
        detail.columns
    );
    path(page, 'l', &lives(timeline, scale, false));
    path(page, 'd', &lives(timeline, scale, true));
    for (kind, class, below) in KINDS {
        let d: String =
            rows.iter().enumerate().map(|(row, marks)| runs(marks, kind, middle(row) + below)).collect();
        path(page, class, &d);
    }
    for (class, wanted) in [('k', true), ('m', false)] {
        let hits = timeline.cuts.iter().filter(|(_, hit)| *hit == wanted);
        let d: String = hits.map(|(at, _)| format!("M{} 0V{height}", short(at * scale))).collect();
        path(page, class, &d);
    }
    _ = write!(page, "</svg><p class=axis>{}</figure>", super::chart::time(timeline.lasted as f64));
}

/// Nothing, for no marks.
pub(super) fn path(page: &mut String, class: char, d: &str) {
    if !d.is_empty() {
        _ = write!(page, "<path class={class} d=\"{d}\"/>");
    }
}

fn middle(row: usize) -> f64 {
    (row * PITCH + PITCH / 2) as f64
}

/// How long wires were open: the parts in which they could carry something, or those in which they were dead.
fn lives(timeline: &Timeline, scale: f64, dead: bool) -> String {
    let mut d = String::new();
    for (row, line) in timeline.lines.iter().enumerate() {
        let died = if line.doomed { line.open.0 } else { line.cut.unwrap_or(line.open.1).min(line.open.1) };
        let (from, to) = if dead { (died, line.open.1) } else { (line.open.0, died) };
        if to > from {
            _ = write!(d, "M{} {}H{}", short(from * scale), middle(row), short(to * scale));
        }
    }
    d
}

/// The marks of one kind in a row; neighbours become one.
fn runs(marks: &Marks, wanted: Kind, y: f64) -> String {
    let mut d = String::new();
    let mut open: Option<(usize, usize)> = None;
    let columns =
        marks.0.iter().filter(|(_, tally)| kinds(tally).contains(&Some(wanted))).map(|(column, _)| *column);
    for column in columns {
        open = match open {
            Some((from, to)) if to == column => Some((from, to + 1)),
            done => {
                close(&mut d, done, y);
                Some((column, column + 1))
            }
        };
    }
    close(&mut d, open, y);
    d
}

fn close(d: &mut String, run: Option<(usize, usize)>, y: f64) {
    if let Some((from, to)) = run {
        _ = write!(d, "M{from} {y}h{}", to - from);
    }
}

/// What a column shows: answers, and failures of the more frequent kind.
fn kinds(tally: &Tally) -> [Option<Kind>; 2] {
    let Tally { ok, timeout, error } = *tally;
    let failed = match (ok > 0, timeout >= error) {
        _ if timeout + error == 0 => None,
        (false, true) => Some(Kind::Timeout),
        (false, false) => Some(Kind::Error),
        (true, true) => Some(Kind::SomeTimeout),
        (true, false) => Some(Kind::SomeError),
    };
    [(ok > 0).then_some(Kind::Ok), failed]
}

/// A tenth of a column is fine enough.
pub(super) fn short(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::{Kind, runs};
    use crate::summary::{Marks, Tally};

    #[test]
    fn neighbours_become_one_and_a_failure_is_never_hidden() {
        let ok = Tally { ok: 900, ..Tally::default() };
        let one_lost = Tally { timeout: 1, ..ok };
        let marks = Marks([(3, ok), (4, one_lost), (5, ok), (9, ok)].into());
        assert_eq!(runs(&marks, Kind::Ok, 6.0), "M3 6h3M9 6h1");
        assert_eq!(runs(&marks, Kind::SomeTimeout, 8.0), "M4 8h1");
        assert_eq!(runs(&marks, Kind::Timeout, 6.0), "");
    }
}
