//! The figures as JSON: a line for each contestant while it runs, and a file with everything at the end.
//!
//! `../../schema/report-1.json` is the file's schema; `summary/mod.rs` says what each figure means.
//!
//! Invariant: one object a contestant, one line each, every field always there; null where there is no figure.

use serde::Serialize;

use crate::{
    plan::Plan,
    summary::{Run, Summary},
};

/// Goes up when a reader of the old form would misunderstand the new; the schema's file is named by it.
const SCHEMA: u32 = 1;

/// A run without its rows.
#[derive(Serialize)]
struct Head<'a> {
    plan: &'a Plan,
    started: &'a str,
    lab: &'a str,
    cores: usize,
    stopped: &'a Option<String>,
}

/// One contestant's line, without its end.
pub(crate) fn line(summary: &Summary) -> String {
    text(summary)
}

/// The whole file.
pub(super) fn write(runs: &[Run]) -> String {
    let runs: Vec<String> = runs.iter().map(run).collect();
    format!("{{\"schema\":{SCHEMA},\"runs\":[\n{}\n]}}\n", runs.join(",\n"))
}

fn run(run: &Run) -> String {
    let Run { plan, started, lab, cores, stopped, rows } = run;
    let head = text(&Head { plan, started, lab, cores: *cores, stopped });
    let rows: Vec<String> = rows.iter().map(|row| line(&row.summary)).collect();
    // The head is an object; its last brace makes room for the rows.
    let head = head.strip_suffix('}').unwrap_or_default();
    format!("{head},\"rows\":[\n{}\n]}}", rows.join(",\n"))
}

fn text(value: &impl Serialize) -> String {
    // Strings, numbers and lists of them: there is nothing here that JSON can't say.
    serde_json::to_string(value).unwrap_or_default()
}
