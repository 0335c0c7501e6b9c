//! The records in a directory: a run's `record.jsonl`, or a matrix's, a file for each scenario and contestant.
//!
//! ```text
//! DIR/record.jsonl                    a run
//! DIR/<scenario>/<contestant>.jsonl   a matrix; `.part` while it is written
//! ```
//!
//! Each may have been packed by `zstd`, and then ends in `.zst` (`record/reader.rs`).
//!
//! Invariant: the order of what comes out depends on names alone, not on when what was run: scenarios as they are listed,
//! contestants by the alphabet. Records of different plans are never shown as one run.
//! Next: `record/reader.rs`, one file; `matrix.rs`, which writes such a directory.

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Which of the records; nothing named is all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Choice<'a> {
    pub(crate) scenarios: &'a [String],
    /// In this order.
    pub(crate) contestants: &'a [String],
}

impl Choice<'_> {
    pub(crate) fn is_all(self) -> bool {
        self.scenarios.is_empty() && self.contestants.is_empty()
    }
}

/// All runs in this directory.
pub(crate) fn read(dir: &Path) -> anyhow::Result<Vec<Run>> {
    read_some(dir, Choice::default())
}

/// The chosen runs in this directory.
pub(crate) fn read_some(dir: &Path, choice: Choice<'_>) -> anyhow::Result<Vec<Run>> {
    let one = dir.join(record::FILE);
    let cells = cells(dir).unwrap_or_default();
    let mut runs = if reader::is_there(&one) || cells.is_empty() {
        vec![run(&one)?]
    } else {
        // What is not chosen is not even read: it may be a thousand files.
        let wanted = |names: &[String], path: &Path| {
            names.is_empty()
                || names.iter().any(|name| path.file_stem().is_some_and(|stem| stem == name.as_str()))
        };
        let cells = cells.into_iter().filter(|(dir, _)| wanted(choice.scenarios, dir));
        let cells = cells.map(|(_, files)| {
            files.into_iter().filter(|file| wanted(choice.contestants, file)).collect::<Vec<_>>()
        });
        cells.filter(|files| !files.is_empty()).map(|files| merged(&files)).collect::<anyhow::Result<_>>()?
    };
    runs.sort_by_key(|run| scenario::names().position(|name| name == run.plan.name).unwrap_or(usize::MAX));
    keep(&mut runs, choice);
    for name in choice.scenarios {
        ensure!(runs.iter().any(|run| run.plan.name == *name), "there is no record of the scenario `{name}`");
    }
    for name in choice.contestants {
        let mut rows = runs.iter().flat_map(|run| &run.rows);
        ensure!(
            rows.any(|row| row.summary.contestant == *name),
            "there is no record of the contestant `{name}`"
        );
    }
    Ok(runs)
}

/// Leaves what was chosen, in its order.
pub(crate) fn keep(runs: &mut Vec<Run>, Choice { scenarios, contestants }: Choice<'_>) {
    let place = |name: &str| contestants.iter().position(|wanted| wanted == name);
    runs.retain(|run| scenarios.is_empty() || scenarios.contains(&run.plan.name));
    for run in runs.iter_mut().filter(|_| !contestants.is_empty()) {
        run.rows.retain(|row| place(&row.summary.contestant).is_some());
        run.rows.sort_by_key(|row| place(&row.summary.contestant));
    }
}

/// The finished cells' files by directory.
fn cells(dir: &Path) -> std::io::Result<BTreeMap<PathBuf, Vec<PathBuf>>> {
    let mut cells = BTreeMap::new();
    for scenario in fs::read_dir(dir)? {
        let scenario = scenario?.path();
        let Ok(files) = fs::read_dir(&scenario) else { continue };
        let files = files.filter_map(|file| finished(&file.ok()?.path()));
        // A record that stands there packed and unpacked is one.
        let files: BTreeSet<PathBuf> = files.collect();
        if !files.is_empty() {
            cells.insert(scenario, files.into_iter().collect());
        }
    }
    Ok(cells)
}

/// The name of this cell's record before it was packed; `None` for what is no finished cell's.
fn finished(file: &Path) -> Option<PathBuf> {
    let plain = if file.extension()? == reader::PACKED { file.with_extension("") } else { file.to_owned() };
    (plain.extension()? == DONE).then_some(plain)
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
