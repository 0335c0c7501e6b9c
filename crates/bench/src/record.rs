//! What one measurement was asked to do, and what it found.
//!
//! Invariant: everything the report says is in the records; they are written after each measurement, so that what fails
//! later loses nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::contestant::Contestant;
use crate::rows::{Wire, Work};

/// What a process is asked to measure. The Go program reads it too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) contestant: Contestant,
    pub(crate) wire: Wire,
    #[serde(flatten)]
    pub(crate) work: Work,
    pub(crate) address: SocketAddr,
    /// The certificate to trust, PEM.
    pub(crate) authority: PathBuf,
    pub(crate) threads: usize,
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    /// Of each request of a bulk row.
    pub(crate) bytes_each: u64,
}

/// What it found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) user: f64,
    pub(crate) system: f64,
    /// In microseconds.
    pub(crate) latency: Option<Latency>,
    /// At the most, in KiB.
    pub(crate) peak_kib: u64,
    /// Of one connection or request, in KiB.
    pub(crate) each_kib: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// A line of `records.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub(crate) enum Record {
    /// The first: where and how.
    Run {
        machine: String,
        rounds: u32,
        seconds: f64,
        warm_up: f64,
        size_mib: u64,
    },
    /// A row begins, on this server.
    Row {
        row: String,
        server: String,
    },
    Measured {
        row: String,
        round: u32,
        contestant: Contestant,
        measurement: Measurement,
    },
    /// Without a contestant: nobody could run.
    Skipped {
        row: String,
        contestant: Option<Contestant>,
        why: String,
    },
}
