//! Ctrl-C and worse, in each phase of a run: a valid partial record, and no process left behind.

mod lab;

use lab::{FAKE, Lab, entry, is_gone, wait_for};
use rustix::process::Signal;

const RUN: [&str; 8] = ["run", "--out", "out", "--json", "--requests", "100", "--unplug-interval", "0"];

/// Interrupts the lab once the named processes are there; afterwards they are gone, and the record says why.
fn interrupted(lab: &Lab, processes: &[&str]) -> Vec<serde_json::Value> {
    let running = lab.start(&RUN);
    let pids: Vec<_> = processes.iter().map(|name| lab.pid(name)).collect();
    running.signal(Signal::INT);
    let finished = running.finish();
    assert_eq!(finished.status, Some(130), "{}", finished.stderr);
    assert!(finished.stderr.contains("the partial record is in out"), "{}", finished.stderr);
    for pid in pids {
        wait_for("a process's end", || is_gone(pid).then_some(()));
    }
    let record = lab.record();
    assert_eq!(record[0]["kind"], "run");
    let last = record.last().unwrap();
    assert_eq!((last["kind"].as_str(), last["by"].as_str()), (Some("stopped"), Some("SIGINT")));
    assert!(std::fs::read_to_string(lab.out().join("report.md")).unwrap().contains("Stopped by SIGINT"));
    finished.rows()
}

#[test]
fn while_a_contestant_is_built() {
    let build = format!("build = [{FAKE:?}, \"never-ready\"]");
    let lab = Lab::with_manifest(&entry("slow-build", &build, "run = [\"x\"]"));
    assert!(interrupted(&lab, &["contestant"]).is_empty(), "no turn had begun");
}

#[test]
fn while_a_contestant_starts() {
    let rows = interrupted(&Lab::with(&["never-ready"]), &["contestant"]);
    assert_eq!(rows[0]["status"], "stopped");
    assert_eq!(rows[0]["reason"], "SIGINT");
}

#[test]
fn while_requests_are_under_way() {
    let lab = Lab::with(&["fine", "has-child", "dies"]);
    let rows = interrupted(&lab, &["grandchild", "contestant"]);
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["ran", "stopped"]);
    assert_eq!(rows[0]["requests"], 100);
}

#[test]
fn while_a_contestant_warms_up() {
    let lab = Lab::with(&["hangs-cold"]);
    let rows = interrupted(&lab, &["cold"]);
    assert_eq!((&rows[0]["status"], &rows[0]["requests"]), (&"stopped".into(), &0.into()));
}

#[test]
fn while_a_contestant_is_to_exit() {
    let rows = interrupted(&Lab::with(&["lingers"]), &["lingering"]);
    assert_eq!((&rows[0]["status"], &rows[0]["requests"]), (&"stopped".into(), &100.into()));
}

#[test]
fn a_polite_end_is_the_same() {
    let lab = Lab::with(&["never-ready"]);
    let running = lab.start(&RUN);
    let pid = lab.pid("contestant");
    running.signal(Signal::TERM);
    let finished = running.finish();
    assert_eq!(finished.status, Some(143), "{}", finished.stderr);
    assert!(is_gone(pid));
}

/// The second signal may find the lab stopping in order or gone already; nothing is left behind either way.
#[test]
fn impatience_is_no_different() {
    let lab = Lab::with(&["has-child"]);
    let running = lab.start(&RUN);
    let pids = ["grandchild", "contestant"].map(|name| lab.pid(name));
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    assert_eq!(running.finish().status, Some(130));
    wait_for("the contestant's end", || is_gone(pids[1]).then_some(()));
    // After an end at once only the guard is left, and it knows the contestant alone.
    let _ = rustix::process::kill_process(pids[0], Signal::KILL);
}

/// Not even SIGKILL leaves a contestant behind that ignores the end of its input, and the record is whole so far.
#[cfg(target_os = "linux")]
#[test]
fn when_the_lab_itself_is_killed() {
    let lab = Lab::with(&["has-child"]);
    let running = lab.start(&RUN);
    let pid = lab.pid("contestant");
    // The record follows within milliseconds.
    wait_for("the warm-up's record", || {
        let text = std::fs::read_to_string(lab.out().join("record.jsonl")).ok()?;
        text.contains("\"warm\"").then_some(())
    });
    running.signal(Signal::KILL);
    assert_eq!(running.finish().status, None);
    wait_for("the contestant's end", || is_gone(pid).then_some(()));
    rustix::process::kill_process(lab.pid("grandchild"), Signal::KILL).unwrap();
    let again = lab.run(&["report", "out", "--json"]);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    assert_eq!(again.row("has-child")["status"], "stopped");
    assert_eq!(again.row("has-child")["reason"], "the record breaks off here");
}
