//! Reports of a made-up record, whole, against the files in `golden/`.
//!
//! Run with `BLESS=1` to accept what changed, and look at the difference before it is committed.

use std::path::Path;

use super::{
    baseline, csv,
    figures::{grouped, magnification},
    html, json,
    limits::Limits,
    markdown, svg, table,
};
use crate::{
    manifest::Protocol,
    plan::{Method, Plan},
    record::{Outcome, Record, Status, reader},
    summary::{self, Row, Run},
};

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name)
}

fn made_up() -> Run {
    summary::run(&reader::read(&golden("record.jsonl")).unwrap()).unwrap()
}

fn check(name: &str, text: &str) {
    if std::env::var_os("BLESS").is_some() {
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
    check("report.md", &markdown::write(&[made_up()], None));
}

#[test]
fn the_picture() {
    check("report.svg", &svg::draw(&made_up()));
}

#[test]
fn the_json() {
    check("rows.json", &made_up().rows.iter().map(|row| json::line(&row.summary) + "\n").collect::<String>());
    check("report.json", &json::write(&[made_up()]));
}

#[test]
fn the_csv() {
    check("report.csv", &csv::write(&[made_up()]));
    let mut plain = made_up();
    plain.rows.iter_mut().for_each(|row| row.summary.reason = None);
    let text = csv::write(&[plain]);
    let commas: Vec<_> = text.lines().map(|line| line.matches(',').count()).collect();
    assert!(commas.windows(2).all(|two| two[0] == two[1]), "as many fields as the head: {commas:?}");
}

#[test]
fn the_page() {
    // What stands in files of its own needs no golden one.
    let [style, script] = [include_str!("html/style.css"), include_str!("html/script.js")];
    let page = |runs: &[Run], changes: Option<&[baseline::Change]>| {
        html::write(runs, changes).replacen(style, "", 1).replacen(script, "", 1)
    };
    check("report.html", &page(&[made_up()], None));
    let mut other = made_up();
    other.plan.name = "seed".to_owned();
    other.rows.truncate(2);
    let changes = baseline::changes(&[made_up()], &[before()]);
    check("matrix.html", &page(&[made_up(), other], Some(&changes)));
}

/// The same record in another form: what a user would call an earlier version.
fn before() -> Run {
    let mut run = made_up();
    run.rows.remove(4);
    let stubborn = &mut run.rows[1].summary;
    (stubborn.failures, stubborn.magnification, stubborn.p99_us) = (Some(2), Some(2.0), Some(10_400));
    (stubborn.version, stubborn.recovery_ms_median) = (Some("client 1.2.2".to_owned()), Some(3.0));
    run.rows[3].summary.status = Status::Ran;
    run
}

#[test]
fn the_changes() {
    let words = |now: &[Run], before: &[Run]| -> String {
        baseline::changes(now, before).iter().map(|change| format!("{change}\n")).collect()
    };
    check("changes.txt", &words(&[made_up()], &[before()]));
    assert_eq!(words(&[made_up()], &[made_up()]), "");
    check("changes.md", &markdown::write(&[], Some(&baseline::changes(&[made_up()], &[before()]))));
    let mut other = made_up();
    other.plan.pace.timeout_ms = 20;
    assert!(words(&[other], &[made_up()]).contains("quick: all: plan (not compared)"));
    let mut gone = made_up();
    gone.plan.name = "seed".to_owned();
    assert_eq!(words(&[], &[gone]), "seed: all: scenario there → gone\n");
}

#[test]
fn limits_name_who_is_above_them() {
    let limits = |failures, magnification| Limits { failures, magnification }.broken(&[made_up()]);
    assert_eq!(limits(None, None), [""; 0]);
    assert_eq!(limits(Some(3), None), ["stubborn-h2 in quick: 10 failures, at most 3 are allowed"]);
    assert_eq!(limits(None, Some(1.0)), ["stubborn-h2 in quick: magnified ×10, at most ×1 is allowed"]);
    assert_eq!(limits(Some(0), Some(0.5)).len(), 6, "three contestants lost something");
}

/// Whatever a report says, the schema's file says that it may.
#[test]
fn the_json_is_as_its_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report-1.json");
    let schema: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("report.json", schema).unwrap();
    let schema = compiler.compile("report.json", &mut schemas).unwrap();
    let valid = |report: &str| {
        let report = serde_json::from_str(report).unwrap();
        schemas.validate(&report, schema).map_err(|error| error.to_string())
    };
    let every_scenario =
        crate::scenario::names().map(|name| Run { plan: crate::scenario::plan(name).unwrap(), ..made_up() });
    assert_eq!(valid(&json::write(&every_scenario.collect::<Vec<_>>())), Ok(()));
    assert_eq!(valid(&json::write(&[])), Ok(()));
    // That it would notice.
    for (from, to) in
        [("\"dials\":4", "\"dials\":-4"), ("\"cores\":2", "\"kernels\":2"), ("\"ran\"", "\"run\"")]
    {
        assert!(valid(&json::write(&[made_up()]).replacen(from, to, 1)).is_err(), "{to}");
    }
}

/// What was said is there, and is text.
#[test]
fn nobody_writes_into_the_reports() {
    let evil = "</style><script>alert(1)</script>`|\u{1b}[2J\u{202e}\"'&";
    let mut run = made_up();
    for row in &mut run.rows {
        row.summary.version = Some(evil.to_owned());
        row.summary.reason = Some(format!("it said {evil}\n{evil}"));
        row.summary.goaway_words = vec![evil.to_owned()];
    }
    let runs = [run];
    let changes = baseline::changes(&runs, &[made_up()]);
    let page = html::write(&runs, Some(&changes));
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    assert!(page.contains("&lt;script&gt;alert(1)"));
    let others = [
        svg::draw(&runs[0]),
        markdown::write(&runs, Some(&changes)),
        csv::write(&runs),
        table::draw(&runs[0].rows, false),
    ];
    for text in others.iter().chain([&page]) {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
    assert!(!others[0].contains("<script>"));
}

/// As large as a matrix gets: every scenario, 55 contestants, some with as much to draw as a record can give.
#[test]
fn the_page_of_a_whole_matrix_can_be_sent_around() {
    let ended = |n: u64| match n % 3 {
        0 => Outcome::Ok,
        1 => Outcome::Timeout,
        _ => Outcome::Error,
    };
    let restless: Vec<Record> = (0..480)
        .flat_map(|n| {
            let (at, outcome) = (10_000 * (n + 1), ended(n * n / 3 + n));
            [
                Record::Opened { at, wire: n + 1 },
                Record::Seen { at, request: n, wire: n % 40 + 1, method: Method::Get },
                Record::Request {
                    request: n,
                    due: None,
                    go: at,
                    done: at + 9_000,
                    outcome,
                    took: 1 << (n % 20),
                    detail: String::new(),
                },
            ]
        })
        .collect();
    let begin = Record::Begin {
        at: 0,
        contestant: String::new(),
        client: "client".to_owned(),
        protocol: Protocol::H2,
        about: String::new(),
    };
    let plans: Vec<Plan> =
        crate::scenario::names().map(|name| crate::scenario::plan(name).unwrap()).collect();
    let row = summary::row(&plans[0], &[&[begin][..], &restless].concat()).unwrap();
    // Nobody's record is like this one; the others are like most people's.
    let [calm, stubborn, ..] = &made_up().rows[..] else { panic!("no rows") };
    let named = |n: usize| {
        let mut row = [&row, calm, calm, stubborn, stubborn, stubborn][n % 6].clone();
        row.summary.contestant = format!("contestant-{n}-h2");
        row
    };
    let rows: Vec<Row> = (0..55).map(named).collect();
    let runs: Vec<Run> =
        plans.into_iter().map(|plan| Run { plan, rows: rows.clone(), ..made_up() }).collect();
    let page = html::write(&runs, None);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert!(
        page.contains("id=\"quick.contestant-7-h2\""),
        "{} bytes, and no contestant is drawn",
        page.len()
    );
}

#[test]
fn numbers_as_words() {
    assert_eq!([0, 999, 1_000, 25_000, 1_234_567].map(grouped), ["0", "999", "1,000", "25,000", "1,234,567"]);
    assert_eq!([0.0, 0.5, 1.0, 4.047, 25_000.0].map(magnification), ["×0", "×0.5", "×1", "×4.05", "×25,000"]);
}
