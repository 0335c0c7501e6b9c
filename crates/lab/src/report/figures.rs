//! The figures as words: the columns that the table and the Markdown share.
//!
//! Invariant: a figure that does not exist is a dash, never a 0; one that will never come ("recovery") says so.

use crate::{
    record::Status,
    summary::{Row, Summary},
};

/// The columns' heads. All but the first and the last hold numbers.
pub(super) const HEADS: [&str; 10] = [
    "contestant",
    "cuts",
    "failures",
    "in flight",
    "magnified",
    "longest run",
    "dials",
    "recovery",
    "p99",
    "wall",
];

const NONE: &str = "–";

/// One row's cells.
pub(super) fn cells(summary: &Summary) -> [String; HEADS.len()] {
    let number = |figure: Option<u64>| figure.map_or(NONE.to_owned(), grouped);
    let recovery = match (summary.recovery_ms_median, summary.cuts) {
        (Some(ms), _) => milliseconds(ms),
        (None, Some(1..)) => "never".to_owned(),
        (None, _) => NONE.to_owned(),
    };
    [
        summary.contestant.clone(),
        summary.cuts.map_or(NONE.to_owned(), |cuts| format!("{cuts} of {}", summary.cuts_planned)),
        number(summary.failures),
        number(summary.in_flight_at_cuts),
        summary.magnification.map_or(NONE.to_owned(), magnification),
        number(summary.longest_run),
        number(summary.dials),
        recovery,
        summary.p99_us.map_or(NONE.to_owned(), |us| milliseconds(us as f64 / 1000.0)),
        summary.wall_s.map_or(NONE.to_owned(), |s| format!("{s:.1} s")),
    ]
}

/// Why rows are not what they should be: contestant, status, and the reason's lines.
pub(super) fn notes(rows: &[Row]) -> impl Iterator<Item = (&str, Status, Vec<&str>)> {
    rows.iter().filter_map(|Row { summary, .. }| {
        let reason = summary.reason.as_deref()?;
        Some((summary.contestant.as_str(), summary.status, reason.lines().collect()))
    })
}

/// `×250`, `×0.5`.
pub(super) fn magnification(times: f64) -> String {
    if times >= 10.0 || times.fract() == 0.0 {
        format!("×{}", grouped(times.round() as u64))
    } else {
        format!("×{}", (times * 100.0).round() / 100.0)
    }
}

/// `25,000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn milliseconds(ms: f64) -> String {
    if ms < 9.95 { format!("{ms:.1} ms") } else { format!("{} ms", grouped(ms.round() as u64)) }
}
