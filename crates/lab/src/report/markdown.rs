//! The report in Markdown: what was run, the table, the picture, and how to read them.
//!
//! Invariant: contestants' words are quoted as code, so that nothing they print becomes markup.
//! Next: `figures.rs`, what stands in the cells.

use std::fmt::Write as _;

use super::figures::{HEADS, cells, notes};
use crate::summary::{Run, Summary};

const LEGEND: &str = "\
- **cuts**: connections silenced while live, of those planned. A client that never dials again leaves nothing to cut.
- **failures**: requests that timed out or failed. **In flight**: requests under way on a connection when it was cut.
- **magnified**: failures divided by in flight. ×1 is what the cut itself costs; more is the client's doing.
- **longest run**: the most failures in a row. **dials**: connections opened, those of the warm-up included.
- **recovery**: median time from a cut to the first success of a request that started after it.
- **p99**: 99th percentile of the time a request took, failures included.
";

/// The whole report; `picture` is the picture's file name.
pub(super) fn write(run: &Run, picture: &str) -> String {
    let Run { plan, started, lab, cores, stopped, rows } = run;
    let mut text = String::from("# netsplit report\n\n");
    _ = writeln!(text, "{plan}.\n");
    _ = writeln!(text, "Begun {started}, netsplit {lab}, {cores} processors.");
    if let Some(by) = stopped {
        _ = writeln!(text, "\n**Stopped by {by}:** this report is of a part of the run.");
    }
    _ = writeln!(text, "\n![Each contestant's requests, failures in red, cuts dashed]({picture})\n");
    table(&mut text, run);
    _ = write!(text, "\n{LEGEND}");
    if rows.iter().any(|row| row.summary.version.is_some()) {
        text.push_str("\n## Versions\n\n");
        for Summary { contestant, version, .. } in rows.iter().map(|row| &row.summary) {
            if let Some(version) = version {
                _ = writeln!(text, "- {contestant}: {}", code(version));
            }
        }
    }
    if notes(rows).next().is_some() {
        text.push_str("\n## Notes\n");
    }
    for (contestant, status, reason) in notes(rows) {
        _ = writeln!(text, "\n{contestant} {status}:\n\n    {}", reason.join("\n    "));
    }
    text
}

fn table(text: &mut String, run: &Run) {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut rules = [":--"; HEADS.len()];
    rules[1..].fill("--:");
    text.push_str(&line(&HEADS));
    text.push_str(&line(&rules));
    for row in &run.rows {
        text.push_str(&line(&cells(&row.summary).each_ref().map(String::as_str)));
    }
}

/// A code span that holds any text of one line.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
