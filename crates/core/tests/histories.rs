//! Random histories: whatever happens, in whatever order, the pool keeps its promises.
//!
//! `OUTLIVE_HISTORIES=100000 cargo test -p outlive-core --release --test histories` lives through more of them;
//! `OUTLIVE_SEED=n` starts at another seed. A failure prints the seed and a trace; save the trace in `scenarios/`.

#![allow(clippy::disallowed_methods)] // tests may read files and variables

#[allow(unreachable_pub, dead_code)] // shared by several test programs
mod support;

use outlive_core::Pool;
use support::history::History;
use support::shrink::shrink;
use support::world::World;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Lives through the history of one seed; on a broken promise, panics with a small trace that breaks it.
fn live(seed: u64) -> History {
    let (world, limits) = World::new(seed);
    let mut history = History::new(|limits, seed| Box::new(Pool::new(limits, seed)), limits, seed);
    if let Err(broken) = world.live(&mut history) {
        let facts = shrink(&history, broken.promise);
        let small = history
            .retell(&facts)
            .err()
            .map_or("only the whole history shows it".to_owned(), |small| small.how);
        let trace = history.trace(&small, &facts);
        panic!("seed {seed} breaks {}: {}\n\n{trace}", broken.promise, broken.how);
    }
    history
}

#[test]
fn promises_hold_in_any_history() {
    let first = number("OUTLIVE_SEED", 0);
    let mut facts = 0;
    let mut decisions = 0;
    for seed in first..first + number("OUTLIVE_HISTORIES", 20_000) {
        let history = live(seed);
        facts += history.facts.len();
        decisions += history.decisions.len();
    }
    println!("{facts} facts, {decisions} decisions");
}

/// P16: the same facts, times and seed give the same decisions, also by way of the trace's text.
#[test]
fn histories_replay_from_their_traces() {
    for seed in 0..200 {
        let history = live(seed);
        assert_eq!(history.replays(), Ok(()), "seed {seed}");
        let text = history.trace("a random history", &history.facts).to_string();
        let trace: outlive_core::trace::Trace = text.parse().expect("a trace");
        assert_eq!(trace.check(), Ok(()), "seed {seed}");
    }
}

/// The world must be wild enough to matter: all kinds of decisions come up.
#[test]
fn histories_show_every_kind_of_decision() {
    let mut kinds = std::collections::BTreeMap::<String, u64>::new();
    for seed in 0..500 {
        for action in live(seed).decisions {
            let text = action.to_string();
            let mut words = text.split_whitespace();
            let kind = match (words.next(), words.next_back()) {
                (Some(kind @ ("close" | "fail")), Some(why)) => format!("{kind} {why}"),
                (kind, _) => kind.unwrap_or_default().to_owned(),
            };
            *kinds.entry(kind).or_default() += 1;
        }
    }
    for kind in [
        "dial",
        "send",
        "abandon",
        "probe",
        "suspect",
        "clear",
        "close dead",
        "close given-up",
        "close drained",
        "close idle",
        "fail dial",
        "fail silent",
        "fail lost",
        "fail refused",
        "fail failed",
        "fail queue",
    ] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 10), "too few of `{kind}`: {kinds:?}");
    }
}
