//! One run's part of the page: what was run, the comparison, and a card for each contestant.
//!
//! Invariant: every contestant of the run has a row, also one that did not run: then with the reason.
//! Next: `../figures.rs`, what stands in the cells; `timeline.rs` and `chart.rs`, what a card shows.

use std::fmt::Write as _;

use super::{Detail, chart, timeline};
use crate::{
    record::Status,
    report::{
        figures::{self, HEADS, MORE_HEADS, grouped},
        words::markup,
    },
    summary::{Row, Run, Summary},
};

/// The only run of a report.
pub(super) fn whole(page: &mut String, run: &Run, detail: Detail) {
    _ = writeln!(page, "<section id=\"{name}\"><h2>{name}</h2>", name = markup(&run.plan.name));
    inside(page, run, detail, true);
    page.push_str("</section>\n");
}

/// One of many. Which version each contestant is, the table of all says.
pub(super) fn folded(page: &mut String, run: &Run, detail: Detail) {
    _ = writeln!(
        page,
        "<details class=\"run\" id=\"{name}\"><summary><h2>{name}</h2> <span class=\"soft\">{}</span></summary>",
        markup(&run.plan.about),
        name = markup(&run.plan.name),
    );
    inside(page, run, detail, false);
    page.push_str("</details>\n");
}

fn inside(page: &mut String, run: &Run, detail: Detail, versions: bool) {
    let Run { plan, started, lab, cores, stopped, rows } = run;
    _ = writeln!(page, "<p>{}</p>", markup(&plan.to_string()));
    let late = figures::lateness(rows).map_or(String::new(), |late| format!("; {late}"));
    _ = writeln!(
        page,
        "<p class=\"soft\">Begun {}, netsplit {}, {cores} processors{}.</p>",
        markup(started),
        markup(lab),
        markup(&late)
    );
    if let Some(by) = stopped {
        _ = writeln!(page, "<p class=\"warn\">Stopped by {}: this is a part of the run.</p>", markup(by));
    }
    for load in figures::loads(rows) {
        _ = writeln!(page, "<p class=\"soft\">{}</p>", markup(&load));
    }
    comparison(page, run, detail);
    if detail.columns > 0 {
        rows.iter().for_each(|row| card(page, run, row, detail, versions));
    }
}

/// HTML lets cells and rows end themselves; in a matrix they stand here a thousand times.
fn comparison(page: &mut String, run: &Run, detail: Detail) {
    page.push_str("<div class=\"scroll\"><table><thead><tr>");
    let [name, others @ ..] = HEADS;
    _ = write!(page, "<th data-sort>{name}</th><th class=\"in\">requests</th>");
    others.iter().for_each(|head| _ = write!(page, "<th data-sort>{head}</th>"));
    page.push_str("</tr></thead><tbody>\n");
    for row in &run.rows {
        let Row { summary, course, .. } = row;
        let [name, cells @ ..] = figures::cells(summary);
        let name = markup(&name);
        _ = write!(
            page,
            "<tr data-of=\"{name}\"><td><a href=\"#{}.{name}\">{name}</a><td>{}",
            markup(&run.plan.name),
            chart::strip(course, run.requests(), detail)
        );
        for (n, cell) in cells.iter().enumerate() {
            match verdict(summary) {
                // Failures and magnified.
                Some(class) if n == 1 || n == 3 => _ = write!(page, "<td class={class}>{cell}"),
                _ => _ = write!(page, "<td>{cell}"),
            }
        }
        page.push('\n');
    }
    page.push_str("</tbody></table></div>\n");
}

/// The class of what a cut cost: beyond itself, no more than that, or nothing that can be said.
pub(super) fn verdict(summary: &Summary) -> Option<&'static str> {
    match (summary.magnification, summary.failures?) {
        (Some(times), _) if times > 10.0 => Some("bad"),
        (Some(times), _) if times > 1.0 => Some("some"),
        (Some(_), _) | (None, 0) => Some("good"),
        (None, _) => None,
    }
}

fn card(page: &mut String, run: &Run, row: &Row, detail: Detail, versions: bool) {
    let Row { summary, .. } = row;
    let name = markup(&summary.contestant);
    let version = summary.version.as_deref().filter(|_| versions);
    let version = version.map_or(String::new(), |words| format!("<span class=soft>{}</span>", markup(words)));
    _ = writeln!(
        page,
        "<article class=card id=\"{}.{name}\"><header><h3>{name}</h3>{version}</header>",
        markup(&run.plan.name)
    );
    if let Some(reason) = &summary.reason {
        _ = writeln!(
            page,
            "<p class=\"warn\">{}: {}</p>",
            summary.status,
            reason.lines().map(markup).collect::<Vec<_>>().join("<br>")
        );
    }
    if summary.failures.is_some() {
        page.push_str("<div class=charts>");
        timeline::draw(page, &row.timeline, detail);
        chart::success(page, &row.timeline, detail);
        chart::latency(page, row, detail);
        page.push_str("</div>");
        _ = writeln!(page, "<p class=soft>{}</p>", markup(&more(summary)));
    }
    page.push_str("</article>\n");
}

/// The figures of the second table that are not 0.
fn more(summary: &Summary) -> String {
    let cells = figures::more_cells(summary);
    let told =
        MORE_HEADS.iter().zip(&cells).skip(1).filter(|(_, cell)| !["0", "0.0", "–"].contains(&cell.as_str()));
    let mut words: Vec<String> = told.map(|(head, cell)| format!("{head} {cell}")).collect();
    words.insert(0, format!("{} requests", grouped(summary.requests)));
    if summary.status != Status::Ran {
        words.push(summary.status.to_string());
    }
    if !summary.goaway_words.is_empty() {
        words.push(format!("was told GOAWAY: {}", summary.goaway_words.join(", ")));
    }
    words.join(" · ")
}
