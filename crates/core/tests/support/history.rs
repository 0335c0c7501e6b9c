//! One history: a core, the witness beside it, and all facts so far, so that it can be told again.

use outlive_core::trace::{Entry, Line, Ticks, Trace};
use outlive_core::{Action, ConnectionId, Event, Limits, Pool, Time};

use super::witness::{Broken, Witness};

/// What is under test: the pool, or one that was broken on purpose.
pub trait Core {
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>);
    fn deadline(&self) -> Option<Time>;
    fn in_doubt(&self, now: Time) -> Vec<ConnectionId>;
}

impl Core for Pool {
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        Self::handle(self, now, event, actions);
    }

    fn deadline(&self) -> Option<Time> {
        Self::deadline(self)
    }

    fn in_doubt(&self, now: Time) -> Vec<ConnectionId> {
        Self::in_doubt(self, now).collect()
    }
}

/// How a core is made.
pub type Make = fn(Limits, u64) -> Box<dyn Core>;

pub struct History {
    pub core: Box<dyn Core>,
    pub witness: Witness,
    pub facts: Vec<(Time, Event)>,
    pub decisions: Vec<Action>,
    make: Make,
    limits: Limits,
    seed: u64,
}

impl History {
    pub fn new(make: Make, limits: Limits, seed: u64) -> Self {
        Self {
            core: make(limits.clone(), seed),
            witness: Witness::new(&limits),
            facts: Vec::new(),
            decisions: Vec::new(),
            make,
            limits,
            seed,
        }
    }

    /// Tells core and witness a fact, shows the witness the decisions, and returns them.
    pub fn tell(&mut self, at: Time, event: Event) -> Result<Vec<Action>, Broken> {
        self.facts.push((at, event));
        self.witness.fact(at, self.core.deadline(), event);
        let mut actions = Vec::new();
        self.core.handle(at, event, &mut actions);
        self.decisions.extend_from_slice(&actions);
        self.witness.decisions(event, &actions, self.core.deadline())?;
        Ok(actions)
    }

    /// Tells all of `facts` anew and says which promise breaks first.
    pub fn retell(&self, facts: &[(Time, Event)]) -> Result<Self, Broken> {
        let mut again = Self::new(self.make, self.limits.clone(), self.seed);
        for (at, event) in facts {
            again.tell(*at, *event)?;
        }
        Ok(again)
    }

    /// P16: told again, it decides the same.
    pub fn replays(&self) -> Result<(), Broken> {
        let again = self.retell(&self.facts)?;
        match again.decisions == self.decisions {
            true => Ok(()),
            false => {
                Err(Broken { promise: "P16", how: "told the same again, it decides otherwise".to_owned() })
            }
        }
    }

    /// The trace of `facts` and what the pool decides on them.
    pub fn trace(&self, title: &str, facts: &[(Time, Event)]) -> Trace {
        let lines = facts.iter().map(|(at, event)| Line { at: *at, entry: Entry::Fact(*event) }).collect();
        let (seed, limits) = (self.seed, self.limits.clone());
        let trace = Trace { title: title.to_owned(), seed, limits, ticks: Ticks::Told, lines };
        Trace { lines: trace.replay(), ..trace }
    }
}
