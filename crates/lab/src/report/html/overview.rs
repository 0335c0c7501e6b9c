//! The whole matrix in one table: what each cut cost in the cells.
//!
//! Invariant: every cell of `../overview.rs` is drawn, and links to the contestant's part of its run.
//! Next: `run.rs`, which the cells link to.

use std::fmt::Write as _;

use super::run::verdict;
use crate::{
    record::Status,
    report::{
        figures::{grouped, magnification},
        overview::{self, Line},
        words::markup,
    },
    summary::{Run, Summary},
};

pub(super) fn draw(page: &mut String, runs: &[Run]) {
    page.push_str(
        "<h2>What each cut cost</h2>\n<p class=\"soft\">Failures divided by requests in flight (×); where nothing was cut or in \
         flight, the number of failures.</p>\n<div class=\"scroll all\"><table><thead><tr><th>contestant</th>",
    );
    for run in runs {
        _ = write!(
            page,
            "<th class=\"v\"><a href=\"#{name}\">{name}</a></th>",
            name = markup(&run.plan.name)
        );
    }
    page.push_str("</tr></thead><tbody>\n");
    for Line { contestant, cells } in overview::of(runs) {
        let name = markup(contestant);
        let mut versions: Vec<&str> =
            cells.iter().flatten().filter_map(|summary| summary.version.as_deref()).collect();
        versions.sort_unstable();
        versions.dedup();
        let version = match &versions[..] {
            [] => String::new(),
            versions => format!(" <span class=soft>{}</span>", markup(&versions.join(", "))),
        };
        _ = write!(page, "<tr data-of=\"{name}\"><td>{name}{version}</td>");
        for (run, summary) in runs.iter().zip(cells) {
            match summary {
                Some(summary) => cell(page, summary, &markup(&run.plan.name)),
                None => page.push_str("<td></td>"),
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

/// HTML lets cells end themselves; here stand two thousand.
fn cell(page: &mut String, summary: &Summary, scenario: &str) {
    let words = match (summary.status, summary.magnification, summary.failures) {
        (Status::Skipped, ..) => "–".to_owned(),
        (Status::Failed, ..) => "failed".to_owned(),
        (_, Some(times), _) => magnification(times),
        (_, None, Some(failures)) => grouped(failures),
        (_, None, None) => "–".to_owned(),
    };
    let class = verdict(summary).filter(|_| summary.status != Status::Failed);
    let class = class.map_or(String::new(), |class| format!(" class={class}"));
    _ = write!(page, "<td{class}><a href=\"#{scenario}.{}\">{words}</a>", markup(&summary.contestant));
}
