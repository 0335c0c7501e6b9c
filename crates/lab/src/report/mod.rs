//! Reports: pure functions of runs, each format in a file of its own.
//!
//! A report is of one run, or of all runs of a matrix; `archive.rs` reads either back from its records.
//!
//! Invariant: a report is made from records alone, so `netsplit report DIR` gives what the run gave; and what a contestant
//! or a server said reaches a file or a terminal only through `words.rs`.
//! Next: `figures.rs`, what the table and the Markdown say; `svg/mod.rs`, the picture; `html/mod.rs`, the page.

mod band;
mod baseline;
mod csv;
mod figures;
mod html;
pub(crate) mod json;
pub(crate) mod limits;
mod markdown;
mod overview;
mod svg;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::summary::Run;

/// The report's file in a run's directory.
pub(crate) const MARKDOWN: &str = "report.md";
/// The page's.
pub(crate) const PAGE: &str = "report.html";
/// The picture's.
const PICTURE: &str = "report.svg";

/// Writes the reports beside the records; `baseline` is what they are compared with. Returns what changed, a line each.
pub(crate) fn write(dir: &Path, runs: &[Run], baseline: Option<&[Run]>) -> anyhow::Result<Vec<String>> {
    let changes = baseline.map(|before| baseline::changes(runs, before));
    for run in runs {
        let picture = dir.join(picture(runs, run));
        let parent = picture.parent().unwrap_or(dir);
        fs::create_dir_all(parent).with_context(|| format!("can't make {}", parent.display()))?;
        put(&picture, &svg::draw(run))?;
    }
    put(&dir.join("report.csv"), &csv::write(runs))?;
    put(&dir.join("report.json"), &json::write(runs))?;
    put(&dir.join(PAGE), &html::write(runs, changes.as_deref()))?;
    put(&dir.join(MARKDOWN), &markdown::write(runs, changes.as_deref()))?;
    Ok(changes.iter().flatten().map(ToString::to_string).collect())
}

/// Where a run's picture is: beside the report, or in the scenario's directory of a matrix.
fn picture(runs: &[Run], run: &Run) -> String {
    if runs.len() == 1 { PICTURE.to_owned() } else { format!("{}/{PICTURE}", run.plan.name) }
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}
