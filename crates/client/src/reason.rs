//! Why a connection gets no new requests, or has ended: in errors, in snapshots and in events the same words.
//!
//! Invariant: the first reason that is more than doubt stays, for what follows is its consequence. Next:
//! [`crate::connection`], which keeps it.

use std::fmt;

use outlive_core::{CloseReason, DrainReason};

/// Why a connection gets no new requests, or has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// It is suspect: it owed an answer, was asked for proof of life, and gave none in time. Proof takes this back.
    Silent,
    /// It stayed silent beyond what retransmissions explain, and was closed.
    Dead,
    /// It answers probes and no requests, while another connection answers them.
    Stalled,
    /// It has reached its maximum age.
    Aged,
    /// The peer takes no new requests there (GOAWAY, `Connection: close`).
    GoAway,
    /// HTTP/1.1: its request was given up, and can't be taken back in another way.
    GivenUp,
    /// It was unused for too long.
    Idle,
    /// A dial whose place another took.
    Surplus,
    /// The dial failed.
    DialFailed,
    /// It was closed or reset by the peer, or broke.
    Lost,
    /// The client was shut down.
    Shutdown,
}

impl Reason {
    /// A stable name in `snake_case`, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Dead => "dead",
            Self::Stalled => "stalled",
            Self::Aged => "aged",
            Self::GoAway => "go_away",
            Self::GivenUp => "given_up",
            Self::Idle => "idle",
            Self::Surplus => "surplus",
            Self::DialFailed => "dial_failed",
            Self::Lost => "lost",
            Self::Shutdown => "shutdown",
        }
    }

    /// The pool's reason to drain.
    pub(crate) fn of_drain(why: DrainReason) -> Self {
        match why {
            DrainReason::Stalled => Self::Stalled,
            DrainReason::Aged => Self::Aged,
        }
    }

    /// The pool's reason to close; `None` where it is that for which the connection was drained.
    pub(crate) fn of_close(why: CloseReason) -> Option<Self> {
        match why {
            CloseReason::Dead => Some(Self::Dead),
            CloseReason::GivenUp => Some(Self::GivenUp),
            CloseReason::Drained => None,
            CloseReason::Idle => Some(Self::Idle),
            CloseReason::Surplus => Some(Self::Surplus),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
