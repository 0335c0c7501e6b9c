//! The report: Markdown for people, JSON for programs. A pure function of the records.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::contestant::Contestant;
use crate::goals::{Bound, GOALS};
use crate::record::Record;
use crate::rows::{ROWS, Row};
use crate::summary::{Entry, Figure, Spread};

/// Writes both into `directory`, and prints one.
pub(crate) fn write(records: &[Record], directory: &Path, as_json: bool) -> anyhow::Result<()> {
    let (markdown, json) = (markdown(records), serde_json::to_string_pretty(&json(records))?);
    std::fs::write(directory.join("report.md"), &markdown)?;
    std::fs::write(directory.join("report.json"), &json)?;
    println!("{}", if as_json { json } else { markdown });
    Ok(())
}

/// What to say of a record while the race runs.
pub(crate) fn progress(record: &Record) -> Option<String> {
    match record {
        Record::Run { .. } => None,
        Record::Row { server, .. } => Some(format!("  on {server}")),
        Record::Skipped { contestant, why, .. } => {
            Some(format!("  {:<10} skipped: {why}", contestant.map_or("all", Contestant::name)))
        }
        Record::Measured { row, round, contestant, measurement } => {
            let row = ROWS.iter().find(|known| known.name == row)?;
            let figures = columns(row)
                .into_iter()
                .filter_map(|(title, figure)| Some(format!("{title} {}", number(figure.of(measurement)?))));
            let figures: Vec<_> = figures.collect();
            Some(format!("  {:<10} round {}: {}", contestant.name(), round + 1, figures.join(", ")))
        }
    }
}

/// What a row's table shows. Ratios are of the first, and of the second where there is one.
fn columns(row: &Row) -> Vec<(&'static str, Figure)> {
    if row.work.is_memory() {
        return vec![("KiB each", Figure::KibibytesEach), ("peak MiB", Figure::PeakMebibytes)];
    }
    if row.work.is_bulk() {
        return vec![
            ("CPU ms/MiB", Figure::CpuPerMebibyte),
            ("MiB/s", Figure::MebibytesPerSecond),
            ("peak MiB", Figure::PeakMebibytes),
        ];
    }
    vec![
        ("CPU µs/request", Figure::CpuPerRequest),
        ("p50 µs", Figure::P50),
        ("p99 µs", Figure::P99),
        ("p99.9 µs", Figure::P999),
        ("requests/s", Figure::RequestsPerSecond),
        ("peak MiB", Figure::PeakMebibytes),
    ]
}

pub(crate) fn markdown(records: &[Record]) -> String {
    let mut text = String::from("# What outlive costs\n");
    for record in records {
        if let Record::Run { machine, rounds, seconds, warm_up, size_mib } = record {
            _ = writeln!(
                text,
                "\n{machine}. {rounds} rounds; {seconds} s each after {warm_up} s of warm-up, or {size_mib} MiB. Medians of the \
                 rounds, in brackets the least and the most. CPU is the client's process, user and system. *Ours ÷ theirs* is \
                 the median of the ratios within each round: outlive's figure divided by this client's."
            );
        }
    }
    for row in &ROWS {
        markdown_row(&mut text, records, row);
    }
    text.push_str("\n## Goals\n\n| row | outlive ÷ | figure | goal | measured | |\n| :-- | :-- | :-- | --: | --: | :-- |\n");
    for goal in &GOALS {
        let (bound, figure) = match goal.bound {
            Bound::AtMost(bound) => (format!("≤ {bound:.2}"), figure_name(goal.figure)),
            Bound::AtLeast(bound) => (format!("≥ {bound:.2}"), figure_name(goal.figure)),
        };
        let (measured, verdict) = match goal.ratio(records) {
            None => (String::from("–"), "not measured"),
            Some(ratio) => (ratio_text(ratio), if goal.is_met(ratio) { "met" } else { "**missed**" }),
        };
        let peer = goal.peer.name();
        _ = writeln!(text, "| {} | {peer} | {figure} | {bound} | {measured} | {verdict} |", goal.row);
    }
    text
}

fn figure_name(figure: Figure) -> &'static str {
    match figure {
        Figure::CpuPerRequest => "CPU per request",
        Figure::CpuPerMebibyte => "CPU per MiB",
        Figure::RequestsPerSecond => "requests per second",
        Figure::MebibytesPerSecond => "MiB per second",
        Figure::P50 => "p50",
        Figure::P99 => "p99",
        Figure::P999 => "p99.9",
        Figure::PeakMebibytes => "peak memory",
        Figure::KibibytesEach => "memory of each",
    }
}

fn markdown_row(text: &mut String, records: &[Record], row: &Row) {
    let entries = Entry::all(records, row.name);
    let skipped: Vec<String> = skipped(records, row.name)
        .map(|(contestant, why)| format!("{}: {why}", contestant.map_or("all", Contestant::name)))
        .collect();
    if entries.is_empty() && skipped.is_empty() {
        return;
    }
    _ = writeln!(text, "\n## {}: {}\n", row.name, row.title);
    if let Some(server) = server(records, row.name) {
        _ = writeln!(text, "Server: {server}.\n");
    }
    let columns = columns(row);
    let compared = &columns[..columns.len().min(2)];
    if !entries.is_empty() {
        let titles: Vec<_> = columns.iter().map(|(title, _)| String::from(*title)).collect();
        let ratios: Vec<_> =
            compared.iter().map(|(_, figure)| format!("ours ÷ theirs, {}", figure_name(*figure))).collect();
        _ = writeln!(text, "| client | {} | {} |", titles.join(" | "), ratios.join(" | "));
        _ = writeln!(text, "| :-- |{}", " --: |".repeat(titles.len() + ratios.len()));
    }
    let ours = entries.iter().find(|entry| entry.contestant == Contestant::Outlive);
    for entry in &entries {
        let figures = columns.iter().map(|(_, figure)| entry.figure(*figure).map_or("–".into(), spread_text));
        let ratios = compared.iter().map(|(_, figure)| {
            let ours = ours.filter(|ours| ours.contestant != entry.contestant);
            ours.and_then(|ours| ours.ratio(entry, *figure)).map_or(String::new(), ratio_text)
        });
        let cells: Vec<_> = figures.chain(ratios).collect();
        _ = writeln!(text, "| {} | {} |", entry.contestant.name(), cells.join(" | "));
    }
    if !skipped.is_empty() {
        _ = writeln!(text, "\nSkipped: {}.", skipped.join("; "));
    }
}

fn skipped<'a>(
    records: &'a [Record],
    row: &'a str,
) -> impl Iterator<Item = (Option<Contestant>, &'a str)> + 'a {
    records.iter().filter_map(move |record| match record {
        Record::Skipped { row: of, contestant, why } if of == row => Some((*contestant, why.as_str())),
        _ => None,
    })
}

fn server<'a>(records: &'a [Record], row: &str) -> Option<&'a str> {
    records.iter().find_map(|record| match record {
        Record::Row { row: of, server } if of == row => Some(server.as_str()),
        _ => None,
    })
}

fn spread_text(spread: Spread) -> String {
    format!("{} ({}–{})", number(spread.median), number(spread.least), number(spread.most))
}

fn ratio_text(ratio: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.least, ratio.most)
}

/// Three digits that count.
fn number(figure: f64) -> String {
    match figure {
        _ if figure >= 100.0 => {
            let digits = format!("{figure:.0}");
            let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
            groups.join(",")
        }
        _ if figure >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

pub(crate) fn json(records: &[Record]) -> Value {
    let rows = ROWS.iter().filter_map(|row| {
        let entries = Entry::all(records, row.name);
        let skipped: Vec<_> = skipped(records, row.name)
            .map(|(contestant, why)| json!({ "client": contestant.map(Contestant::name), "why": why }))
            .collect();
        let ours = entries.iter().find(|entry| entry.contestant == Contestant::Outlive);
        let clients: Vec<_> = entries.iter().map(|entry| json_entry(row, entry, ours)).collect();
        let any = !clients.is_empty() || !skipped.is_empty();
        let (row, title, server) = (row.name, row.title, server(records, row.name));
        any.then(|| json!({ "row": row, "title": title, "server": server, "clients": clients, "skipped": skipped }))
    });
    let goals = GOALS.iter().map(|goal| {
        let ratio = goal.ratio(records);
        let (kind, bound) = match goal.bound {
            Bound::AtMost(bound) => ("at_most", bound),
            Bound::AtLeast(bound) => ("at_least", bound),
        };
        json!({ "row": goal.row, "figure": goal.figure, "peer": goal.peer.name(), kind: bound, "ratio": ratio,
                "met": ratio.map(|ratio| goal.is_met(ratio)) })
    });
    let run = records.iter().find(|record| matches!(record, Record::Run { .. }));
    json!({ "run": run, "rows": rows.collect::<Vec<_>>(), "goals": goals.collect::<Vec<_>>() })
}

fn json_entry(row: &Row, entry: &Entry<'_>, ours: Option<&Entry<'_>>) -> Value {
    let mut value = json!({ "client": entry.contestant.name() });
    for (_, figure) in columns(row) {
        let name = serde_json::to_value(figure).unwrap_or_default();
        let ratio = ours.and_then(|ours| ours.ratio(entry, figure));
        if let Some(name) = name.as_str() {
            value[name] = json!({ "spread": entry.figure(figure), "outlive_ratio": ratio });
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Measurement;

    fn measured(contestant: Contestant, user: f64) -> Record {
        let measurement = Measurement { requests: 100_000, user, seconds: 2.0, ..Measurement::default() };
        Record::Measured { row: "h2c-64".into(), round: 0, contestant, measurement }
    }

    #[test]
    fn it_says_who_costs_what_and_whether_that_was_the_goal() {
        let why = String::from("go is not installed");
        let records = [
            Record::Row { row: "h2c-64".into(), server: "nghttpd".into() },
            measured(Contestant::Outlive, 1.1),
            measured(Contestant::RawH2, 1.0),
            measured(Contestant::Reqwest, 2.0),
            Record::Skipped { row: "h2c-64".into(), contestant: Some(Contestant::Go), why },
        ];
        let text = markdown(&records);
        assert!(text.contains("| raw-h2 | 10.0 (10.0–10.0) |"), "{text}");
        assert!(
            text.contains("| h2c-64 | raw-h2 | CPU per request | ≤ 1.20 | 1.10 (1.10–1.10) | met |"),
            "{text}"
        );
        assert!(
            text.contains("| h2c-64 | reqwest | CPU per request | ≤ 0.50 | 0.55 (0.55–0.55) | **missed** |")
        );
        assert!(text.contains("Skipped: go: go is not installed."));
        assert_eq!(
            json(&records)["rows"][0]["clients"][1]["cpu_per_request"]["outlive_ratio"]["median"],
            1.1
        );
    }

    #[test]
    fn numbers() {
        assert_eq!([1_234_567.0, 123.4, 12.34, 1.234].map(number), ["1,234,567", "123", "12.3", "1.23"]);
    }
}
