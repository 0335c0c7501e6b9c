//! The records in a directory: a run's `record.jsonl`, or a matrix's, a file for each scenario and contestant.
//!
//! ```text
//! DIR/record.jsonl                    a run
//! DIR/<scenario>/<contestant>.jsonl   a matrix; `.part` while it is written
//! ```
//!
//! Invariant: the order of what comes out depends on names alone, not on when what was run: scenarios as they are listed,
//! contestants by the alphabet. Records of different plans are never shown as one run.
//! Next: `record/reader.rs`, one file; `matrix.rs`, which writes such a directory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use crate::{
    record::{self, reader},
    scenario,
    summary::{self, Run},
};

/// What a finished cell's file is called.
pub(crate) const DONE: &str = "jsonl";

/// All runs in this directory.
pub(crate) fn read(dir: &Path) -> anyhow::Result<Vec<Run>> {
    let one = dir.join(record::FILE);
    let cells = cells(dir).unwrap_or_default();
    if one.exists() || cells.is_empty() {
        return Ok(vec![run(&one)?]);
    }
    let mut runs: Vec<Run> =
        cells.into_values().map(|files| merged(&files)).collect::<anyhow::Result<_>>()?;
    runs.sort_by_key(|run| scenario::names().position(|name| name == run.plan.name).unwrap_or(usize::MAX));
    Ok(runs)
}

/// The finished cells' files by directory.
fn cells(dir: &Path) -> std::io::Result<BTreeMap<PathBuf, Vec<PathBuf>>> {
    let mut cells = BTreeMap::new();
    for scenario in fs::read_dir(dir)? {
        let scenario = scenario?.path();
        let Ok(files) = fs::read_dir(&scenario) else { continue };
        let mut files: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == DONE));
        files.sort();
        if !files.is_empty() {
            cells.insert(scenario, files);
        }
    }
    Ok(cells)
}

fn run(path: &Path) -> anyhow::Result<Run> {
    let records = reader::read(path)?;
    summary::run(&records).with_context(|| format!("{} has no head; is it a record?", path.display()))
}

fn merged(files: &[PathBuf]) -> anyhow::Result<Run> {
    let mut files = files.iter();
    let first = files.next().context("no record")?;
    let mut whole = run(first)?;
    for path in files {
        let Run { plan, started, rows, stopped, .. } = run(path)?;
        ensure!(plan == whole.plan, "{} is of another plan than {}", path.display(), first.display());
        whole.started = whole.started.min(started);
        whole.stopped = whole.stopped.or(stopped);
        whole.rows.extend(rows);
    }
    Ok(whole)
}
