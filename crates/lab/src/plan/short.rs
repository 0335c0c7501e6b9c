//! The short form of a scenario: what the matrix runs of it.
//!
//! A scenario shows its point with one cut, early, and a few hundred requests after it (`quick`'s are enough for Go's stream
//! limit, which takes 250 of them to let it recover). And a contestant that loses every request must not take all of the matrix's time: hence a limit in seconds for
//! each turn.
//!
//! Invariant: what goes wrong, to whom and how is the same as in the long form.
//! Next: `../scenario.rs`, which reads it; `../matrix.rs`, which runs it.

use serde::Deserialize;

use super::{Plan, Stop};

/// What a scenario's file says about its short form, or what suits most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Short {
    /// How many requests.
    requests: u64,
    /// At which of them is the one cut, where there are cuts.
    cut_at: u64,
    /// No request starts later than this.
    for_ms: u64,
    /// Whether turns may run beside each other: everything is measured in seconds, and most of the time nothing happens.
    pub(crate) abreast: bool,
}

impl Default for Short {
    fn default() -> Self {
        Self { requests: 400, cut_at: 100, for_ms: 1_500, abreast: false }
    }
}

impl Short {
    /// The plan, shortened.
    pub(crate) fn apply(self, mut plan: Plan) -> Plan {
        let Self { requests, cut_at, for_ms, abreast: _ } = self;
        plan.stop = Stop { requests, for_ms: Some(for_ms) };
        if plan.script.every > 0 {
            (plan.script.every, plan.script.first) = (requests, Some(cut_at));
        }
        plan
    }
}
