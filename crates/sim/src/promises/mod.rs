//! The promises, watched from two sides.
//!
//! * The *witness* sees every fact and every decision and keeps its own books (the same file as the core's tests use, so
//!   that there is one set of books): what the pool says and does must fit together.
//! * The *truth* is known to the model alone: what a server really got (P3, P4), what it thought impolite (P9, P10),
//!   whether a request ever ended (P7), whether what was suspected was really dead (P8, P12). The simulation checks it
//!   where it happens (`break_promise`), and [`Watch::at_the_end`] checks what only the whole history shows.
//!
//! What a scenario expects beyond that stands with the scenario.

#[allow(unreachable_pub, missing_docs, dead_code)] // shared with the core's tests
#[path = "../../../core/tests/support/witness.rs"]
mod witness;

use outlive_core::trace::{Entry, Line, Ticks, Trace};
use outlive_core::{Action, Event, Limits, Pool, Time};

pub use witness::Broken;
use witness::Witness;

use crate::tally::Tally;
use crate::world::{SEC, World};

/// Watches one history.
pub struct Watch {
    witness: Witness,
    limits: Limits,
    seed: u64,
    /// Every fact, in order.
    pub facts: Vec<(Time, Event)>,
    /// Every decision, in order.
    pub decisions: Vec<Action>,
    /// Questions asked so far.
    pub checks: u64,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch of {} facts", self.facts.len())
    }
}

impl Watch {
    /// Watches a pool with these limits and this seed.
    pub fn new(limits: &Limits, seed: u64) -> Self {
        Self {
            witness: Witness::new(limits),
            limits: limits.clone(),
            seed,
            facts: Vec::new(),
            decisions: Vec::new(),
            checks: 0,
        }
    }

    /// Sees a fact, when a tick was due, and what was decided on it.
    pub fn see(
        &mut self,
        now: Time,
        due: Option<Time>,
        event: Event,
        actions: &[Action],
        next: Option<Time>,
    ) -> Result<(), Broken> {
        self.facts.push((now, event));
        self.decisions.extend_from_slice(actions);
        self.checks += 1 + actions.len() as u64;
        self.witness.fact(now, due, event);
        self.witness.decisions(event, actions, next)
    }

    /// P5, P6, P11: what only the whole history shows.
    pub fn at_the_end(&self, tally: &Tally, world: &World) -> Option<Broken> {
        let broken = |promise, how| Some(Broken { promise, how });
        let limits = &world.limits;
        let seconds = tally.lasted / SEC;
        let floor = u64::from(limits.extra_floor) * (1 + seconds.div_ceil(10));
        let budget = floor + tally.requests * u64::from(limits.extra_percent) / 100;
        if tally.risky > budget {
            return broken("P5", format!("{} extra attempts for {} requests", tally.risky, tally.requests));
        }
        let single = world.server.streams.is_none_or(|streams| streams <= 1);
        let at_once = u64::from(if single { limits.dials_single } else { limits.dials });
        if tally.dials_at_once > at_once.max(u64::from(limits.dials)) {
            return broken("P6", format!("{} dials at a time", tally.dials_at_once));
        }
        // Those in use, as many suspects, and as many that drain after GOAWAY.
        if tally.connections > 3 * u64::from(limits.connections) {
            return broken("P11", format!("{} connections at a time", tally.connections));
        }
        if tally.waiting > u64::from(limits.waiting) + 1 {
            return broken("P11", format!("{} requests waiting", tally.waiting));
        }
        None
    }

    /// P16: a new pool, told the same, decides the same.
    pub fn replay(&self) -> Result<(), Broken> {
        let mut pool = Pool::new(self.limits.clone(), self.seed);
        let mut again = Vec::with_capacity(self.decisions.len());
        for (at, event) in &self.facts {
            pool.handle(*at, *event, &mut again);
        }
        match again == self.decisions {
            true => Ok(()),
            false => {
                Err(Broken { promise: "P16", how: "told the same again, it decides otherwise".to_owned() })
            }
        }
    }

    /// The history as a trace that replays.
    pub fn trace(&self, title: &str) -> Trace {
        let lines =
            self.facts.iter().map(|(at, event)| Line { at: *at, entry: Entry::Fact(*event) }).collect();
        let (seed, limits) = (self.seed, self.limits.clone());
        let trace = Trace { title: title.to_owned(), seed, limits, ticks: Ticks::Told, lines };
        Trace { lines: trace.replay(), ..trace }
    }
}
