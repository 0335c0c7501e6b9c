//! A matrix in one table: contestants down, scenarios across. The page and the Markdown draw it.
//!
//! Invariant: every row of every run has its cell; a scenario in which a contestant has no row has an empty one. Contestants stand
//! in the order in which the runs first name them.
//! Next: `html/overview.rs` and `markdown.rs`, what stands in the cells.

use crate::summary::{Run, Summary};

/// A contestant's cells, one for each run.
pub(super) struct Line<'a> {
    pub(super) contestant: &'a str,
    pub(super) cells: Vec<Option<&'a Summary>>,
}

pub(super) fn of(runs: &[Run]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (n, run) in runs.iter().enumerate() {
        for summary in run.rows.iter().map(|row| &row.summary) {
            let place = lines.iter().position(|line| line.contestant == summary.contestant);
            let place = place.unwrap_or_else(|| {
                lines.push(Line { contestant: &summary.contestant, cells: vec![None; runs.len()] });
                lines.len() - 1
            });
            lines[place].cells[n] = Some(summary);
        }
    }
    lines
}
