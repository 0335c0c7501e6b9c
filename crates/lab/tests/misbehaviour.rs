//! Contestants that break the rules: each gets a clear error that names it, and the others still run.

mod lab;

use lab::{FAKE, Lab, entry};
use serde_json::json;

const RUN: [&str; 6] = ["run", "--json", "--requests", "8", "--unplug-interval", "0"];

/// The contestant fails with a reason that contains all these words; one that is fine runs after it.
fn fails_with(behaviour: &str, words: &[&str]) {
    let lab = Lab::with(&[behaviour, "fine"]);
    let finished = lab.run(&RUN);
    assert_eq!(finished.status, Some(1), "{}", finished.stderr);
    let row = finished.row(behaviour);
    assert_eq!(row["status"], "failed");
    let reason = row["reason"].as_str().unwrap();
    for word in words {
        assert!(reason.contains(word), "`{word}` is not in: {reason}");
    }
    assert!(finished.stderr.contains(&format!("{behaviour}: failed: ")), "{}", finished.stderr);
    assert_eq!(finished.row("fine")["status"], "ran");
    assert!(lab::is_gone(lab.pid("contestant")));
}

#[test]
fn dies_at_once() {
    fails_with("dies", &["exit status: 3", "boom: no such thing as a socket"]);
}

#[test]
fn dies_in_the_middle() {
    fails_with("dies-later", &["exit status: 3", "boom, in the middle"]);
}

#[test]
fn hangs() {
    fails_with("hangs", &["hangs", "no `done`"]);
}

#[test]
fn prints_rubbish_first() {
    fails_with("rubbish", &["`hello, I am a client`", "`ready <client and version>`"]);
}

#[test]
fn prints_rubbish_later() {
    fails_with("rubbish-later", &["`panic: \\u{1b}[31mred", "`done <id> <ok|timeout|error> <µs> [detail]`"]);
}

#[test]
fn prints_a_line_without_end() {
    fails_with("endless-line", &["a line longer than"]);
}

#[test]
fn answers_twice() {
    fails_with("twice", &["answered before"]);
}

#[test]
fn answers_what_nobody_asked() {
    fails_with("unasked", &["`done 987654 ok 1`", "never asked"]);
}

#[test]
fn floods() {
    fails_with("floods", &["`done 0 ok 1`", "answered before"]);
}

#[test]
fn has_a_last_word() {
    fails_with("last-word", &["answered before"]);
}

#[test]
fn does_not_exit() {
    fails_with("lingers", &["did not exit"]);
}

#[test]
fn exits_badly() {
    fails_with("bad-exit", &["exit status: 4"]);
}

#[test]
fn never_warms_up() {
    fails_with("cold", &["warm-up", "nobody there"]);
}

#[test]
fn what_is_missing_or_broken_is_a_row_too() {
    let run = format!("run = [{FAKE:?}, \"fine\"]");
    let lab = Lab::with_manifest(
        &[
            entry("no-toolchain", "needs = [\"sh\", \"no-such-compiler\"]", &run),
            entry("no-build", "build = [\"sh\", \"-c\", \"echo no such crate >&2; exit 7\"]", &run),
            entry("same-build", "build = [\"sh\", \"-c\", \"echo no such crate >&2; exit 7\"]", &run),
            entry("no-program", "", "run = [\"{out}/nowhere\"]"),
            entry("built", "build = [\"cp\", \"/bin/sh\", \"{out}/made\"]", &run),
        ]
        .concat(),
    );
    let finished = lab.run(&RUN);
    assert_eq!(finished.status, Some(1));
    let row = finished.row("no-toolchain");
    assert_eq!((&row["status"], &row["failures"]), (&json!("skipped"), &json!(null)));
    assert_eq!(row["reason"], "needs no-such-compiler, which is not on PATH");
    for name in ["no-build", "same-build"] {
        let reason = finished.row(name)["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("exit status: 7") && reason.contains("no such crate"), "{reason}");
    }
    let reason = finished.row("no-program")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("can't start") && reason.contains("nowhere"), "{reason}");
    assert_eq!(finished.row("built")["status"], "ran");
}

#[test]
fn a_missing_toolchain_alone_is_no_failure() {
    let lab = Lab::with_manifest(&entry("no-toolchain", "needs = [\"no-such-compiler\"]", "run = [\"x\"]"));
    let finished = lab.run(&["run"]);
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("no-toolchain skipped: needs no-such-compiler"), "{}", finished.stdout);
}

#[test]
fn what_is_typed_wrong_is_said_and_nothing_runs() {
    let lab = Lab::with(&["fine", "dies"]);
    for (args, words) in [
        (&["run", "--only", "fine,fien"][..], "there is no contestant `fien`; there are: fine, dies"),
        (&["run", "fastest"], "possible values: quick, seed, crowd"),
        (&["run", "--requests", "many"], "--requests"),
        (&["run", "--request-timeout", "10"], "needs a unit"),
        (&["run", "--manifest", "nowhere.toml"], "can't read nowhere.toml"),
        (&["report", "nowhere"], "can't read nowhere/record.jsonl"),
        (&["run", "--frobnicate"], "--frobnicate"),
        (&["run", "quick", "--scenarios", "quick"], "--scenarios is for `netsplit run matrix`"),
        (&["run", "matrix", "--scenarios", "slow"], "possible values: quick, seed, crowd"),
        (&["run", "matrix", "--only", "fien"], "there is no contestant `fien`"),
        (&["run", "--max-magnification", "less"], "a number, such as 1 or 2.5"),
        (&["run", "--baseline", "nowhere"], "--baseline: can't read nowhere/record.jsonl"),
        (&["run", "--rate", "many"], "--rate"),
    ] {
        let finished = lab.run(args);
        assert_eq!(finished.status, Some(2), "{args:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn no_run_overwrites_another() {
    let lab = Lab::with(&["fine"]);
    let args = ["run", "--requests", "2", "--out", "out"];
    assert_eq!(lab.run(&args).status, Some(0));
    let second = lab.run(&args);
    assert_eq!(second.status, Some(1));
    assert!(second.stderr.contains("no run overwrites another"), "{}", second.stderr);
}

#[test]
fn only_the_named_run_and_the_list_names_all() {
    let lab = Lab::with(&["dies", "fine"]);
    let finished = lab.run(&[&RUN[..], &["--only", "fine"]].concat());
    assert_eq!(finished.status, Some(0));
    assert_eq!(finished.rows().len(), 1);
    let list = lab.run(&["list"]).stdout;
    for word in ["quick", "seed", "crowd", "blackhole", "dies", "fine", "stall"] {
        assert!(list.contains(word), "{list}");
    }
}

#[test]
fn nobody_has_to_read_the_rows() {
    let lab = Lab::with(&["fine"]);
    assert_eq!(lab.run_unread(&[&RUN[..], &["--out", "out"]].concat()), Some(0));
    assert!(lab.out().join("report.md").is_file());
}
