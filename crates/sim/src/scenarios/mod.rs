//! Worlds with a name, and what ours must make of them.
//!
//! To add one: an entry in the file of its kind, with a title that says what is wrong in this world, the world itself
//! (only what differs from a good day), and what is expected as bounds on counts, never on times.

mod cuts;
mod good_days;
mod paths;
mod servers;

use crate::promises::Broken;
use crate::tally::Tally;
use crate::world::World;

/// A world with a name.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// One word.
    pub name: &'static str,
    /// What is wrong in this world.
    pub title: &'static str,
    /// The world.
    pub world: fn() -> World,
    /// What is expected of ours: bounds on counts.
    pub expected: &'static [Bound],
}

/// A count that must not be larger than so many, and the promise that this shows.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    promise: &'static str,
    what: &'static str,
    count: fn(&Tally) -> u64,
    most: u64,
}

impl Bound {
    const fn new(promise: &'static str, what: &'static str, count: fn(&Tally) -> u64, most: u64) -> Self {
        Self { promise, what, count, most }
    }
}

const fn lost(most: u64) -> Bound {
    Bound::new("P7", "requests lost", Tally::lost, most)
}

const fn lost_per_cut(most: u64) -> Bound {
    Bound::new("P15", "requests lost per cut", |tally| tally.lost() / tally.cuts.max(1), most)
}

/// The same where the path is well, and what is behind it sleeps.
const fn lost_per_stall(most: u64) -> Bound {
    Bound::new("P14", "requests lost per stalled connection", |tally| tally.lost() / tally.cuts.max(1), most)
}

const fn dials(most: u64) -> Bound {
    Bound::new("P14", "dials", |tally| tally.dials, most)
}

const fn extra(most: u64) -> Bound {
    Bound::new("P5", "extra attempts", Tally::extra, most)
}

const fn false_suspicions(most: u64) -> Bound {
    Bound::new("P12", "false suspicions", |tally| tally.false_suspicions, most)
}

const fn false_dead(most: u64) -> Bound {
    Bound::new("P12", "connections closed that were well", |tally| tally.false_dead, most)
}

const fn asleep(most: u64) -> Bound {
    Bound::new("P8", "suspicions because we slept", |tally| tally.false_suspicions, most)
}

const fn waited(most: u64) -> Bound {
    Bound::new("P13", "requests that waited for a dial after the start", |tally| tally.waited, most)
}

const fn stranded(most: u64) -> Bound {
    Bound::new("P13", "cuts that left no connection", |tally| tally.stranded, most)
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [good_days::ALL, cuts::ALL, paths::ALL, servers::ALL].into_iter().flatten()
}

/// The one of this name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

impl Scenario {
    /// Whether the counts are as expected.
    pub fn check(&self, tally: &Tally) -> Result<(), Broken> {
        let beyond = self.expected.iter().find(|bound| (bound.count)(tally) > bound.most);
        beyond.map_or(Ok(()), |bound| {
            let how = format!("{} {}, more than {}", (bound.count)(tally), bound.what, bound.most);
            Err(Broken { promise: bound.promise, how })
        })
    }
}
