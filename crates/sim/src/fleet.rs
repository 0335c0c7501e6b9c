//! The fleet: many clients of many origins, and a quarter of the paths between them dies at once.
//!
//! Each client talks to one origin with four addresses; one of its four paths dies, all at the same moment, a third into
//! the time, for the rest of it. Clients meet only at the origins, and what they
//! do to each other there is what is counted: dials in the same second. So each client's history is lived alone, one
//! after the other, and the counts are added; ten thousand pools need no more memory than one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use outlive_fault::{Chance, Micros};

use crate::rivals::Rival;
use crate::simulation::Simulation;
use crate::table;
use crate::tally::Tally;
use crate::world::{Arrivals, How, Load, MS, SEC, Way, Whom, World};

/// Origins that the clients share.
const ORIGINS: u64 = 100;
/// Addresses of each.
const ADDRESSES: u32 = 4;

/// How large, how long, how busy.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Clients.
    pub clients: u64,
    /// Virtual minutes.
    pub minutes: u64,
    /// One request of each client in so much time, on average.
    pub every: Micros,
}

impl Fleet {
    fn length(&self) -> Micros {
        self.minutes * 60 * SEC
    }

    /// The world of one client.
    fn world(&self, client: u64) -> World {
        let mut chance = Chance::new(client);
        let load = Load {
            arrivals: Arrivals::Open(self.every),
            until: self.length(),
            timeout: Some(SEC),
            repeatable: 800_000,
            ..World::default().load
        };
        let path = Way { rtt: chance.between(1, 40) * MS, ..World::default().path };
        let doomed = Whom::Address(chance.below(u64::from(ADDRESSES)) as u32);
        World { load, path, addresses: ADDRESSES, ..World::default() }.cut(
            &[self.length() / 3],
            doomed,
            How::Blackhole(Micros::MAX),
        )
    }

    /// Runs it with our policy, and unless only `ours` is wanted, with the rivals.
    pub fn run(&self, ours: bool) -> String {
        let mut text = format!(
            "{} clients, {ORIGINS} origins with {ADDRESSES} addresses, {} minutes, a request of each client every {} ms; \
             at minute {:.0} a quarter of the paths dies for good\n{}  dials/s\n",
            self.clients,
            self.minutes,
            self.every / MS,
            self.minutes as f64 / 3.0,
            table::HEADING,
        );
        let rivals = if ours { &Rival::ALL[..1] } else { &Rival::ALL[..] };
        for rival in rivals {
            let (tally, peak) = self.live(*rival);
            let _ = writeln!(text, "{} {peak:>10}", table::line(&rival.name(), &tally));
        }
        text
    }

    /// All histories under one policy: the counts, and the most dials that one origin saw in a second after the cut.
    fn live(&self, rival: Rival) -> (Tally, u64) {
        let mut sum = Tally::default();
        let mut dials = BTreeMap::<(u64, u64), u64>::new();
        for client in 0..self.clients {
            let world = self.world(client);
            let policy = rival.policy(&world, client);
            let tally = Simulation::new(&world, policy, client, None).run().tally;
            let cut = self.length() / 3;
            for at in tally.dial_times.iter().filter(|at| **at >= cut) {
                *dials.entry((client % ORIGINS, at / SEC)).or_default() += 1;
            }
            sum.add(&tally);
        }
        (sum, dials.values().max().copied().unwrap_or(0))
    }
}
