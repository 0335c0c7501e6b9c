//! What happened, as it happened: one JSON object a line.
//!
//! The record is the run. Figures, tables and pictures are computed from it and from nothing else, so an old record
//! can be read again by a newer report, and a run that was stopped halfway still has its say.
//!
//! Invariant: the first line is a `run`; between a `begin` and the next, everything belongs to that contestant; times
//! are microseconds on the run's one clock (`clock.rs`).
//! Next: `writer.rs` and `reader.rs`, the two ends of the file; `summary/mod.rs`, which computes from it.

pub(crate) mod reader;
pub(crate) mod writer;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{fault::Fault, manifest::Protocol, plan::Plan};

/// Goes up when a reader of the old form would misunderstand the new.
pub(crate) const SCHEMA: u32 = 1;

/// The name of the record in a run's directory.
pub(crate) const FILE: &str = "record.jsonl";

/// Numbers a contestant's wires from 1, in the order in which they were dialled.
pub(crate) type WireId = u64;

/// Numbers the requests. The counted ones are 0 to `requests - 1`; those of the warm-up come after.
pub(crate) type RequestId = u64;

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Record {
    /// The head: what this record is.
    Run {
        /// [`SCHEMA`].
        schema: u32,
        /// The lab's version.
        lab: String,
        /// UTC, for a human.
        started: String,
        /// Processors that the lab and the contestants shared.
        cores: usize,
        /// What was to be done with each contestant.
        plan: Plan,
    },
    /// A contestant's turn begins.
    Begin {
        /// When.
        at: u64,
        /// Its name in the manifest.
        contestant: String,
        /// The library.
        client: String,
        /// What it is to speak.
        protocol: Protocol,
        /// One line about it.
        about: String,
    },
    /// The contestant said `ready`.
    Ready {
        /// When.
        at: u64,
        /// Client and version, in its own words.
        version: String,
    },
    /// The warm-up is over: what follows counts.
    Warm {
        /// When.
        at: u64,
        /// How many requests that took.
        requests: u64,
    },
    /// The contestant dialled.
    Opened {
        /// When.
        at: u64,
        /// Its number from now on.
        wire: WireId,
    },
    /// One of the two ends closed a wire that was not cut.
    Closed {
        /// When.
        at: u64,
        /// Which.
        wire: WireId,
    },
    /// The origin saw a request.
    Seen {
        /// When.
        at: u64,
        /// The request.
        request: RequestId,
        /// The wire it came in by.
        wire: WireId,
    },
    /// A cut was due.
    Cut {
        /// When.
        at: u64,
        /// The request whose `go` was written right before.
        request: RequestId,
        /// The wire that was cut, if one was live.
        wire: Option<WireId>,
        /// What was done to it.
        fault: Fault,
        /// Requests under way at that moment: `go` written, no `done` read.
        outstanding: Vec<RequestId>,
    },
    /// A counted request ended.
    Request {
        /// Which.
        request: RequestId,
        /// When its `go` was written.
        go: u64,
        /// When its `done` was read.
        done: u64,
        /// How it ended.
        outcome: Outcome,
        /// How long it took by the contestant's own clock, µs.
        took: u64,
        /// The contestant's words about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The contestant's turn is over.
    End {
        /// When.
        at: u64,
        /// How it went.
        status: Status,
        /// Why it did not go well.
        reason: Option<String>,
    },
    /// The whole run was stopped from outside.
    Stopped {
        /// When.
        at: u64,
        /// By what.
        by: String,
    },
}

/// How a request ended, in the protocol's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// A 2xx response, read to its end in time.
    Ok,
    /// Given up when the timeout passed.
    Timeout,
    /// Anything else.
    Error,
}

/// How a contestant's turn went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// To the end, as agreed.
    Ran,
    /// Not begun: a toolchain is missing.
    Skipped,
    /// Its build failed, or it broke the protocol.
    Failed,
    /// The run was stopped in the middle of it.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Ran => "ran",
            Status::Skipped => "skipped",
            Status::Failed => "failed",
            Status::Stopped => "stopped",
        })
    }
}
