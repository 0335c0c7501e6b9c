//! The experiment end to end, with an honest client and one that is as stubborn as the HTTP/2 pool.

mod lab;

use lab::Lab;
use serde_json::json;

/// Timeouts are long: on a machine busy with other tests, nothing but a cut may cost a request.
const SMALL: [&str; 9] =
    ["run", "--requests", "60", "--unplug-interval", "20", "--request-timeout", "1s", "--json", "--out"];

/// Answers take their time, so that on a busy machine too the cut comes before the answer to the request it is to hit.
const CUT_FIRST: [&str; 4] = ["--slow-every", "1", "--slow-by", "50ms"];

fn small(more: &[&'static str]) -> Vec<&'static str> {
    [&SMALL, &["out"][..], more].concat()
}

#[test]
fn an_honest_client_loses_one_request_a_cut() {
    let lab = Lab::with(&["honest"]);
    let finished = lab.run(&small(&CUT_FIRST));
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    let row = finished.row("honest");
    for (field, value) in [
        ("status", json!("ran")),
        ("reason", json!(null)),
        ("protocol", json!("h1")),
        ("plan", json!("quick")),
        ("version", json!("fake 1.0")),
        ("requests", json!(60)),
        ("workers", json!(1)),
        ("timeout_ms", json!(1000)),
        ("cuts_planned", json!(3)),
        ("cuts", json!(3)),
        ("failures", json!(3)),
        ("timeouts", json!(3)),
        ("failures_per_cut", json!([1, 1, 1])),
        ("in_flight_at_cuts", json!(3)),
        ("magnification", json!(1.0)),
        ("longest_run", json!(1)),
        ("dials", json!(4)),
        ("dials_in_warm_up", json!(1)),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    for field in ["recovery_ms_median", "wall_s", "p50_us", "lab_p99_us"] {
        assert!(row[field].is_number(), "{field}: {}", row[field]);
    }
}

#[test]
fn a_stubborn_client_is_cut_once_and_never_recovers() {
    let lab = Lab::with(&["stubborn"]);
    let args = ["run", "--requests", "6", "--unplug-interval", "3", "--request-timeout", "300ms", "--json"];
    let row = lab.run(&[&args[..], &CUT_FIRST].concat()).row("stubborn");
    assert_eq!(row["cuts_planned"], 2);
    assert_eq!(row["cuts"], 1, "there is no second live wire");
    assert_eq!(row["failures"], 5);
    assert_eq!(row["longest_run"], 5);
    assert_eq!(row["magnification"], 5.0);
    assert_eq!(row["dials"], 1);
    assert_eq!(row["recovery_ms_median"], json!(null));
}

#[test]
fn without_cuts_nothing_fails_but_what_is_slow() {
    let lab = Lab::with(&["honest"]);
    let slow = ["--slow-every", "20", "--slow-by", "3s"];
    let row = lab.run(&small(&[&["--unplug-interval", "0"][..], &slow[..]].concat()[..])).row("honest");
    assert_eq!((&row["cuts_planned"], &row["cuts"]), (&json!(0), &json!(0)));
    assert_eq!(row["failures"], 3, "the 3 slow ones of 60");
    assert_eq!(row["magnification"], json!(null));
}

#[test]
fn a_crowd_does_not_choke_on_two_full_pipes() {
    // This contestant reads one line and writes one, and the pipes hold fewer lines than that.
    let lab = Lab::with(&["fine"]);
    let crowd = ["--workers", "4000", "--requests", "9000", "--unplug-interval", "0"];
    let row = lab.run(&small(&crowd)).row("fine");
    assert_eq!(
        (&row["status"], &row["requests"], &row["workers"]),
        (&json!("ran"), &json!(9000), &json!(4000))
    );
}

#[test]
fn the_report_can_be_drawn_again_from_the_record_alone() {
    let lab = Lab::with(&["honest"]);
    let finished = lab.run(&small(&[]));
    let first = std::fs::read(lab.out().join("report.md")).unwrap();
    let picture = std::fs::read(lab.out().join("report.svg")).unwrap();
    for file in ["report.md", "report.svg", "ca.pem"] {
        std::fs::remove_file(lab.out().join(file)).unwrap();
    }
    let again = lab.run(&["report", "out"]);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    assert!(again.stdout.contains("honest"), "{}", again.stdout);
    assert_eq!(std::fs::read(lab.out().join("report.md")).unwrap(), first);
    assert_eq!(std::fs::read(lab.out().join("report.svg")).unwrap(), picture);
    assert_eq!(lab.run(&["report", "out", "--json"]).stdout, finished.stdout);
}

#[test]
fn the_record_tells_the_story_in_order() {
    let lab = Lab::with(&["honest"]);
    lab.run(&small(&[]));
    let kinds: Vec<String> =
        lab.record().iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds[..4], ["run", "begin", "ready", "opened"]);
    assert_eq!(kinds.iter().filter(|kind| *kind == "request").count(), 60);
    assert_eq!(kinds.iter().filter(|kind| *kind == "cut").count(), 3);
    assert_eq!(kinds.iter().filter(|kind| *kind == "seen").count(), 57, "the cut ones never arrived");
}

#[test]
fn without_json_a_table_is_printed_and_a_directory_made() {
    let lab = Lab::with(&["honest"]);
    let finished = lab.run(&["--requests", "4", "--unplug-interval", "0", "--request-timeout", "5s"]);
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    let mut lines = finished.stdout.lines();
    assert!(lines.next().unwrap().starts_with("contestant"), "{}", finished.stdout);
    assert!(lines.next().unwrap().starts_with("honest "), "{}", finished.stdout);
    assert!(!finished.stdout.contains('\u{1b}'), "no colour where no terminal is");
    assert!(finished.stderr.contains("netsplit-out"), "{}", finished.stderr);
}
