//! outlive-sim: the policy core in simulated worlds, where anything goes wrong on time and by seed.
//!
//! One thread and virtual time. A [`world::World`] is plain data; a [`simulation::Simulation`] lives through one history
//! of it under a [`policy::Policy`], checking the [`promises`] all along; a [`tally::Tally`] is what it came to.
//! [`scenarios`] are worlds with a name and expectations, [`random`] makes up more of them, [`rivals`] are the policies
//! of other clients in the same worlds, [`fleet`] is ten thousand clients at once.
//!
//! Invariant: no clock, no chance but from the seed, and one thread for a history; the same seed gives the same history, to
//! the microsecond. Only [`check::all`] lives through several histories at once.

pub mod check;
pub mod fleet;
pub mod policy;
pub mod promises;
pub mod random;
pub mod rivals;
pub mod scenarios;
pub mod simulation;
pub mod table;
pub mod tally;
pub mod world;
