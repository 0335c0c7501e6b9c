//! What changed since an earlier report: `--baseline DIR`.
//!
//! Rows are compared by scenario and contestant. Counts that must not move are compared as they are; counts that depend on
//! timing count as changed from a tenth on, and times from a fifth on, if that is also more than both labs were late.
//!
//! Invariant: the same records give the same changes, and rows whose plans differ are named and not compared.
//! Next: `figures.rs`, how figures are written; `limits.rs`, for CI.

use std::fmt;

use super::{
    figures::{grouped, magnification, milliseconds},
    words::plain,
};
use crate::summary::{Row, Run, Summary};

/// One thing that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) scenario: String,
    pub(super) contestant: String,
    pub(super) figure: &'static str,
    pub(super) before: String,
    pub(super) now: String,
    /// Whether it is worse; `None` where neither is.
    pub(super) worse: Option<bool>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { scenario, contestant, figure, before, now, worse } = self;
        let judged = match worse {
            Some(true) => " (worse)",
            Some(false) => " (better)",
            None => "",
        };
        write!(f, "{scenario}: {contestant}: {figure} {} → {}{judged}", plain(before), plain(now))
    }
}

/// How much is a change.
#[derive(Clone, Copy, PartialEq)]
enum Noise {
    None,
    Tenth,
    Time,
}

struct Figure {
    name: &'static str,
    of: fn(&Summary) -> Option<f64>,
    words: fn(f64) -> String,
    noise: Noise,
    /// Less of it is better.
    judged: bool,
}

fn count(number: f64) -> String {
    grouped(number as u64)
}

const fn figure(
    name: &'static str,
    of: fn(&Summary) -> Option<f64>,
    words: fn(f64) -> String,
    noise: Noise,
    judged: bool,
) -> Figure {
    Figure { name, of, words, noise, judged }
}

/// A count as a number that can be compared.
macro_rules! number {
    ($name:ident) => {
        |summary| summary.$name.map(|figure| figure as f64)
    };
}

/// What never comes is later than everything.
fn recovery(summary: &Summary) -> Option<f64> {
    let never = (summary.cuts > Some(0)).then_some(f64::INFINITY);
    summary.recovery_ms_median.or(never)
}

fn recovery_words(ms: f64) -> String {
    if ms.is_finite() { milliseconds(ms) } else { "never".to_owned() }
}

const FIGURES: [Figure; 12] = [
    figure("cuts", number!(cuts), count, Noise::None, false),
    figure("failures", number!(failures), count, Noise::None, true),
    figure("in flight", number!(in_flight_at_cuts), count, Noise::Tenth, false),
    figure("magnified", number!(magnification), magnification, Noise::Tenth, true),
    figure("longest run", number!(longest_run), count, Noise::Tenth, true),
    figure("dials", number!(dials), count, Noise::Tenth, true),
    figure("recovery", recovery, recovery_words, Noise::Time, true),
    figure("p99", |s| s.p99_us.map(|us| us as f64 / 1000.0), milliseconds, Noise::Time, true),
    figure("extra attempts", number!(extra_attempts), count, Noise::Tenth, true),
    figure("seen twice", number!(seen_twice), count, Noise::Tenth, true),
    figure("POST twice", number!(posts_seen_twice), count, Noise::None, true),
    figure("enraged GOAWAYs", number!(goaways_enraged), count, Noise::None, true),
];

/// Everything that is not what it was, in the order of the rows now, then what is gone.
pub(super) fn changes(now: &[Run], before: &[Run]) -> Vec<Change> {
    let mut changes = Vec::new();
    for run in now {
        let old = before.iter().find(|old| old.plan.name == run.plan.name);
        let Some(old) = old else {
            changes.push(told(run, "all", "scenario", ("not there", "new")));
            continue;
        };
        if old.plan != run.plan {
            let [was, is] = [old, run].map(|run| run.plan.to_string());
            changes.push(told(run, "all", "plan (not compared)", (&was, &is)));
            continue;
        }
        run.rows.iter().for_each(|row| compare_row(&mut changes, run, row, old));
        let is_gone = |row: &&Row| find(run, row).is_none();
        let gone = old.rows.iter().filter(is_gone);
        changes.extend(gone.map(|row| told(run, &row.summary.contestant, "row", ("there", "gone"))));
    }
    let is_gone = |old: &&Run| !now.iter().any(|run| run.plan.name == old.plan.name);
    changes.extend(before.iter().filter(is_gone).map(|old| told(old, "all", "scenario", ("there", "gone"))));
    changes
}

fn find<'a>(run: &'a Run, like: &Row) -> Option<&'a Row> {
    run.rows.iter().find(|row| row.summary.contestant == like.summary.contestant)
}

fn compare_row(changes: &mut Vec<Change>, run: &Run, row: &Row, old: &Run) {
    let now = &row.summary;
    let Some(Row { summary: before, .. }) = find(old, row) else {
        changes.push(told(run, &now.contestant, "row", ("not there", "new")));
        return;
    };
    if before.status != now.status {
        let [was, is] = [before, now].map(|summary| summary.status.to_string());
        changes.push(told(run, &now.contestant, "status", (&was, &is)));
    }
    if before.version != now.version {
        let [was, is] = [before, now].map(|summary| summary.version.clone().unwrap_or_default());
        changes.push(told(run, &now.contestant, "version", (&was, &is)));
    }
    for figure in &FIGURES {
        let (was, is) = ((figure.of)(before), (figure.of)(now));
        if differs(figure.noise, (was, is), (before, now)) {
            let words = |figure_then: Option<f64>| figure_then.map_or("–".to_owned(), figure.words);
            // What has no figure can't be judged.
            let worse = was.zip(is).filter(|_| figure.judged).map(|(was, is)| is > was);
            changes
                .push(Change { worse, ..told(run, &now.contestant, figure.name, (&words(was), &words(is))) });
        }
    }
}

fn differs(noise: Noise, figures: (Option<f64>, Option<f64>), rows: (&Summary, &Summary)) -> bool {
    let (Some(was), Some(is)) = figures else { return figures.0.is_some() != figures.1.is_some() };
    if was.is_finite() != is.is_finite() {
        return true;
    }
    let (difference, size) = ((is - was).abs(), was.abs().max(is.abs()));
    let late_ms = rows.0.late_p99_us.max(rows.1.late_p99_us).unwrap_or(0) as f64 / 1000.0;
    match noise {
        Noise::None => difference > 0.0,
        Noise::Tenth => difference > size / 10.0,
        Noise::Time => difference > size / 5.0 && difference > late_ms,
    }
}

fn told(run: &Run, contestant: &str, figure: &'static str, (before, now): (&str, &str)) -> Change {
    let scenario = run.plan.name.clone();
    let (contestant, before, now) = (contestant.to_owned(), before.to_owned(), now.to_owned());
    Change { scenario, contestant, figure, before, now, worse: None }
}
