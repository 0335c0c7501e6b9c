//! Who races, and where.
//!
//! Next: `clients/`, for those that are Rust libraries; `process.rs` starts the others.

use serde::{Deserialize, Serialize};

use crate::rows::{Row, Wire, Work};

/// One client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contestant {
    Outlive,
    /// h2 by itself: no pool, no origin, no protection. What HTTP/2 costs at least, in this stack.
    RawH2,
    /// hyper-util's client, on which reqwest and others are built.
    HyperUtil,
    Reqwest,
    /// Go's net/http.
    Go,
    /// nghttp2's load generator: what C does when nothing is asked of it.
    H2load,
}

pub(crate) const ALL: [Contestant; 6] = [
    Contestant::Outlive,
    Contestant::RawH2,
    Contestant::HyperUtil,
    Contestant::Reqwest,
    Contestant::Go,
    Contestant::H2load,
];

impl Contestant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Outlive => "outlive",
            Self::RawH2 => "raw-h2",
            Self::HyperUtil => "hyper-util",
            Self::Reqwest => "reqwest",
            Self::Go => "go",
            Self::H2load => "h2load",
        }
    }

    /// Why it does not take part in a row, if so.
    pub(crate) fn declines(self, row: &Row) -> Option<&'static str> {
        match (self, row.wire) {
            (Self::RawH2, Wire::Http1) => return Some("it speaks HTTP/2 only"),
            (Self::H2load, Wire::Http1) => {
                return Some("it opens one connection for each that it is told of");
            }
            _ => {}
        }
        match (self, row.work) {
            (Self::H2load, Work::Small { origins, .. }) if origins > 1 => Some("it knows one origin"),
            (Self::H2load, Work::Upload { .. }) => Some("it keeps its upload in one piece"),
            (Self::H2load | Self::Go, Work::Idle { .. } | Work::InFlight { .. }) => {
                Some("memory is compared among those with the same allocator")
            }
            _ => None,
        }
    }
}
