//! The figures as words: the columns that the tables for the terminal and the Markdown share.
//!
//! There are two tables: what each cut cost, and what the client did for it.
//!
//! Invariant: a figure that does not exist is a dash, never a 0; one that will never come ("recovery") says so.

use super::words::plain;
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

/// The heads of the second table's columns.
pub(super) const MORE_HEADS: [&str; 11] = [
    "contestant",
    "extra attempts",
    "per cut",
    "seen twice",
    "POST twice",
    "most dials",
    "closed by it",
    "memory",
    "PINGs",
    "resets",
    "GOAWAYs",
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
        summary.cuts.map_or(NONE.to_owned(), |cuts| match summary.cuts_planned {
            Some(planned) => format!("{cuts} of {planned}"),
            None => cuts.to_string(),
        }),
        number(summary.failures),
        number(summary.in_flight_at_cuts),
        summary.magnification.map_or(NONE.to_owned(), magnification),
        number(summary.longest_run),
        number(summary.dials),
        recovery,
        summary.p99_us.map_or(NONE.to_owned(), |us| {
            let at_least = if summary.p99_at_least { "≥ " } else { "" };
            format!("{at_least}{}", milliseconds(us as f64 / 1000.0))
        }),
        summary.wall_s.map_or(NONE.to_owned(), |s| format!("{s:.1} s")),
    ]
}

/// One row's cells of the second table.
pub(super) fn more_cells(summary: &Summary) -> [String; MORE_HEADS.len()] {
    let number = |figure: Option<u64>| figure.map_or(NONE.to_owned(), grouped);
    let goaways = match (summary.goaways, summary.goaways_enraged) {
        (Some(all), Some(enraged @ 1..)) => format!("{} ({} enraged)", grouped(all), grouped(enraged)),
        (all, _) => number(all),
    };
    [
        summary.contestant.clone(),
        number(summary.extra_attempts),
        summary.extra_per_cut.map_or(NONE.to_owned(), |extra| format!("{extra:.1}")),
        number(summary.seen_twice),
        number(summary.posts_seen_twice),
        number(summary.most_dials),
        number(summary.closed_by_it),
        summary.memory_growth_kib.map_or(NONE.to_owned(), |kib| format!("+{:.1} MiB", kib as f64 / 1024.0)),
        number(summary.pings),
        number(summary.resets),
        goaways,
    ]
}

/// How good the figures can be at best, in one line; `None` when nothing was counted.
pub(super) fn lateness(rows: &[Row]) -> Option<String> {
    let of = |figure: fn(&Summary) -> Option<u64>| rows.iter().filter_map(|row| figure(&row.summary)).max();
    let (p99, most) = (of(|s| s.late_p99_us)?, of(|s| s.late_max_us)?);
    let [p99, most] = [p99, most].map(|us| milliseconds(us as f64 / 1000.0));
    let steal = of(|s| s.steal_per_mille).map_or(String::new(), |steal| {
        format!("; the host kept {} % of the processors", steal as f64 / 10.0)
    });
    Some(format!("the lab itself was late by {p99} (p99 of its worst turn), {most} at most{steal}"))
}

/// How an open loop was kept up: a line for each contestant.
pub(super) fn loads(rows: &[Row]) -> impl Iterator<Item = String> {
    rows.iter().filter_map(|Row { summary, .. }| {
        let (offered, late) = summary.offered.zip(summary.sent_late)?;
        let [offered, sent, late] = [offered, summary.requests, late].map(grouped);
        Some(format!("{}: {offered} requests offered, {sent} sent, {late} of them late", summary.contestant))
    })
}

/// What origins said when they would not go on: contestant and words.
pub(super) fn farewells(rows: &[Row]) -> impl Iterator<Item = (&str, String)> {
    let said = rows.iter().filter(|row| !row.summary.goaway_words.is_empty());
    said.map(|Row { summary, .. }| (summary.contestant.as_str(), summary.goaway_words.join(", ")))
}

/// Why rows are not what they should be: contestant, status, and the reason's lines.
pub(super) fn notes(rows: &[Row]) -> impl Iterator<Item = (&str, Status, Vec<String>)> {
    rows.iter().filter_map(|Row { summary, .. }| {
        let reason = summary.reason.as_deref()?;
        Some((summary.contestant.as_str(), summary.status, reason.lines().map(plain).collect()))
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

pub(super) fn milliseconds(ms: f64) -> String {
    if ms < 9.95 { format!("{ms:.1} ms") } else { format!("{} ms", grouped(ms.round() as u64)) }
}
