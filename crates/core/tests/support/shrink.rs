//! Making a failing history small: leave facts out as long as the same promise still breaks.

use outlive_core::{Event, Time};

use super::history::History;
use super::witness::Broken;

/// Retellings, at most.
const TRIES: usize = 20_000;

/// The smallest part of the history's facts found that breaks the same promise.
pub fn shrink(history: &History, promise: &str) -> Vec<(Time, Event)> {
    let breaks = |facts: &[(Time, Event)]| match history.retell(facts) {
        Err(Broken { promise: broken, .. }) => broken == promise,
        Ok(_) => false,
    };
    let mut facts = history.facts.clone();
    if !breaks(&facts) {
        return facts; // it breaks by what does not happen, and that can't be left out
    }
    let mut size = facts.len() / 2;
    let mut tries = 0;
    while size > 0 && tries < TRIES {
        let mut at = 0;
        while at < facts.len() {
            let rest: Vec<_> =
                facts[..at].iter().chain(&facts[(at + size).min(facts.len())..]).copied().collect();
            tries += 1;
            if breaks(&rest) {
                facts = rest;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    facts
}
