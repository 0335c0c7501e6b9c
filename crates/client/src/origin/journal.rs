//! The journal of one origin: every fact told to its pool and every decision, in a form that the core can replay.
//!
//! Invariant: it is kept from the origin's first moment or not at all, for a replay starts with a new pool; and it stops
//! growing at [`LINES`], for nothing grows without a limit (promise P11). Next: [`outlive_core::trace`].

use outlive_core::trace::{Entry, Line, Ticks, Trace};
use outlive_core::{Action, Event, Limits, Time};

/// Lines that one journal holds at most: some ten megabytes, a minute of a busy client.
const LINES: usize = 200_000;

/// What has happened to one pool so far.
pub(crate) struct Journal(Trace);

impl Journal {
    pub(crate) fn new(origin: &str, limits: &Limits, seed: u64) -> Self {
        let (title, limits) = (format!("recorded from {origin}"), limits.clone());
        Self(Trace { title, seed, limits, ticks: Ticks::Told, lines: Vec::new() })
    }

    pub(crate) fn note(&mut self, at: Time, fact: Event, decisions: &[Action]) {
        let lines = &mut self.0.lines;
        if lines.len() + 1 + decisions.len() <= LINES {
            lines.push(Line { at, entry: Entry::Fact(fact) });
            lines.extend(decisions.iter().map(|action| Line { at, entry: Entry::Decision(*action) }));
        }
    }

    pub(crate) fn trace(&self) -> Trace {
        self.0.clone()
    }
}
