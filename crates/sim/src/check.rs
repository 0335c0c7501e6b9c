//! Checking: one seed, one world, one history, and whether every promise was kept in it.

use std::ops::Range;

use outlive_core::{Limits, Pool};

use crate::policy::Policy;
use crate::promises::{Broken, Watch};
use crate::random;
use crate::scenarios::{self, Scenario};
use crate::simulation::{Outcome, Simulation};
use crate::tally::Tally;
use crate::world::World;

/// A world to check: a scenario, or one made up.
#[derive(Clone, Copy, Debug)]
pub enum Case {
    /// One with a name.
    Named(&'static Scenario),
    /// One made up from the seed.
    Random,
}

/// What checking a case came to.
#[derive(Debug)]
pub struct Verdict {
    /// The counts.
    pub tally: Tally,
    /// The promise that was broken, and how.
    pub broken: Option<Broken>,
    /// The history as a trace that replays, when a promise was broken.
    pub trace: Option<String>,
}

impl Case {
    /// The case that a seed stands for when no scenario is asked for: one in four has a name, each in its turn.
    pub fn of(seed: u64) -> Self {
        let count = scenarios::all().count() as u64;
        match seed % 4 {
            3 => scenarios::all().nth((seed / 4 % count) as usize).map_or(Self::Random, Self::Named),
            _ => Self::Random,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Named(scenario) => scenario.name,
            Self::Random => "random",
        }
    }

    /// Its world.
    pub fn world(self, seed: u64) -> World {
        match self {
            Self::Named(scenario) => (scenario.world)(),
            Self::Random => random::world(seed),
        }
    }

    /// Lives through it with our pool, watching.
    pub fn check(self, seed: u64) -> Verdict {
        self.check_policy(seed, Pool::new)
    }

    /// The same with another policy, which is held to what our pool promises.
    pub fn check_policy<P: Policy>(self, seed: u64, policy: impl FnOnce(Limits, u64) -> P) -> Verdict {
        let world = self.world(seed);
        let watch = Watch::new(&world.limits, seed);
        let policy = policy(world.limits.clone(), seed);
        self.judge(seed, Simulation::new(&world, policy, seed, Some(watch)).run())
    }

    fn judge(self, seed: u64, outcome: Outcome) -> Verdict {
        let Outcome { tally, broken, watch } = outcome;
        let replayed = || watch.as_ref().and_then(|watch| watch.replay().err());
        let expected = || match self {
            Self::Named(scenario) => scenario.check(&tally).err(),
            Self::Random => None,
        };
        let broken = broken.or_else(expected).or_else(replayed);
        let title = || broken.as_ref().map(|broken| format!("{} seed {seed}: {}", self.name(), broken.how));
        let trace = title().zip(watch.as_ref()).map(|(title, watch)| watch.trace(&title).to_string());
        Verdict { broken, trace, tally }
    }
}

/// Seeds that one thread lives through before it hands its verdicts in.
const BATCH: u64 = 64;

/// Checks all of `seeds`, in the world that each stands for or in `case`. Each history is lived by one thread; several are
/// lived at once, and handed out in the order of their seeds, whatever the machine.
pub fn all(seeds: Range<u64>, case: Option<Case>) -> impl Iterator<Item = (u64, Case, Verdict)> {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let step = BATCH * threads;
    let starts = (seeds.start..seeds.end).step_by(step as usize);
    starts.flat_map(move |start| {
        let end = start.saturating_add(step).min(seeds.end);
        let live = move |seed: u64| {
            let case = case.unwrap_or(Case::of(seed));
            (seed, case, case.check(seed))
        };
        let mut verdicts: Vec<(u64, Case, Verdict)> = std::thread::scope(|scope| {
            let spawn = |thread| {
                let own = (start + thread..end).step_by(threads as usize);
                scope.spawn(move || own.map(live).collect::<Vec<_>>())
            };
            let running: Vec<_> = (0..threads.min(end - start)).map(spawn).collect();
            let joined = running.into_iter().map(|thread| thread.join());
            joined.flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        verdicts.sort_by_key(|(seed, ..)| *seed);
        verdicts
    })
}
