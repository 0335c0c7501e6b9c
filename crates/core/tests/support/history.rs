//! One history: a pool, the witness beside it, and all facts so far, so that it can be told again.

use outlive_core::trace::{Entry, Line, Ticks, Trace};
use outlive_core::{Action, Event, Limits, Pool, Time};

use super::witness::{Broken, Witness};

pub struct History {
    pub pool: Pool,
    pub witness: Witness,
    pub facts: Vec<(Time, Event)>,
    pub decisions: Vec<Action>,
    limits: Limits,
    seed: u64,
}

impl History {
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            pool: Pool::new(limits.clone(), seed),
            witness: Witness::new(&limits),
            facts: Vec::new(),
            decisions: Vec::new(),
            limits,
            seed,
        }
    }

    /// Tells pool and witness a fact, shows the witness the decisions, and returns them.
    pub fn tell(&mut self, at: Time, event: Event) -> Result<Vec<Action>, Broken> {
        self.facts.push((at, event));
        self.witness.fact(at, self.pool.deadline(), event);
        let mut actions = Vec::new();
        self.pool.handle(at, event, &mut actions);
        self.decisions.extend_from_slice(&actions);
        self.witness.decisions(event, &actions, self.pool.deadline())?;
        Ok(actions)
    }

    /// Tells all of `facts` anew and says which promise breaks first.
    pub fn retell(&self, facts: &[(Time, Event)]) -> Result<Self, Broken> {
        let mut again = Self::new(self.limits.clone(), self.seed);
        for (at, event) in facts {
            again.tell(*at, *event)?;
        }
        Ok(again)
    }

    /// The trace of `facts` and what the pool decides on them.
    pub fn trace(&self, title: &str, facts: &[(Time, Event)]) -> Trace {
        let lines = facts.iter().map(|(at, event)| Line { at: *at, entry: Entry::Fact(*event) }).collect();
        let (seed, limits) = (self.seed, self.limits.clone());
        let trace = Trace { title: title.to_owned(), seed, limits, ticks: Ticks::Told, lines };
        Trace { lines: trace.replay(), ..trace }
    }
}
