//! The report in Markdown: what was run, the table, the picture, and how to read them.
//!
//! Invariant: contestants' words are quoted as code, so that nothing they print becomes markup.
//! Next: `figures.rs`, what stands in the cells.

use std::fmt::Write as _;

use super::baseline::Change;
use super::figures::{
    HEADS, MORE_HEADS, cells, farewells, grouped, lateness, loads, magnification, more_cells, notes,
};
use super::overview::{self, Line};
use super::words::code;
use crate::record::Status;
use crate::summary::{Run, Summary};

const LEGEND: &str = "\
- **cuts**: connections silenced while live, of those planned. A client that never dials again leaves nothing to cut.
- **failures**: requests that timed out or failed. **In flight**: requests under way on a connection when it was cut.
- **magnified**: failures divided by in flight; those that the origin answered too late by plan are left out. ×1 is what the cut itself costs; more is the client's doing.
- **longest run**: the most failures in a row. **dials**: connections opened, those of the warm-up included.
- **recovery**: median time from a cut to the first success of a request that started after it.
- **p99**: 99th percentile of the time a request took. One without an answer took at least its timeout, hence the ≥.
";

const WHOLE: &str = "\
Requests that failed. In bold: more than were in flight on the cut connections, and how many times that, answers that were late by plan
left out. °: the cut connection carried none at that moment. *failed*: it broke off, or could not go on; a dash: it could not be run.
";

const MORE_LEGEND: &str = "\
- **extra attempts**: requests that the origin saw beyond the first time, and those known to have gone into a cut wire.
- **seen twice**: requests that the origin saw more than once. **POST twice**: those that may not be repeated.
- **most dials**: under way at a time. **Closed by it**: connections that the contestant closed while it counted.
- **memory**: the most that the contestant took beyond what it took after the warm-up.
- **PINGs**, **resets**: HTTP/2 frames of the contestant. **GOAWAYs**: of the origin; enraged ones punish (`ENHANCE_YOUR_CALM`).
";

/// The whole report.
pub(super) fn write(runs: &[Run], changes: Option<&[Change]>) -> String {
    let mut text = String::from("# netsplit report\n");
    if let Some(changes) = changes {
        changed(&mut text, changes);
    }
    if runs.len() > 1 {
        whole(&mut text, runs);
    }
    for run in runs {
        if runs.len() > 1 {
            _ = writeln!(text, "\n# {}", run.plan.name);
        }
        part(&mut text, run, &super::picture(runs, run));
    }
    text
}

fn changed(text: &mut String, changes: &[Change]) {
    text.push_str("\n## Changes since the baseline\n\n");
    if changes.is_empty() {
        text.push_str("None.\n");
        return;
    }
    text.push_str(
        "| scenario | contestant | figure | before | now | |\n| :-- | :-- | :-- | --: | --: | :-- |\n",
    );
    for Change { scenario, contestant, figure, before, now, worse } in changes {
        let judged = match worse {
            Some(true) => "worse",
            Some(false) => "better",
            None => "",
        };
        let [before, now] = [before, now].map(|words| words.replace('|', "\\|")).map(|words| code(&words));
        _ = writeln!(text, "| {scenario} | {contestant} | {figure} | {before} | {now} | {judged} |");
    }
}

/// All runs in one table.
fn whole(text: &mut String, runs: &[Run]) {
    _ = writeln!(text, "\n## What each cut cost\n\n{WHOLE}");
    let names = runs.iter().map(|run| format!(" `{}` |", run.plan.name)).collect::<String>();
    _ = writeln!(text, "| contestant |{names}\n| :-- |{}", " --: |".repeat(runs.len()));
    for Line { contestant, cells } in overview::of(runs) {
        let cells: Vec<String> = cells.into_iter().map(lost).collect();
        _ = writeln!(text, "| {contestant} | {} |", cells.join(" | "));
    }
}

/// `3`; `**300** (×300)`.
fn lost(summary: Option<&Summary>) -> String {
    let Some(summary) = summary else { return String::new() };
    match (summary.status, summary.failures, summary.magnification) {
        (Status::Failed, ..) => "*failed*".to_owned(),
        (_, Some(failures), Some(times)) if times > 1.0 => {
            format!("**{}** ({})", grouped(failures), magnification(times))
        }
        (_, Some(failures), None) if summary.cuts > Some(0) => format!("{}°", grouped(failures)),
        (_, Some(failures), _) => grouped(failures),
        (_, None, _) => "–".to_owned(),
    }
}

/// One run; `picture` is where its picture is.
fn part(text: &mut String, run: &Run, picture: &str) {
    let Run { plan, started, lab, cores, stopped, rows } = run;
    _ = writeln!(text, "\n{plan}.\n");
    _ = writeln!(text, "Begun {started}, netsplit {lab}, {cores} processors.");
    if let Some(by) = stopped {
        _ = writeln!(text, "\n**Stopped by {by}:** this report is of a part of the run.");
    }
    _ = writeln!(text, "\n![Each contestant's requests, failures in red, cuts dashed]({picture})\n");
    table(text, run, &HEADS, cells);
    _ = write!(text, "\n{LEGEND}");
    text.push_str("\n## What the clients did for it\n\n");
    table(text, run, &MORE_HEADS, more_cells);
    _ = write!(text, "\n{MORE_LEGEND}");
    if loads(rows).next().is_some() {
        text.push_str("\nAn open loop counts from when a request was due; late is one that was sent 2 ms after that:\n\n");
        loads(rows).for_each(|load| _ = writeln!(text, "- {load}"));
    }
    if let Some(lateness) = lateness(rows) {
        _ = writeln!(text, "\nTo judge all figures by: {lateness}.");
    }
    for (contestant, words) in farewells(rows) {
        _ = writeln!(text, "\n{contestant} was told GOAWAY: {}.", code(&words));
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
