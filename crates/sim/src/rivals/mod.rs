//! The policies of other clients, as far as they matter here, behind the same face as ours.
//!
//! All of them share one plain pool ([`Plain`]): requests go to the first connection with room, in the order in which the
//! connections were made; streams given up are reset at once and their room is free again. What differs is what they
//! make of silence ([`Judge`], one file each) and who dials ([`Dialling`]). They are kinder than the originals where
//! that costs nothing: what is provably unprocessed is sent again by all of them. Sources: the measurements and the
//! code of the originals, named in each file.

mod go;
mod keep_alive;
mod naive;
mod okhttp;
mod plain;
mod poison;

use outlive_core::{Limits, Pool};
use outlive_fault::Micros;

pub use go::PendingResets;
pub use keep_alive::KeepAlive;
pub use naive::Naive;
pub use okhttp::DegradedPing;
pub use plain::{Dialling, Judge, Plain, Reaction};
pub use poison::Poison;

use crate::policy::Policy;
use crate::world::{MS, SEC, World};

/// A policy to compare, by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rival {
    /// Ours.
    Outlive,
    /// Never judges (hyper-util and most others).
    Naive,
    /// A PING every so often, and so long to answer it.
    KeepAlive(Micros, Micros),
    /// Go 1.27.
    Go,
    /// OkHttp 5.
    OkHttp,
    /// Poison on timeout (the AWS SDKs).
    Poison,
}

impl Rival {
    /// All that are compared.
    pub const ALL: [Self; 7] = [
        Self::Outlive,
        Self::Naive,
        Self::KeepAlive(20 * SEC, 20 * SEC),
        Self::KeepAlive(100 * MS, 100 * MS),
        Self::Go,
        Self::OkHttp,
        Self::Poison,
    ];

    /// Its name in tables.
    pub fn name(self) -> String {
        match self {
            Self::Outlive => "outlive".to_owned(),
            Self::Naive => "naive (hyper-util)".to_owned(),
            Self::KeepAlive(interval, timeout) if interval >= SEC => {
                format!("keep-alive {}/{} s", interval / SEC, timeout / SEC)
            }
            Self::KeepAlive(interval, timeout) => format!("keep-alive {}/{} ms", interval / MS, timeout / MS),
            Self::Go => "Go 1.27".to_owned(),
            Self::OkHttp => "OkHttp 5".to_owned(),
            Self::Poison => "poison on timeout".to_owned(),
        }
    }

    /// A new one for this world.
    pub fn policy(self, world: &World, seed: u64) -> Box<dyn Policy> {
        let single = world.server.streams.is_none();
        let one = if single { Dialling::OneEach } else { Dialling::OneForAll };
        let limits: Limits = world.limits.clone();
        match self {
            Self::Outlive => Box::new(Pool::new(limits, seed)),
            Self::Naive => Box::new(Plain::new(Naive, one, single)),
            Self::KeepAlive(interval, timeout) => {
                Box::new(Plain::new(KeepAlive::new(interval, timeout), one, single))
            }
            Self::Go => Box::new(Plain::new(PendingResets, Dialling::OneEach, true)),
            Self::OkHttp => Box::new(Plain::new(DegradedPing, Dialling::OneEach, true)),
            Self::Poison => Box::new(Plain::new(Poison, Dialling::OneEachThatDiesWithIt, single)),
        }
    }
}
