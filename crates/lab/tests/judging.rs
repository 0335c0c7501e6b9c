//! What CI asks of a run: limits with an exit status, comparison with an earlier run, and what happens when a disk is full.

mod lab;

use lab::{Lab, wait_for};

/// One cut; the stubborn client loses all that comes after it. Answers take their time, so that the cut comes before them.
const CUT: [&str; 13] = [
    "run",
    "--requests",
    "6",
    "--unplug-interval",
    "6",
    "--timeout",
    "300ms",
    "--slow-every",
    "1",
    "--slow-by",
    "50ms",
    "--out",
    "out",
];

#[test]
fn more_than_is_allowed_is_a_status_of_its_own() {
    let lab = Lab::with(&["stubborn"]);
    let finished = lab.run(&[&CUT[..], &["--max-failures", "2", "--max-magnification", "1"]].concat());
    assert_eq!(finished.status, Some(3), "{}", finished.stderr);
    for words in ["stubborn in quick: 3 failures, at most 2 are allowed", "stubborn in quick: magnified ×3"]
    {
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
    for (limit, status) in [("2", 3), ("3", 0)] {
        assert_eq!(lab.run(&["report", "out", "--max-failures", limit]).status, Some(status));
        assert_eq!(lab.run(&["report", "out", "--json", "--max-failures", limit]).status, Some(status));
    }
}

#[test]
fn a_baseline_shows_what_changed() {
    let lab = Lab::with(&["stubborn"]);
    assert_eq!(lab.run(&CUT).status, Some(0));
    let honest = lab.dir().join("contestants/contestants.toml");
    let text = std::fs::read_to_string(&honest).unwrap();
    std::fs::write(&honest, text.replace("\"stubborn\"]", "\"honest\"]")).unwrap();
    let later = [&CUT[..12], &["later", "--baseline", "out"]].concat();
    let finished = lab.run(&later);
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("quick: stubborn: failures 3 → 1 (better)"), "{}", finished.stderr);
    for report in ["report.md", "report.html"] {
        let text = std::fs::read_to_string(lab.dir().join("later").join(report)).unwrap();
        assert!(text.contains("Changes since the baseline"), "{report}");
    }
    let nowhere = lab.run(&["run", "--baseline", "nowhere", "--out", "third"]);
    assert_eq!(nowhere.status, Some(2), "before anything runs: {}", nowhere.stderr);
    assert!(!lab.dir().join("third").exists());
}

/// A limit on the size of files is a full disk for whoever writes; the shell leaves out the signal that goes with it.
#[test]
fn a_full_disk_ends_the_run_and_what_was_written_can_be_read() {
    let lab = Lab::with(&["fine", "has-child"]);
    let run = "run --out out --workers 50 --requests 100000 --unplug-interval 0";
    let finished = lab.run_in_shell("trap '' XFSZ; ulimit -f 64; exec \"$0\" $1", run);
    assert_eq!(finished.status, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("the record out/record.jsonl is not whole"), "{}", finished.stderr);
    assert!(!lab.dir().join("grandchild.pid").exists(), "nobody's turn begins that can't be recorded");
    let again = lab.run(&["report", "out", "--json"]);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    assert_eq!(again.row("fine")["status"], "stopped");
    assert_eq!(again.row("fine")["reason"], "the record breaks off here");
}

#[test]
fn a_full_disk_behind_standard_output_is_said() {
    let lab = Lab::with(&["fine"]);
    for args in ["run --out out --json --requests 2 --unplug-interval 0", "report out", "report out --json"] {
        let finished = lab.run_in_shell("exec \"$0\" $1 > /dev/full", args);
        assert_ne!(finished.status, Some(0), "{args}");
        assert!(finished.stderr.contains("can't write to standard output"), "{args}: {}", finished.stderr);
    }
    assert!(lab.out().join("report.md").is_file());
}

#[test]
fn an_open_loop_says_how_it_was_kept_up() {
    let lab = Lab::with(&["fine"]);
    let open = ["run", "open-loop", "--json", "--rate", "500", "--requests", "20", "--unplug-interval", "0"];
    let row = lab.run(&[&open[..], &["--out", "out"]].concat()).row("fine");
    assert_eq!((&row["offered"], &row["requests"], &row["rate"]), (&20.into(), &20.into(), &500.into()));
    let requests: Vec<_> = lab.record().into_iter().filter(|line| line["kind"] == "request").collect();
    let due = |n: usize| requests[n]["due"].as_u64().unwrap();
    assert_eq!(due(19) - due(0), 19 * 2_000, "whatever became of the others");
    wait_for("the report", || std::fs::read_to_string(lab.out().join("report.md")).ok());
}

#[test]
fn long_answers_are_read_to_their_end() {
    let lab = Lab::with(&["honest"]);
    let long =
        ["run", "large-bodies", "--json", "--requests", "8", "--unplug-interval", "0", "--timeout", "20s"];
    let row = lab.run(&[&long[..], &["--workers", "2", "--body", "100000"]].concat()).row("honest");
    assert_eq!((&row["status"], &row["failures"]), (&"ran".into(), &0.into()), "{row}");
}
