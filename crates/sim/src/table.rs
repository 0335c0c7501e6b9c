//! The table that compares policies in one world.

use std::fmt::Write as _;

use outlive_fault::Micros;

use crate::rivals::Rival;
use crate::scenarios::Scenario;
use crate::simulation::Simulation;
use crate::tally::Tally;
use crate::world::{MS, World};

/// What a policy comes to in `seeds` histories of a world.
pub fn tally(rival: Rival, world: &World, seeds: u64) -> Tally {
    let mut sum = Tally::default();
    for seed in 0..seeds {
        let policy = rival.policy(world, seed);
        sum.add(&Simulation::new(world, policy, seed, None).run().tally);
    }
    sum
}

/// The heading of the columns.
pub const HEADING: &str = "policy                requests     lost   lost/cut  magnif.   dials   extra  suspected  false/100k  recovery      dark";

/// One line of the table.
pub fn line(name: &str, tally: &Tally) -> String {
    let per = |part: u64, whole: u64| match whole {
        0 => "-".to_owned(),
        _ => format!("{:.1}", part as f64 / whole as f64),
    };
    let false_rate = tally.false_suspicions as f64 * 100_000.0 / tally.requests.max(1) as f64;
    let recovered: Vec<Micros> = tally.recovery.iter().flatten().copied().collect();
    let recovery = match (tally.recovery.len(), recovered.iter().max()) {
        (0, _) => "-".to_owned(),
        (all, Some(longest)) if recovered.len() == all => format!("{} ms", longest / MS),
        _ => "never".to_owned(),
    };
    let dark = tally.dark.iter().max().map_or("-".to_owned(), |longest| format!("{} ms", longest / MS));
    format!(
        "{name:<20} {:>9} {:>8} {:>10} {:>8} {:>7} {:>7} {:>10} {:>11.1} {recovery:>9} {dark:>9}",
        tally.requests,
        tally.lost(),
        per(tally.lost(), tally.cuts),
        per(tally.lost(), tally.in_flight),
        tally.dials,
        tally.extra(),
        tally.suspicions,
        false_rate,
    )
}

/// All policies in one scenario. Recovery: from a cut to the end of the first request that started after it and succeeded;
/// dark: from a cut to the end of the last request that was lost before the next one. The longest of each.
pub fn compare(scenario: &Scenario, seeds: u64) -> String {
    let world = (scenario.world)();
    let mut text = format!("\n{}: {} ({seeds} histories)\n{HEADING}\n", scenario.name, scenario.title);
    for rival in Rival::ALL {
        let _ = writeln!(text, "{}", line(&rival.name(), &tally(rival, &world, seeds)));
    }
    text
}
