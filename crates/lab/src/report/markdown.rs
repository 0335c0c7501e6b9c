//! The report in Markdown: what was run, the table, the picture, and how to read them.
//!
//! Invariant: contestants' words are quoted as code, so that nothing they print becomes markup.
//! Next: `figures.rs`, what stands in the cells.

use std::fmt::Write as _;

use super::figures::{HEADS, MORE_HEADS, cells, farewells, lateness, more_cells, notes};
use crate::summary::{Run, Summary};

const LEGEND: &str = "\
- **cuts**: connections silenced while live, of those planned. A client that never dials again leaves nothing to cut.
- **failures**: requests that timed out or failed. **In flight**: requests under way on a connection when it was cut.
- **magnified**: failures divided by in flight; those that the origin answered too late by plan are left out. ×1 is what the cut itself costs; more is the client's doing.
- **longest run**: the most failures in a row. **dials**: connections opened, those of the warm-up included.
- **recovery**: median time from a cut to the first success of a request that started after it.
- **p99**: 99th percentile of the time a request took, failures included.
";

const MORE_LEGEND: &str = "\
- **extra attempts**: requests that the origin saw beyond the first time, and those known to have gone into a cut wire.
- **seen twice**: requests that the origin saw more than once. **POST twice**: those that may not be repeated.
- **most dials**: under way at a time. **Closed by it**: connections that the contestant closed while it counted.
- **memory**: the most that the contestant took beyond what it took after the warm-up.
- **PINGs**, **resets**: HTTP/2 frames of the contestant. **GOAWAYs**: of the origin; enraged ones punish (`ENHANCE_YOUR_CALM`).
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
    table(&mut text, run, &HEADS, cells);
    _ = write!(text, "\n{LEGEND}");
    text.push_str("\n## What the clients did for it\n\n");
    table(&mut text, run, &MORE_HEADS, more_cells);
    _ = write!(text, "\n{MORE_LEGEND}");
    if let Some(lateness) = lateness(rows) {
        _ = writeln!(text, "\nTo judge all figures by: {lateness}.");
    }
    for (contestant, words) in farewells(rows) {
        _ = writeln!(text, "\n{contestant} was told GOAWAY: {}.", code(&words.escape_debug().to_string()));
    }
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

fn table<const N: usize>(
    text: &mut String,
    run: &Run,
    heads: &[&str; N],
    cells: fn(&Summary) -> [String; N],
) {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut rules = [":--"; N];
    rules[1..].fill("--:");
    text.push_str(&line(heads));
    text.push_str(&line(&rules));
    for row in &run.rows {
        text.push_str(&line(&cells(&row.summary).each_ref().map(String::as_str)));
    }
}

/// A code span that holds any text of one line.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
