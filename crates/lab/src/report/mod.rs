//! Reports: pure functions of a `Run`, each format in a file of its own.
//!
//! Invariant: a report is made from the record alone, so `netsplit report DIR` gives what the run gave.
//! Next: `figures.rs`, what the table and the Markdown say; `svg/mod.rs`, the picture.

mod figures;
pub(crate) mod json;
mod markdown;
mod svg;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::summary::Run;

/// The report's file in a run's directory.
pub(crate) const MARKDOWN: &str = "report.md";
/// The picture's.
const PICTURE: &str = "report.svg";

/// Writes report and picture beside the record.
pub(crate) fn write(dir: &Path, run: &Run) -> anyhow::Result<()> {
    for (name, text) in [(PICTURE, svg::draw(run)), (MARKDOWN, markdown::write(run, PICTURE))] {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}
