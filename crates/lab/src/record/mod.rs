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

use crate::{
    fault::Fault,
    manifest::Protocol,
    plan::{Method, Plan},
};

/// Goes up when a reader of the old form would misunderstand the new.
pub(crate) const SCHEMA: u32 = 3;

/// The oldest form that this reader understands: it has no open loop, and is otherwise the same.
const OLDEST: u32 = 2;

/// The name of the record in a run's directory.
pub(crate) const FILE: &str = "record.jsonl";

/// Numbers a contestant's wires from 1, in the order in which they were dialled.
pub(crate) type WireId = u64;

/// Numbers the requests. The counted ones begin at 0; those of the warm-up and the streams come after, far enough.
pub(crate) type RequestId = u64;

/// The first request of the warm-up: more than are ever counted, and still a number that JSON readers keep exact.
pub(crate) const WARM_UP: RequestId = 1 << 40;

/// The first response that never ends.
pub(crate) const STREAMS: RequestId = 1 << 41;

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
        plan: Box<Plan>,
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
    /// The path that a new connection would take is dead: it was accepted, and nothing else.
    Doomed {
        /// When.
        at: u64,
        /// Which.
        wire: WireId,
    },
    /// The origin has done its part of a dial: TCP and TLS.
    Dialled {
        /// When.
        at: u64,
        /// Which.
        wire: WireId,
    },
    /// A wire that was not cut has ended; or the contestant has closed one that was.
    Closed {
        /// When.
        at: u64,
        /// Which.
        wire: WireId,
        /// Who began.
        by: Side,
    },
    /// The origin saw a request.
    Seen {
        /// When.
        at: u64,
        /// The request.
        request: RequestId,
        /// The wire it came in by.
        wire: WireId,
        /// How it came.
        method: Method,
    },
    /// The origin said GOAWAY.
    Goaway {
        /// When.
        at: u64,
        /// To whom.
        wire: WireId,
        /// RFC 9113, section 7: 0 for a farewell, 11 for `ENHANCE_YOUR_CALM`.
        code: u32,
        /// For a human.
        words: String,
    },
    /// A response that never ends was asked for, or has ended after all.
    Stream {
        /// When.
        at: u64,
        /// Its number.
        request: RequestId,
        /// How it ended, if this is its end.
        outcome: Option<Outcome>,
    },
    /// The origin began to answer a response that never ends.
    Streaming {
        /// When.
        at: u64,
        /// Its number.
        request: RequestId,
        /// The wire it goes by.
        wire: WireId,
    },
    /// How much memory the contestant takes.
    Memory {
        /// When.
        at: u64,
        /// Of it in main memory, KiB (`VmRSS`).
        resident_kib: u64,
        /// The most of it ever (`VmHWM`).
        peak_kib: u64,
    },
    /// A cut was due.
    Cut {
        /// When.
        at: u64,
        /// The request whose `go` was written right before.
        request: RequestId,
        /// The wires that were cut; none if none was live.
        wires: Vec<WireId>,
        /// What was done to it.
        fault: Fault,
        /// Requests under way at that moment: `go` written, no `done` read.
        outstanding: Vec<RequestId>,
    },
    /// A counted request ended.
    Request {
        /// Which.
        request: RequestId,
        /// When it was to start; only in an open loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<u64>,
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
    /// The last counted request has ended: what follows does not count.
    Over {
        /// When.
        at: u64,
        /// PINGs of the contestant that the lab has seen: all of its turn.
        pings: u64,
        /// Streams that it reset.
        resets: u64,
        /// How late the lab itself was.
        lateness: Lateness,
        /// How many requests had become due; only in an open loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offered: Option<u64>,
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

/// One of the two ends of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The contestant's.
    Client,
    /// The origin's, or the lab's in its place.
    Origin,
}

impl Side {
    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Side::Client => Side::Origin,
            Side::Origin => Side::Client,
        }
    }
}

/// How late the lab's own tasks were while it counted: no figure can be finer than that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lateness {
    /// 99th percentile of a heartbeat's lateness, µs.
    pub(crate) p99_us: u64,
    /// The worst of it.
    pub(crate) max_us: u64,
    /// Processor time that the machine's host kept for itself, in parts of 1,000 of all; `None` where nothing says so.
    pub(crate) steal_per_mille: Option<u64>,
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
