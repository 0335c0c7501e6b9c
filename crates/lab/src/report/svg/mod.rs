//! The picture: a row per contestant, its requests from left to right, failures in red, cuts dashed.
//!
//! Plain SVG, written by hand so that it needs no library and can be read in a diff. It brings its own background and
//! both colour schemes, because nobody knows on which page it will stand.
//!
//! Invariant: no scripts, no fonts, no references: the file shows the same everywhere, offline too.
//! Next: `../band.rs`, how thousands of requests become a few rectangles.

use std::fmt::Write as _;

use super::{
    band::{self, Piece},
    figures::{grouped, magnification},
    words::markup,
};
use crate::{
    plan::Server,
    record::Status,
    summary::{Row, Run, Summary},
};

const WIDTH: f64 = 960.0;
/// Where the bands begin and end, left of which stand names and right of which stand figures.
const LEFT: f64 = 168.0;
const RIGHT: f64 = 716.0;
/// Where the first row begins.
const TOP: f64 = 84.0;
/// A row, and the band in it.
const PITCH: f64 = 46.0;
const BAND: f64 = 26.0;
/// Below the last row: the axis and the legend.
const BOTTOM: f64 = 68.0;

const STYLE: &str = "\
text{font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2328}
.page{fill:#ffffff;stroke:#d1d9e0}.title{font-size:17px;font-weight:600}.name{font-weight:600}
.soft{fill:#59636e;font-size:12px}.none{fill:#eff2f5}.ok{fill:#a9dcb4}.lost{fill:#d1242f}
.bad{fill:#d1242f;font-weight:600}.good{fill:#1a7f37;font-weight:600}
.cut{stroke:#1f2328;stroke-width:1.5;stroke-dasharray:4 3}
.missed{stroke:#818b98;stroke-width:1.5;stroke-dasharray:1.5 3.5}.axis{stroke:#818b98}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.page{fill:#0d1117;stroke:#3d444d}.soft{fill:#9198a1}
.none{fill:#212830}.ok{fill:#1f5a31}.lost{fill:#ff5c57}.bad{fill:#ff7b72}.good{fill:#56d364}
.cut{stroke:#f0f6fc}.missed{stroke:#9198a1}.axis{stroke:#656c76}}
";

/// The whole picture.
pub(super) fn draw(run: &Run) -> String {
    let rows = run.rows.len() as f64;
    let height = TOP + rows * PITCH + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<title>netsplit: requests lost by each contestant</title>\n\
         <style>\n{STYLE}</style>\n"
    );
    rect(&mut svg, "page", (0.5, 0.5), (WIDTH - 1.0, height - 1.0), 10.0);
    text(&mut svg, ("title", "start"), (24.0, 36.0), "Requests lost when connections go silent");
    text(&mut svg, ("soft", "start"), (24.0, 58.0), &subtitle(run));
    for (n, row) in run.rows.iter().enumerate() {
        draw_row(&mut svg, row, TOP + n as f64 * PITCH);
    }
    let below = TOP + rows * PITCH;
    axis(&mut svg, run.requests(), below);
    legend(&mut svg, below + 46.0);
    svg.push_str("</svg>\n");
    svg
}

fn subtitle(run: &Run) -> String {
    let plan = &run.plan;
    let at_once = match plan.pace.workers {
        1 => "one at a time".to_owned(),
        n => format!("{n} at a time"),
    };
    let over_tls = if plan.origin.server == Server::Hyper { " over TLS" } else { "" };
    let requests = grouped(run.requests());
    format!(
        "{requests} requests{over_tls}, {at_once}, {} ms each; plan {}, {}",
        plan.pace.timeout_ms, plan.name, run.started
    )
}

fn draw_row(svg: &mut String, row: &Row, top: f64) {
    let Row { summary, course, .. } = row;
    let middle = top + BAND / 2.0;
    text(svg, ("name", "end"), (LEFT - 14.0, middle + 4.5), &summary.contestant);
    rect(svg, "none", (LEFT, top), (RIGHT - LEFT, BAND), 0.0);
    let pieces = band::pieces(&course.outcomes, (RIGHT - LEFT) as usize);
    for &Piece { from, to, .. } in &pieces {
        rect(svg, "ok", (LEFT + from as f64, top), ((to - from) as f64, BAND), 0.0);
    }
    // Under the failures, so that the one request that a cut costs is not hidden by it.
    cuts(svg, row, true, top);
    for &Piece { from, to, lost } in pieces.iter().filter(|piece| piece.lost > 0.0) {
        // One failure in a thousand requests must still be seen: not lower than a third of the band, nor narrower
        // than three pixels.
        let (width, height) = (((to - from) as f64).max(3.0), (lost * BAND).max(BAND / 3.0));
        rect(svg, "lost", (LEFT + from as f64, top + BAND - height), (width, height), 0.0);
    }
    cuts(svg, row, false, top);
    verdict(svg, summary, middle);
}

/// The cuts that hit a live wire, or those that did not.
fn cuts(svg: &mut String, row: &Row, wanted: bool, top: f64) {
    let all = row.course.outcomes.len().max(1) as f64;
    for &(request, _) in row.course.cuts.iter().filter(|&&(_, hit)| hit == wanted) {
        let x = LEFT + (RIGHT - LEFT) * request as f64 / all;
        line(svg, if wanted { "cut" } else { "missed" }, (x, top - 5.0), (x, top + BAND + 5.0));
    }
}

/// What stands to the right of a band.
fn verdict(svg: &mut String, summary: &Summary, middle: f64) {
    let x = RIGHT + 14.0;
    let Some(failures) = summary.failures else {
        text(svg, ("soft", "start"), (x, middle + 4.0), &summary.status.to_string());
        // Where the band would be there is room for the reason.
        let reason = summary.reason.as_deref().and_then(|reason| reason.lines().next()).unwrap_or_default();
        text(svg, ("soft", "start"), (LEFT + 12.0, middle + 4.0), &shortened(reason, 80));
        return;
    };
    let class = match summary.magnification {
        Some(times) if times > 1.0 => "bad",
        _ if summary.status != Status::Ran => "name",
        None if failures > 0 => "name",
        Some(_) | None => "good",
    };
    text(svg, (class, "start"), (x, middle - 2.0), &format!("{} lost", grouped(failures)));
    let cuts = match (summary.cuts, summary.cuts_planned) {
        (_, Some(0)) => "no cuts".to_owned(),
        (cuts, Some(planned)) => format!("{} of {planned} cuts", cuts.unwrap_or(0)),
        (cuts, None) => format!("{} cuts", cuts.unwrap_or(0)),
    };
    let times = summary.magnification.map_or(String::new(), |times| format!(", {}", magnification(times)));
    let unwell = if summary.status == Status::Ran { String::new() } else { format!(", {}", summary.status) };
    let detail = format!("{cuts}{times}{unwell}");
    text(svg, ("soft", "start"), (x, middle + 13.0), &detail);
}

fn axis(svg: &mut String, requests: u64, y: f64) {
    for part in 0..=6 {
        let x = LEFT + (RIGHT - LEFT) * f64::from(part) / 6.0;
        line(svg, "axis", (x, y - 6.0), (x, y - 1.0));
        let number = requests as f64 * f64::from(part) / 6.0;
        text(svg, ("soft", "middle"), (x, y + 13.0), &grouped(number.round() as u64));
    }
    text(svg, ("soft", "start"), (RIGHT + 30.0, y + 13.0), "requests");
}

fn legend(svg: &mut String, y: f64) {
    let mut x = LEFT;
    for (class, label) in [("ok", "answered"), ("lost", "lost"), ("none", "not made")] {
        rect(svg, class, (x, y - 11.0), (13.0, 13.0), 2.0);
        text(svg, ("soft", "start"), (x + 20.0, y), label);
        x += 20.0 + room(label);
    }
    for (class, label) in [("cut", "a live connection was cut"), ("missed", "no live connection to cut")] {
        line(svg, class, (x + 6.0, y - 13.0), (x + 6.0, y + 4.0));
        text(svg, ("soft", "start"), (x + 15.0, y), label);
        x += 15.0 + room(label);
    }
}

/// About how wide a small text is, and the gap after it. No font is known here.
fn room(label: &str) -> f64 {
    label.chars().count() as f64 * 6.4 + 22.0
}

fn rect(svg: &mut String, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64) {
    let round = if radius > 0.0 { format!(" rx=\"{radius}\"") } else { String::new() };
    let (x, y, width, height) = (short(x), short(y), short(width), short(height));
    _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{round}/>"
    );
}

fn line(svg: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let (x1, y1, x2, y2) = (short(x1), short(y1), short(x2), short(y2));
    _ = writeln!(svg, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
}

fn text(svg: &mut String, (class, anchor): (&str, &str), (x, y): (f64, f64), words: &str) {
    let (x, y) = (short(x), short(y));
    let words = markup(words);
    _ = writeln!(svg, "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{words}</text>");
}

/// A tenth of a pixel is fine enough, and keeps the file small.
fn short(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn shortened(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        words.to_owned()
    } else {
        words.chars().take(most - 1).chain(['…']).collect()
    }
}
