//! What the project publishes of its measurements is what the newest records in `results/` say, never typed.
//!
//! After a new matrix: `BLESS=1 cargo test -p netsplit --test published`, and look at the difference before it is committed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The README's columns.
const SCENARIOS: &str =
    "quick,stall-down-streaming,handlers-stall,blackhole,address-lost,nat-forgets,slow-1-in-100";

/// The README's rows: each library as it comes, and with the cure that its documentation has.
const CONTESTANTS: &str = "outlive-h1,outlive-h2,hyper-util-h1,hyper-util-h2,reqwest-h2,tonic,tonic-keepalive,isahc-h2,\
    pingora-h2,pingora-h2-multiplexing,pingora-h2-ping,go-h1,go-h2,go-h2-ping,grpc-go,jdk-h2,okhttp-h2,okhttp-h2-read-timeout,\
    apache-h2,apache-h2-multiplexing,reactor-netty-h2,armeria-h2,jetty-h2,node-http2,node-http2-ping,undici-h2,\
    undici-h2-headers-timeout,got-h2,httpx-h2,pycurl-h2,grpcio";

/// The picture's rows.
const PICTURE: &str =
    "outlive-h1,outlive-h2,hyper-util-h1,hyper-util-h2,go-h1,go-h2,okhttp-h2,node-http2,pycurl-h2,grpcio";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The newest matrix; directories are named after days.
fn records() -> PathBuf {
    let entries = fs::read_dir(root().join("results")).unwrap().map(|entry| entry.unwrap().path());
    let is_day = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("20");
    entries.filter(is_day).max().expect("a matrix in results/")
}

/// The table of many scenarios in a Markdown text.
fn table(markdown: &str) -> String {
    let lines = markdown.lines().skip_while(|line| !line.starts_with("| contestant | `"));
    lines.take_while(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect()
}

/// The report of a part of it, drawn into a directory of its own.
fn report(scenarios: &str, contestants: &str) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    let mut netsplit = Command::new(env!("CARGO_BIN_EXE_netsplit"));
    netsplit.arg("report").arg(records()).args(["--scenarios", scenarios, "--only", contestants, "--out"]);
    let output = netsplit.arg(out.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// Compares what is published with what it should be; with `BLESS`, makes it so.
fn check(path: &Path, expected: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, expected).unwrap();
    }
    let published = fs::read_to_string(path).unwrap();
    assert!(
        published == expected,
        "{} is not what the records say; it should be:\n{expected}",
        path.display()
    );
}

#[test]
fn the_readme_s_table() {
    let out = report(SCENARIOS, CONTESTANTS);
    let new = table(&fs::read_to_string(out.path().join("report.md")).unwrap());
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let old = table(&readme);
    assert!(!new.is_empty() && !old.is_empty(), "no table");
    check(&path, &readme.replacen(&old, &new, 1));
}

#[test]
fn the_readme_s_picture() {
    let out = report("quick", PICTURE);
    let picture = fs::read_to_string(out.path().join("report.svg")).unwrap();
    check(&root().join("docs/quick.svg"), &picture);
}

/// Every scenario with every contestant: none was left out because it looked bad, and those that could not be run are few.
#[test]
fn the_records_are_of_a_whole_matrix() {
    let report = fs::read(records().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let names = |rows: &serde_json::Value| -> BTreeSet<String> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["contestant"].as_str().unwrap().to_owned()).collect()
    };
    let runs = report["runs"].as_array().unwrap();
    let contestants: BTreeSet<String> = runs.iter().flat_map(|run| names(&run["rows"])).collect();
    for run in runs {
        let scenario = run["plan"]["name"].as_str().unwrap();
        assert_eq!(names(&run["rows"]), contestants, "{scenario}");
        for row in run["rows"].as_array().unwrap() {
            let cell = format!("{scenario}/{}.jsonl.zst", row["contestant"].as_str().unwrap());
            assert!(records().join(&cell).exists(), "no {cell}");
            // gRPC's server speaks HTTP/2, in plaintext, and not every client does.
            assert!(
                row["status"] != "skipped" || scenario == "grpc-pings",
                "{cell} was skipped: {}",
                row["reason"]
            );
        }
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (runs, contestants) = (runs.len(), contestants.len());
    assert!(
        readme.contains(&format!("all {runs} scenarios and {contestants} contestants")),
        "{runs}, {contestants}"
    );
}
