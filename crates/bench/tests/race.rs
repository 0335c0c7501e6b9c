//! The race in miniature, on our own server: that everybody can run, and that the report says what was found.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_race_of_one_short_round() {
    let out = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_outlive-bench"))
        .args(["--rows", "h2c-64,tls-1,h1-64,upload-16,download-delay"])
        .args(["--only", "outlive,raw-h2,hyper-util,reqwest", "--rounds", "1", "--own-server", "--json"])
        .args(["--seconds", "0.05", "--warm-up", "0.01", "--size", "16", "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5, "{said}");
    for row in rows {
        let clients: Vec<_> =
            row["clients"].as_array().unwrap().iter().map(|client| &client["client"]).collect();
        let expected: &[&str] = match row["row"].as_str() {
            Some("h1-64") => &["outlive", "hyper-util", "reqwest"],
            _ => &["outlive", "raw-h2", "hyper-util", "reqwest"],
        };
        assert_eq!(clients, expected, "{said}");
    }
    assert!(out.path().join("report.md").exists());

    // The report is a function of the records.
    let again = Command::new(env!("CARGO_BIN_EXE_outlive-bench"))
        .args(["--json", "--report"])
        .arg(out.path())
        .output()
        .unwrap();
    assert_eq!(again.stdout, output.stdout);
}

#[test]
fn an_unknown_name_is_refused() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_outlive-bench")).args(["--rows", "nonsense"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nonsense"));
}
