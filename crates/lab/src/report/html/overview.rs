//! The whole matrix in one table: contestants down, scenarios across, what each cut cost in the cells.
//!
//! Invariant: every row of every run has its cell; a scenario in which a contestant has no row has an empty one.
//! Next: `run.rs`, which the cells link to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::run::verdict;
use crate::{
    record::Status,
    report::{
        figures::{grouped, magnification},
        words::markup,
    },
    summary::{Run, Summary},
};

pub(super) fn draw(page: &mut String, runs: &[Run]) {
    let mut contestants = BTreeSet::new();
    let mut cells = BTreeMap::new();
    for (n, run) in runs.iter().enumerate() {
        for summary in run.rows.iter().map(|row| &row.summary) {
            contestants.insert(&summary.contestant);
            cells.insert((&summary.contestant, n), summary);
        }
    }
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
    for contestant in contestants {
        let name = markup(contestant);
        _ = write!(page, "<tr data-of=\"{name}\"><td>{name}</td>");
        for (n, run) in runs.iter().enumerate() {
            match cells.get(&(contestant, n)) {
                Some(summary) => cell(page, summary, &markup(&run.plan.name)),
                None => page.push_str("<td></td>"),
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

fn cell(page: &mut String, summary: &Summary, scenario: &str) {
    let words = match (summary.status, summary.magnification, summary.failures) {
        (Status::Skipped, ..) => "–".to_owned(),
        (Status::Failed, ..) => "failed".to_owned(),
        (_, Some(times), _) => magnification(times),
        (_, None, Some(failures)) => grouped(failures),
        (_, None, None) => "–".to_owned(),
    };
    let class = verdict(summary).filter(|_| summary.status != Status::Failed);
    let class = class.map_or(String::new(), |class| format!(" class=\"{class}\""));
    _ = write!(page, "<td{class}><a href=\"#{scenario}.{}\">{words}</a></td>", markup(&summary.contestant));
}
