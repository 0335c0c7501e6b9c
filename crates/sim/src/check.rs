//! Checking: one seed, one world, one history, and whether every promise was kept in it.

use outlive_core::Pool;

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
    /// The case that a seed stands for when no scenario is asked for: made-up worlds and named ones in turn.
    pub fn of(seed: u64) -> Self {
        let count = scenarios::all().count() as u64;
        match seed % 2 {
            0 => Self::Random,
            _ => scenarios::all().nth((seed / 2 % count) as usize).map_or(Self::Random, Self::Named),
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
        let world = self.world(seed);
        let pool = Pool::new(world.limits.clone(), seed);
        let watch = Watch::new(&world.limits, seed);
        self.judge(seed, Simulation::new(&world, pool, seed, Some(watch)).run())
    }

    fn judge(self, seed: u64, outcome: Outcome) -> Verdict {
        let Outcome { tally, broken, watch } = outcome;
        let replayed = || watch.as_ref().and_then(|watch| watch.replay().err());
        let expected = || match self {
            Self::Named(scenario) => scenario.check(&tally).err(),
            Self::Random => None,
        };
        let broken = broken.or_else(replayed).or_else(expected);
        let title = || broken.as_ref().map(|broken| format!("{} seed {seed}: {}", self.name(), broken.how));
        let trace = title().zip(watch.as_ref()).map(|(title, watch)| watch.trace(&title).to_string());
        Verdict { broken, trace, tally }
    }
}
