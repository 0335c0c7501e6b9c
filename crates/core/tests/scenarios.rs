//! Every file in `scenarios/` is a story: facts, and the decisions that the pool must make of them.
//!
//! To write a new one, write its header and its facts, run `BLESS=1 cargo test -p outlive-core --test scenarios`, and
//! read the decisions that were filled in as if a stranger had made them. A trace recorded in the field goes in as it is.

#![allow(clippy::disallowed_methods)] // tests may read files and variables

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use outlive_core::trace::{Entry, Line, Trace};
use outlive_core::{Event, Limits, Pool};

fn scenarios() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(dir).expect("the folder of scenarios");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "trace"));
    paths.sort();
    paths
}

/// The comment lines before the trace, which `Trace` does not keep.
fn story(text: &str) -> String {
    text.lines()
        .take_while(|line| line.starts_with('#'))
        .fold(String::new(), |story, line| story + line + "\n")
}

#[test]
fn every_scenario_is_decided_as_told() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut failures = String::new();
    let paths = scenarios();
    assert!(paths.len() >= 60, "scenarios have gone missing: {}", paths.len());
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut trace: Trace = match text.parse() {
            Ok(trace) => trace,
            Err(error) => {
                _ = writeln!(failures, "{name}: {error}");
                continue;
            }
        };
        if bless {
            trace.lines = trace.replay();
            std::fs::write(&path, story(&text) + &trace.to_string()).expect("a writable file");
        } else if let Err(difference) = trace.check() {
            _ = writeln!(failures, "{name} ({}):\n{difference}", trace.title);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_trace_survives_being_printed_and_read() {
    for path in scenarios() {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let trace: Trace = text.parse().expect("a trace");
        assert_eq!(trace.to_string().parse(), Ok(trace.clone()), "{}", path.display());
        assert_eq!(story(&text) + &trace.to_string(), text, "{} is not in its printed form", path.display());
    }
}

#[test]
fn rubbish_is_refused_with_its_line() {
    let check = |text: &str, line: usize| {
        let error = text.parse::<Trace>().expect_err(text);
        assert_eq!(error.line, line, "{text}: {error}");
    };
    check("outlive-trace 2\n", 1);
    check("outlive-trace 1\n\n0 > nonsense", 3);
    check("outlive-trace 1\n0 > request c1", 2);
    check("outlive-trace 1\nx > tick", 2);
    check("outlive-trace 1\n0 < close c1 bored", 2);
    check("outlive-trace 1\nset speed 1", 2);
    check("outlive-trace 1\n0 > connected c1 100", 2);
}

#[test]
fn a_difference_is_found_where_it_is() {
    let text = "outlive-trace 1\ntitle t\nseed 1\n0 > request r1\n0 < dial c1\n1 > connected c1 x1\n1 < send r1 c1 a2\n";
    let difference = text.parse::<Trace>().expect("a trace").check().expect_err("a2 should be a1");
    assert_eq!(difference.expected.map(|line| line.to_string()), Some("       1 < send r1 c1 a2".to_owned()));
    assert_eq!(difference.actual.map(|line| line.to_string()), Some("       1 < send r1 c1 a1".to_owned()));
}

/// Whatever a limit is set to, the pool never asks to be woken without end.
#[test]
fn no_limit_makes_the_pool_spin() {
    const TICKS: usize = 10_000;
    let names = Limits::default().list().into_iter().map(|(name, _)| name);
    for (name, value) in names.flat_map(|name| [(name, "0"), (name, "4294967295")]) {
        for path in scenarios() {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let mut trace: Trace = text.parse().expect("a trace");
            trace.limits.set(name, value).expect("a limit");
            let mut pool = Pool::new(trace.limits.clone(), trace.seed);
            let mut actions = Vec::new();
            for Line { at, entry } in trace.lines {
                let Entry::Fact(fact) = entry else { continue };
                let mut ticks = 0;
                while let Some(due) = pool.deadline().filter(|due| *due < at) {
                    pool.handle(due, Event::Tick, &mut actions);
                    ticks += 1;
                    assert!(ticks < TICKS, "{name} = {value} makes {} spin at {due}", path.display());
                }
                pool.handle(at, fact, &mut actions);
            }
        }
    }
}
