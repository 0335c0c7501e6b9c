//! The tables at the end of a run, for a terminal.
//!
//! Invariant: with or without colour the same characters stand in the same columns.
//! Next: `figures.rs`, what stands in the cells.

use std::fmt::Write as _;

use super::figures::{HEADS, MORE_HEADS, cells, farewells, lateness, loads, more_cells, notes};
use super::words::plain;
use crate::{
    record::Status,
    summary::{Row, Summary},
};

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";
const DIM: &str = "2";

/// The column whose colour is the verdict.
const FAILURES: usize = 2;
const MAGNIFIED: usize = 4;
/// And in the second table.
const POST_TWICE: usize = 4;
const GOAWAYS: usize = 10;

/// The tables, and below them what went wrong.
pub(crate) fn draw(rows: &[Row], color: bool) -> String {
    let paint = Paint(color);
    let mut text = String::new();
    block(&mut text, rows, &paint, (&HEADS, cells, shade));
    text.push('\n');
    block(&mut text, rows, &paint, (&MORE_HEADS, more_cells, more_shade));
    for (n, load) in loads(rows).enumerate() {
        _ = writeln!(text, "{}{load}", if n == 0 { "\n" } else { "" });
    }
    if let Some(lateness) = lateness(rows) {
        _ = writeln!(text, "\n{}", paint.with(DIM, &lateness));
    }
    for (contestant, words) in farewells(rows) {
        _ = writeln!(text, "{contestant} was told GOAWAY: {}", plain(&words));
    }
    for (n, (contestant, status, reason)) in notes(rows).enumerate() {
        let gap = if n == 0 { "\n" } else { "" };
        let shade = if status == Status::Failed { RED } else { YELLOW };
        _ = writeln!(
            text,
            "{gap}{contestant} {}: {}",
            paint.with(shade, &status.to_string()),
            reason.join("\n    ")
        );
    }
    text
}

/// Heads, cells, and the shade of each.
type Columns<'a, const N: usize> =
    (&'a [&'a str; N], fn(&Summary) -> [String; N], fn(usize, &Summary) -> &'static str);

fn block<const N: usize>(text: &mut String, rows: &[Row], paint: &Paint, columns: Columns<'_, N>) {
    let (heads, cells, shade) = columns;
    let lines: Vec<_> = rows.iter().map(|row| cells(&row.summary)).collect();
    let mut widths = heads.map(width);
    for line in &lines {
        for (widest, cell) in widths.iter_mut().zip(line) {
            *widest = width(cell).max(*widest);
        }
    }
    push(text, heads.iter().zip(widths).enumerate().map(|(n, (head, w))| paint.with(DIM, &pad(n, head, w))));
    for (row, line) in rows.iter().zip(&lines) {
        let cells = line.iter().zip(widths).enumerate();
        push(text, cells.map(|(n, (cell, w))| paint.with(shade(n, &row.summary), &pad(n, cell, w))));
    }
}

fn push(text: &mut String, cells: impl Iterator<Item = String>) {
    let line = cells.collect::<Vec<_>>().join("  ");
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Names to the left, numbers to the right.
fn pad(column: usize, cell: &str, width: usize) -> String {
    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
}

/// What a cut costs beyond itself is red; no more than that is green.
fn shade(column: usize, summary: &Summary) -> &'static str {
    match (column, summary.magnification) {
        (0, _) => BOLD,
        (FAILURES | MAGNIFIED, Some(times)) if times > 1.0 => RED,
        (FAILURES | MAGNIFIED, Some(_)) => GREEN,
        _ => "",
    }
}

/// What must never happen is red.
fn more_shade(column: usize, summary: &Summary) -> &'static str {
    match (column, summary.posts_seen_twice, summary.goaways_enraged) {
        (0, ..) => BOLD,
        (POST_TWICE, Some(1..), _) | (GOAWAYS, _, Some(1..)) => RED,
        _ => "",
    }
}

/// No cell holds anything wider or narrower than one column a character.
fn width(cell: &str) -> usize {
    cell.chars().count()
}

struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 && !code.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
