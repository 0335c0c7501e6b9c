//! How requests are made.
//!
//! Invariant: it says nothing about what goes wrong, nor about when to stop.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pace {
    /// Requests under way at any time (a closed loop: a new one starts when one ends). In an open loop, only how many warm up
    /// at once.
    pub(crate) workers: u32,
    /// An open loop: so many requests become due each second, whatever has become of those before; 0 is the closed loop.
    pub(crate) rate: u32,
    /// What each request may take.
    pub(crate) timeout_ms: u64,
    /// GET may be repeated, POST may not.
    pub(crate) method: Method,
    /// How long a worker waits between two requests.
    pub(crate) think_ms: u64,
    /// Whether responses that never end stream beside the requests.
    pub(crate) streaming: bool,
    /// Whether the lab keeps every processor busy meanwhile.
    pub(crate) busy: bool,
}

/// The two that differ in what a client may do with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[value(rename_all = "UPPER")]
pub(crate) enum Method {
    /// May be sent twice
    #[default]
    Get,
    /// May not be sent again once it may have been processed
    Post,
}

impl Default for Pace {
    fn default() -> Self {
        let method = Method::Get;
        Self { workers: 1, rate: 0, timeout_ms: 10, method, think_ms: 0, streaming: false, busy: false }
    }
}

impl Pace {
    /// More than two processors can make anybody ask, and still a whole number of microseconds apart.
    pub(crate) const MOST_A_SECOND: i64 = 100_000;
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Method::Get => "GET",
            Method::Post => "POST",
        })
    }
}
