//! The command line: what it prints depends on the seeds alone, and the exit status tells.

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outlive-sim")).args(args).output().expect("it starts")
}

#[test]
fn the_same_seeds_print_the_same() {
    let once = run(&["--seeds", "12", "--seed", "100"]);
    assert_eq!(once.status.code(), Some(0), "{}", String::from_utf8_lossy(&once.stdout));
    assert_eq!(once.stdout, run(&["--seeds", "12", "--seed", "100"]).stdout);
    assert!(String::from_utf8_lossy(&once.stdout).starts_with("12 worlds, "));
}

#[test]
fn the_list_and_the_table_name_the_scenarios() {
    assert!(String::from_utf8_lossy(&run(&["--list"]).stdout).contains("issue-63422"));
    let table = run(&["rivals", "--scenario", "issue-63422", "--seeds", "1"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("Go 1.27"));
}

#[test]
fn what_is_unknown_is_an_error() {
    assert_eq!(run(&["--scenario", "nonsense"]).status.code(), Some(2));
    assert_eq!(run(&["rivals", "--scenario", "nonsense"]).status.code(), Some(2));
    assert_eq!(run(&["--nonsense"]).status.code(), Some(2));
}
