//! The report as one page: for each run a comparison, and for each contestant what happened on which connection, success over
//! time and how long requests took.
//!
//! It is read from a disk, in a mail, years later: so it is one file, asks no host for anything (its content security policy
//! forbids it), shows everything without its script, and follows the reader's colours. A matrix has more than a thousand
//! contestants' turns; then the same is drawn in fewer columns, until the page is small enough to be sent around.
//!
//! Invariant: below [`MOST_BYTES`], and nothing that a contestant or a server said reaches the page but through `words.rs`.
//! Next: `run.rs`, a run's part; `timeline.rs` and `chart.rs`, the drawings; `overview.rs`, the matrix in one table.

mod chart;
mod overview;
mod run;
mod timeline;

use std::fmt::Write as _;

use super::{baseline::Change, words::markup};
use crate::summary::Run;

/// What can be sent around.
const MOST_BYTES: usize = 3_000_000;

/// How fine things are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Detail {
    /// Into how many columns the time is cut; 0 draws no contestant by itself.
    columns: usize,
    /// Connections that get a row of their own.
    lines: usize,
}

/// From the finest; the first that is small enough is taken.
const DETAILS: [Detail; 8] = [
    Detail { columns: 240, lines: 16 },
    Detail { columns: 120, lines: 10 },
    Detail { columns: 60, lines: 6 },
    Detail { columns: 30, lines: 3 },
    Detail { columns: 20, lines: 1 },
    Detail { columns: 14, lines: 1 },
    Detail { columns: 10, lines: 0 },
    Detail { columns: 0, lines: 0 },
];

/// The whole page.
pub(super) fn write(runs: &[Run], changes: Option<&[Change]>) -> String {
    let mut page = String::new();
    for detail in DETAILS {
        page = draw(runs, changes, detail);
        if page.len() < MOST_BYTES {
            break;
        }
    }
    page
}

fn draw(runs: &[Run], changes: Option<&[Change]>, detail: Detail) -> String {
    let title = match runs {
        [run] => run.plan.name.clone(),
        runs => format!("{} scenarios", runs.len()),
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline';\
         script-src 'unsafe-inline';img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>netsplit: {title}</title>\n<style>\n{}</style></head><body>\n\
         <header><h1>netsplit</h1><span class=\"soft\">requests lost when connections go silent</span>\
         <div id=\"tools\"></div></header>\n",
        include_str!("style.css"),
        title = markup(&title),
    );
    if let Some(changes) = changes {
        changed(&mut page, changes);
    }
    if let [run] = runs {
        run::whole(&mut page, run, detail);
    } else {
        overview::draw(&mut page, runs);
        runs.iter().for_each(|run| run::folded(&mut page, run, detail));
    }
    page.push_str(LEGEND);
    _ = write!(page, "<script>\n{}</script>\n</body></html>\n", include_str!("script.js"));
    page
}

/// What is not as it was.
fn changed(page: &mut String, changes: &[Change]) {
    page.push_str("<h2>Changes since the baseline</h2>\n");
    if changes.is_empty() {
        page.push_str("<p>None.</p>\n");
        return;
    }
    page.push_str(
        "<div class=\"scroll left\"><table><thead><tr><th>scenario</th><th>contestant</th><th>figure</th>\
         <th>before</th><th>now</th></tr></thead><tbody>\n",
    );
    for Change { scenario, contestant, figure, before, now, worse } in changes {
        let class = match worse {
            Some(true) => " class=\"bad\"",
            Some(false) => " class=\"good\"",
            None => "",
        };
        let [scenario, contestant, before, now] =
            [scenario, contestant, before, now].map(|words| markup(words));
        _ = writeln!(
            page,
            "<tr><td>{scenario}</td><td>{contestant}</td><td>{figure}</td><td>{before}</td><td{class}>{now}</td></tr>"
        );
    }
    page.push_str("</tbody></table></div>\n");
}

const LEGEND: &str = "\
<h2>How to read it</h2>
<div class=\"key\"><span><i class=\"o\"></i>answered</span><span><i class=\"t\"></i>timed out</span>\
<span><i class=\"e\"></i>failed</span><span><i class=\"n\"></i>nothing ended</span>\
<span><i class=\"c\"></i>a live connection was cut</span><span><i class=\"q\"></i>a cut found no live connection</span></div>
<p><b>In flight</b>: requests under way on a connection when it was cut. <b>Magnified</b>: failures divided by these; \
×1 is what the cut itself costs, more is the client's doing. <b>Recovery</b>: median time from a cut to the first success of \
a request that started after it. <b>p99</b>: a request without an answer took at least its timeout, hence the ≥.</p>
<p><b>Connections</b>: a row each, from left to right in time; the thin line is how long it was open, dashed once it was cut \
or if its path was dead. A request stands where it ended, on the connection by which the origin saw it last. \
<b>unseen</b> are those that the origin never saw: they went into a dead connection or waited in the client.</p>
<p><b>Answered</b>: of the requests that ended in each moment, the share that was answered. <b>How long it took</b>: \
both axes logarithmic, the red ones took at least that long.</p>
";
