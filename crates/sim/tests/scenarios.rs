//! Every scenario keeps every promise, and its counts are as expected; so do made-up worlds.
//!
//! `OUTLIVE_WORLDS=2000 cargo test -p outlive-sim --release --test scenarios` lives through more of the latter.

use outlive_sim::check::{Case, all};
use outlive_sim::scenarios;

fn kept(seeds: std::ops::Range<u64>, case: Option<Case>) {
    for (seed, case, verdict) in all(seeds, case) {
        if let Some(broken) = verdict.broken {
            let name = case.name();
            panic!("{name} seed {seed} breaks {}: {}\n{:#?}", broken.promise, broken.how, verdict.tally);
        }
    }
}

#[test]
fn scenarios_come_out_as_expected() {
    for scenario in scenarios::all() {
        kept(0..2, Some(Case::Named(scenario)));
    }
}

#[test]
fn names_are_names() {
    let mut names: Vec<_> = scenarios::all().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two scenarios have one name");
    assert!(names.iter().all(|name| scenarios::named(name).is_some() && *name != "random"));
}

#[test]
fn made_up_worlds_keep_every_promise() {
    let worlds = std::env::var("OUTLIVE_WORLDS").map_or(60, |text| text.parse().expect("a number"));
    kept(0..worlds, Some(Case::Random));
}

/// The made-up worlds must be wild enough to matter.
#[test]
fn made_up_worlds_show_everything() {
    let mut sum = outlive_sim::tally::Tally::default();
    for (_, _, verdict) in all(0..150, Some(Case::Random)) {
        sum.add(&verdict.tally);
    }
    let counts = [
        ("cuts", sum.cuts),
        ("probes", sum.probes),
        ("suspicions", sum.suspicions),
        ("false suspicions", sum.false_suspicions),
        ("dead", sum.dead),
        ("stalled", sum.stalled),
        ("resets", sum.resets),
        ("extra", sum.extra()),
        ("failed dials", sum.dials_failed),
        ("timeouts", sum.timeouts),
        ("lost", sum.errors.get("lost").copied().unwrap_or(0)),
    ];
    for (what, count) in counts {
        assert!(count > 0, "no {what} in {sum:#?}");
    }
}
