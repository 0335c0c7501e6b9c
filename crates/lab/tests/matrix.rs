//! `netsplit run matrix`: a record for each scenario and contestant, resumed where it was interrupted; what comes of the report.

mod lab;

use std::{collections::BTreeMap, path::Path};

use lab::{FAKE, Lab, entry, is_gone, wait_for};
use rustix::process::Signal;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Two scenarios that need no packets; few requests, and no cut that could cost time.
const MATRIX: [&str; 12] = [
    "run",
    "matrix",
    "--scenarios",
    "quick,crowd",
    "--requests",
    "6",
    "--unplug-interval",
    "0",
    "--timeout",
    "5s",
    "--out",
    "out",
];

/// Every file below a directory, and what is in it.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            files.extend(self::files(&path).into_iter().map(|(file, text)| (format!("{name}/{file}"), text)));
        } else {
            files.insert(name, std::fs::read(path).unwrap());
        }
    }
    files
}

fn records(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<&str, &[u8]> {
    let records = files.iter().filter(|(name, _)| name.ends_with(".jsonl"));
    records.map(|(name, text)| (name.as_str(), text.as_slice())).collect()
}

#[test]
fn a_record_for_each_and_a_report_of_all() {
    let lab = Lab::with(&["fine", "honest"]);
    let finished = lab.run(&MATRIX);
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    let first = files(&lab.out());
    let cells: Vec<&str> = records(&first).into_keys().collect();
    assert_eq!(cells, ["crowd/fine.jsonl", "crowd/honest.jsonl", "quick/fine.jsonl", "quick/honest.jsonl"]);
    for report in
        ["report.md", "report.html", "report.csv", "report.json", "quick/report.svg", "crowd/report.svg"]
    {
        assert!(first.contains_key(report), "{report}");
    }
    let report: serde_json::Value = serde_json::from_slice(&first["report.json"]).unwrap();
    assert_eq!(report["runs"][0]["plan"]["name"], "quick", "in the order of the list");
    assert_eq!(report["runs"][1]["rows"][1]["contestant"], "honest");
    assert!(finished.stdout.contains("\ncrowd\n"), "{}", finished.stdout);

    for name in first.keys().filter(|name| name.contains("report.")) {
        std::fs::remove_file(lab.out().join(name)).unwrap();
    }
    assert_eq!(lab.run(&["report", "out"]).stdout, finished.stdout);
    assert_eq!(files(&lab.out()), first, "the same, byte for byte");

    let again = lab.run(&MATRIX);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    let second = files(&lab.out());
    assert_eq!(records(&second), records(&first), "nothing ran again");
}

#[test]
fn an_interrupted_one_goes_on_where_it_was() {
    let lab = Lab::with(&["fine", "never-ready"]);
    let running = lab.start(&MATRIX);
    // `fine` announced itself before; this is the one that came after it.
    wait_for("the second contestant", || lab.out().join("quick/never-ready.part").exists().then_some(()));
    let pid = lab.pid("stuck");
    running.signal(Signal::INT);
    let finished = running.finish();
    assert_eq!(finished.status, Some(130), "{}", finished.stderr);
    assert!(is_gone(pid));
    let first = files(&lab.out());
    assert_eq!(records(&first).into_keys().collect::<Vec<_>>(), ["quick/fine.jsonl"]);
    let part = String::from_utf8(first["quick/never-ready.part"].clone()).unwrap();
    assert!(part.lines().last().unwrap().contains("SIGINT"), "{part}");
    assert!(part.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{part}");
    assert!(first.contains_key("report.html"), "of what there is");

    let rest = lab.run(&[&MATRIX[..], &["--only", "fine"]].concat());
    assert_eq!(rest.status, Some(0), "{}", rest.stderr);
    let second = files(&lab.out());
    assert_eq!(records(&second).into_keys().collect::<Vec<_>>(), ["crowd/fine.jsonl", "quick/fine.jsonl"]);
    assert_eq!(second["quick/fine.jsonl"], first["quick/fine.jsonl"], "it was not run again");
}

/// Scenarios that mostly wait have their turns side by side, and a signal ends all of them.
#[test]
fn those_that_wait_run_abreast_and_end_together() {
    let lab = Lab::with(&["fine", "never-ready", "never-ready-either"]);
    let wanted = |more: &[&'static str]| [&MATRIX[..2], &["--scenarios", "far"], &MATRIX[4..], more].concat();
    let running = lab.start(&wanted(&[]));
    let parts = ["far/never-ready.part", "far/never-ready-either.part"];
    wait_for("two that are stuck", || parts.iter().all(|part| lab.out().join(part).exists()).then_some(()));
    wait_for("the other's end", || lab.out().join("far/fine.jsonl").exists().then_some(()));
    let pids = ["stuck", "stuck-either"].map(|name| lab.pid(name));
    running.signal(Signal::INT);
    let finished = running.finish();
    assert_eq!(finished.status, Some(130), "{}", finished.stderr);
    assert!(pids.into_iter().all(is_gone));
    let first = files(&lab.out());
    assert_eq!(records(&first).into_keys().collect::<Vec<_>>(), ["far/fine.jsonl"]);
    for part in parts {
        let text = String::from_utf8(first[part].clone()).unwrap();
        assert!(text.lines().last().unwrap().contains("SIGINT"), "{text}");
    }

    let rest = lab.run(&wanted(&["--only", "fine"]));
    assert_eq!(rest.status, Some(0), "{}", rest.stderr);
    assert_eq!(files(&lab.out())["far/fine.jsonl"], first["far/fine.jsonl"], "it was not run again");
}

#[test]
fn interrupted_before_anything_was_it_says_so_and_leaves_no_record() {
    let lab = Lab::with(&["never-ready"]);
    let running = lab.start(&MATRIX);
    let pid = lab.pid("stuck");
    running.signal(Signal::TERM);
    let finished = running.finish();
    assert_eq!(finished.status, Some(143), "{}", finished.stderr);
    assert!(is_gone(pid) && records(&files(&lab.out())).is_empty());
    assert_eq!(finished.stdout, "");
}

#[test]
fn who_failed_has_had_its_turn_and_who_was_skipped_is_tried_again() {
    let run = |behaviour: &str| format!("run = [{FAKE:?}, {behaviour:?}]");
    let lab = Lab::with_manifest(
        &[entry("broken", "", &run("dies")), entry("absent", "needs = [\"no-such-compiler\"]", &run("fine"))]
            .concat(),
    );
    let finished = lab.run(&MATRIX);
    assert_eq!(finished.status, Some(1), "{}", finished.stderr);
    let first = files(&lab.out());
    assert_eq!(records(&first).len(), 4, "failed and skipped ones have a record");
    assert_eq!(lab.run(&MATRIX).status, Some(1), "failed is failed, also when it was earlier");
    let second = files(&lab.out());
    assert_eq!(second["quick/broken.jsonl"], first["quick/broken.jsonl"]);
    assert_ne!(second["quick/absent.jsonl"], first["quick/absent.jsonl"]);
}

#[test]
fn records_of_another_plan_are_not_mixed_in() {
    let lab = Lab::with(&["fine"]);
    assert_eq!(lab.run(&MATRIX).status, Some(0));
    let first = files(&lab.out());
    let other = lab.run(&[&MATRIX[..], &["--workers", "2"]].concat());
    assert_eq!(other.status, Some(1));
    assert!(other.stderr.contains("was run with another plan"), "{}", other.stderr);
    assert_eq!(records(&files(&lab.out())), records(&first));
}

#[test]
fn a_baseline_and_limits_judge_a_matrix_too() {
    let lab = Lab::with(&["honest"]);
    assert_eq!(lab.run(&MATRIX).status, Some(0));
    let judged = lab.run(&["report", "out", "--baseline", "out", "--max-failures", "0"]);
    assert_eq!(judged.status, Some(0), "{}", judged.stderr);
    assert!(judged.stderr.contains("changes since the baseline: none"), "{}", judged.stderr);
}

fn packed(files: &BTreeMap<String, Vec<u8>>) -> Vec<(&String, &Vec<u8>)> {
    files.iter().filter(|(name, _)| name.ends_with(".zst")).collect()
}

/// Packs all records of a matrix as `zstd --rm` does.
fn pack(dir: &Path) {
    for (name, text) in files(dir).iter().filter(|(name, _)| name.ends_with(".jsonl")) {
        let packed = compress_to_vec(text.as_slice(), CompressionLevel::Fastest);
        std::fs::write(dir.join(format!("{name}.zst")), packed).unwrap();
        std::fs::remove_file(dir.join(name)).unwrap();
    }
}

#[test]
fn packed_records_are_as_good() {
    let lab = Lab::with(&["fine", "honest"]);
    let finished = lab.run(&MATRIX);
    pack(&lab.out());
    let first = files(&lab.out());
    assert_eq!(lab.run(&["report", "out"]).stdout, finished.stdout);
    let again = lab.run(&MATRIX);
    assert_eq!((again.status, again.stdout), (Some(0), finished.stdout), "{}", again.stderr);
    let second = files(&lab.out());
    assert!(records(&second).is_empty() && packed(&second) == packed(&first), "nothing ran or was unpacked");

    let cell = lab.out().join("quick/fine.jsonl.zst");
    let whole = std::fs::read(&cell).unwrap();
    std::fs::write(&cell, [&whole[..], &whole].concat()).unwrap();
    assert_eq!(lab.run(&["report", "out"]).status, Some(0), "two frames are one file");
    for damaged in [&whole[..whole.len() / 2], &[&whole[..], b"more"].concat()] {
        std::fs::write(&cell, damaged).unwrap();
        let report = lab.run(&["report", "out"]);
        assert_eq!(report.status, Some(2), "{}", report.stdout);
        assert!(report.stderr.contains("can't read"), "{}", report.stderr);
    }
}

#[test]
fn a_report_of_a_part() {
    let lab = Lab::with(&["fine", "honest"]);
    assert_eq!(lab.run(&MATRIX).status, Some(0));
    let first = files(&lab.out());
    let part = ["report", "out", "--scenarios", "crowd", "--only", "honest"];
    let refused = lab.run(&part);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("--out"), "{}", refused.stderr);
    let drawn = lab.run(&[&part[..], &["--out", "part", "--baseline", "out"]].concat());
    assert_eq!(drawn.status, Some(0), "{}", drawn.stderr);
    assert!(drawn.stderr.contains("changes since the baseline: none"), "{}", drawn.stderr);
    let markdown = std::fs::read_to_string(lab.out().with_file_name("part").join("report.md")).unwrap();
    assert!(markdown.contains("| honest |") && !markdown.contains("fine"), "{markdown}");
    let in_order = lab.run(&["report", "out", "--only", "honest,fine", "--json"]);
    let names: Vec<String> = in_order
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["contestant"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(names, ["honest", "fine", "honest", "fine"]);
    for unknown in [["--only", "nobody"], ["--scenarios", "seed"]] {
        let report = lab.run(&[&["report", "out", "--json"], &unknown[..]].concat());
        assert_eq!(report.status, Some(2));
        assert!(report.stderr.contains("there is no record of the"), "{}", report.stderr);
    }
    assert!(files(&lab.out()) == first, "the whole report stands as it stood");
}
