//! Reports of a made-up record, whole, against the files in `golden/`.
//!
//! Run with `UPDATE_GOLDEN=1` to accept what changed, and look at the difference before it is committed.

use std::path::Path;

use super::{figures::grouped, figures::magnification, json, markdown, svg, table};
use crate::{
    record::reader,
    summary::{self, Run},
};

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name)
}

fn made_up() -> Run {
    summary::run(&reader::read(&golden("record.jsonl")).unwrap()).unwrap()
}

fn check(name: &str, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden(name), text).unwrap();
    }
    let expected = std::fs::read_to_string(golden(name)).unwrap_or_default();
    assert!(text == expected, "{name} differs from golden/{name}; it is now:\n{text}");
}

#[test]
fn the_table() {
    check("table.txt", &table::draw(&made_up().rows, false));
    check("table-in-colour.txt", &table::draw(&made_up().rows, true));
}

#[test]
fn the_markdown() {
    check("report.md", &markdown::write(&made_up(), "report.svg"));
}

#[test]
fn the_picture() {
    check("report.svg", &svg::draw(&made_up()));
}

#[test]
fn the_json() {
    check("rows.json", &made_up().rows.iter().map(|row| json::line(&row.summary) + "\n").collect::<String>());
}

#[test]
fn numbers_as_words() {
    assert_eq!([0, 999, 1_000, 25_000, 1_234_567].map(grouped), ["0", "999", "1,000", "25,000", "1,234,567"]);
    assert_eq!([0.0, 0.5, 1.0, 4.047, 25_000.0].map(magnification), ["×0", "×0.5", "×1", "×4.05", "×25,000"]);
}
