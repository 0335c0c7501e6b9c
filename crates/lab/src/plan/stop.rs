//! When it is enough.
//!
//! Invariant: there is always a limit on the number of requests; a time may end it earlier.

use serde::{Deserialize, Serialize};

/// The stop rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Stop {
    /// Requests that are made and counted, at most.
    pub(crate) requests: u64,
    /// No request starts later than this.
    pub(crate) for_ms: Option<u64>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { requests: 3_000, for_ms: None }
    }
}

impl Stop {
    /// What `--requests` can say at most, and what stands in for it where only a time is given.
    pub(crate) const MOST_REQUESTS: u64 = 10_000_000;

    /// Whether no number of requests was given.
    pub(super) fn is_time_alone(&self) -> bool {
        self.for_ms.is_some() && self.requests >= Self::MOST_REQUESTS
    }
}
