//! The small drawings: a contestant's requests in a row, success over time, how long requests took.
//!
//! Invariant: areas are drawn red first and green over it, so that what is not green is lost.
//! Next: `../band.rs`, the strip's pieces; `../../summary/latency.rs`, the distribution.

use std::fmt::Write as _;

use super::{
    Detail,
    timeline::{path, short},
};
use crate::{
    report::band::{self, Piece},
    summary::{Bin, COLUMNS, Course, Row, Tally, Timeline},
};

/// How high strips and areas are.
const HEIGHT: f64 = 48.0;

/// Columns that a drawing has at least.
const LEAST: usize = 10;

/// Fewer columns than this are a page that must be small.
const COARSE: usize = 20;

/// Requests from left to right, failures in red, cuts dashed; `requests` is how many the whole width stands for.
pub(super) fn strip(course: &Course, requests: u64, detail: Detail) -> String {
    let width = detail.columns.max(LEAST);
    let most = usize::try_from(requests).unwrap_or(usize::MAX).max(course.outcomes.len()).max(1);
    let pieces = band::pieces(&course.outcomes, width * course.outcomes.len() / most);
    // One failure must be seen in thousands.
    let least = (width / 120).max(1);
    let rects = |lost: bool| -> String {
        let rect = |&Piece { from, to, lost: share }: &Piece| {
            let (wide, top) = match lost {
                true => ((to - from).max(least), (HEIGHT - (share * HEIGHT).max(HEIGHT / 3.0)).round()),
                false => (to - from, 0.0),
            };
            format!("M{from} {top}h{wide}V{HEIGHT}h-{wide}")
        };
        pieces.iter().filter(|piece| !lost || piece.lost > 0.0).map(rect).collect()
    };
    let mut svg = format!("<svg class=strip viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=none>");
    path(&mut svg, 'o', &rects(false));
    path(&mut svg, 't', &rects(true));
    let place = |request: u64| request as f64 / most as f64 * width as f64;
    cuts(&mut svg, course.cuts.iter().map(|&(request, hit)| (place(request), hit)));
    svg + "</svg>"
}

/// Those that hit a live wire, and those that did not.
fn cuts(svg: &mut String, cuts: impl Iterator<Item = (f64, bool)> + Clone) {
    for (class, wanted) in [('k', true), ('m', false)] {
        let places = cuts.clone().filter(|(_, hit)| *hit == wanted);
        path(svg, class, &places.map(|(x, _)| format!("M{} 0V{HEIGHT}", short(x))).collect::<String>());
    }
}

/// The share of answers among what ended, over time.
pub(super) fn success(page: &mut String, timeline: &Timeline, detail: Detail) {
    let columns = (detail.columns / 2).max(LEAST);
    let marks = timeline.all.coarser(columns);
    let answered = |tally: &Tally| tally.ok as f64 / (tally.ok + tally.timeout + tally.error).max(1) as f64;
    let heights = |share: &dyn Fn(&Tally) -> f64| -> Vec<(usize, f64)> {
        marks.0.iter().map(|(column, tally)| (*column, share(tally))).collect()
    };
    begin(page, "answered", columns);
    path(page, 't', &area(&heights(&|_| 1.0)));
    path(page, 'o', &area(&heights(&answered)));
    cuts(page, timeline.cuts.iter().map(|&(at, hit)| (at * columns as f64 / COLUMNS as f64, hit)));
    page.push_str("</svg>");
    // Where all is drawn coarsely, the timeline's axis is enough.
    if detail.columns >= COARSE {
        _ = write!(page, "<p class=axis>{}", time(timeline.lasted as f64));
    }
    page.push_str("</figure>");
}

/// How many took how long; where all is drawn coarsely, a bin for two doublings instead of four.
pub(super) fn latency(page: &mut String, row: &Row, detail: Detail) {
    let all = &row.latency.bins;
    let Some(first) = all.first() else { return };
    let each = if detail.columns < COARSE { 4 } else { 1 };
    let bins: Vec<Bin> = all.chunks(each).map(sum).collect();
    let most = bins.iter().map(|bin| bin.answered + bin.unanswered).max().unwrap_or(1);
    // Logarithmic, so that one in a thousand is seen: a single request is a small step.
    let height = |count: u64| ((1 + count) as f64).ln() / ((1 + most) as f64).ln();
    let heights = |count: fn(&Bin) -> u64| -> Vec<(usize, f64)> {
        let some = bins.iter().enumerate().filter(|(_, bin)| count(bin) > 0);
        some.map(|(n, bin)| (n, height(count(bin)))).collect()
    };
    begin(page, "took", bins.len());
    path(page, 't', &area(&heights(|bin| bin.answered + bin.unanswered)));
    path(page, 'o', &area(&heights(|bin| bin.answered)));
    let to = Bin { step: first.step + (each * bins.len()) as u32, ..*first };
    _ = write!(
        page,
        "</svg><p class=axis data-from=\"{}\">{}</figure>",
        time(first.begins_us()),
        time(to.begins_us())
    );
}

fn sum(bins: &[Bin]) -> Bin {
    bins.iter()
        .copied()
        .reduce(|a, b| Bin {
            answered: a.answered + b.answered,
            unanswered: a.unanswered + b.unanswered,
            ..a
        })
        .unwrap_or_default()
}

fn begin(page: &mut String, class: &str, columns: usize) {
    _ = write!(
        page,
        "<figure class=\"area {class}\"><svg viewBox=\"0 0 {columns} {HEIGHT}\" preserveAspectRatio=none>"
    );
}

/// Columns of these heights (shares of all); neighbours of one height become one.
fn area(columns: &[(usize, f64)]) -> String {
    let mut d = String::new();
    let same = |a: &(usize, f64), b: &(usize, f64)| b.0 == a.0 + 1 && top(a.1) == top(b.1);
    for run in columns.chunk_by(same).filter(|run| top(run[0].1) < HEIGHT) {
        _ = write!(d, "M{} {HEIGHT}V{}h{}V{HEIGHT}", run[0].0, top(run[0].1), run.len());
    }
    d
}

/// Where a column of this height ends: what is there at all is seen.
fn top(share: f64) -> f64 {
    if share > 0.0 { ((1.0 - share) * HEIGHT).round().min(HEIGHT - 2.0) } else { HEIGHT }
}

/// `0.4 ms`, `12 ms`, `2.5 s`.
pub(super) fn time(us: f64) -> String {
    match us / 1000.0 {
        ms @ 9_950.0.. => format!("{:.0} s", ms / 1000.0),
        ms @ 995.0.. => format!("{:.1} s", ms / 1000.0),
        ms @ 9.95.. => format!("{ms:.0} ms"),
        ms @ 0.095.. => format!("{ms:.1} ms"),
        ms => format!("{ms:.2} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::{area, time};

    #[test]
    fn an_area_is_one_piece_where_it_is_level() {
        assert_eq!(area(&[(0, 1.0), (1, 1.0), (2, 0.5), (5, 0.0)]), "M0 48V0h2V48M2 48V24h1V48");
        assert_eq!(area(&[(0, 0.001)]), "M0 48V46h1V48", "what is there is seen");
    }

    #[test]
    fn times_read_well() {
        let times = [11.3, 300.0, 9_900.0, 10_300.0, 1_200_000.0, 28_400_000.0].map(time);
        assert_eq!(times, ["0.01 ms", "0.3 ms", "9.9 ms", "10 ms", "1.2 s", "28 s"]);
    }
}
