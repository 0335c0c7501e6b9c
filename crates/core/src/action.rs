//! Decisions: what the pool wants done.
//!
//! The glue carries them out in order, at once, and reports what comes of it as facts ([`crate::Event`]).

use core::fmt;

use crate::{AddressId, AttemptId, ConnectionId, RequestId};

/// A decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Open a connection to the origin. Ends in exactly one `Connected` or `DialFailed` (or is called off by
    /// `Close`). The dial belongs to the pool: no caller's giving up ends it.
    Dial {
        /// The name the connection has from now to its end.
        connection: ConnectionId,
        /// Where to, if the pool was told of addresses. `None` where it was not: a glue that resolves names resolves this one
        /// now, tells the addresses, and then that this dial failed, upon which the pool dials one of them.
        address: Option<AddressId>,
    },
    /// Send this request on this connection. It may be out elsewhere at the same time: then this is a rescue, the first
    /// answer wins, and the pool abandons the other. Sends on one connection must reach its wire in the order in which
    /// they were decided: proof of a later one is then proof of all earlier ones.
    Send {
        /// The request.
        request: RequestId,
        /// The name of this sending of it.
        attempt: AttemptId,
        /// Where to.
        connection: ConnectionId,
    },
    /// Forget this attempt, whose caller gave up or has another's answer, and tell the peer (HTTP/2 `RST_STREAM` with `CANCEL`). Until then
    /// the glue must not reset the stream, for a reset that meets a dead or struggling connection only does harm.
    Abandon {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Ask for proof of life, behind everything that was sent before.
    Probe {
        /// The connection.
        connection: ConnectionId,
        /// What to ask with.
        by: ProbeKind,
    },
    /// Nothing to carry out, worth telling: this connection is suspect now and gets no new request.
    Suspect {
        /// The connection.
        connection: ConnectionId,
    },
    /// Nothing to carry out, worth telling: this suspect proved that it is alive.
    Clear {
        /// The connection.
        connection: ConnectionId,
    },
    /// Nothing to carry out, worth telling: this connection gets no new requests and is closed when the last has ended.
    Drain {
        /// The connection.
        connection: ConnectionId,
        /// The reason.
        why: DrainReason,
    },
    /// Close the connection (or call its dial off) now. Every request on it has had, or gets in the same list of
    /// decisions, its own fate. No fact about it is expected any more.
    Close {
        /// The connection.
        connection: ConnectionId,
        /// The reason.
        why: CloseReason,
    },
    /// Tell the caller that its request failed. What is still out for it is forgotten.
    Fail {
        /// The request.
        request: RequestId,
        /// The reason.
        why: FailReason,
    },
}

/// What the peer is asked with. It must answer either (RFC 9113, sections 6.5.3 and 6.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeKind {
    /// A PING. Cheap, and counted by servers that resent being asked.
    Ping,
    /// A SETTINGS frame that changes nothing that matters. For when PINGs are used up.
    Settings,
}

/// Why a connection is drained by the pool's own decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DrainReason {
    /// It answers probes and no requests, while another connection answers them.
    Stalled,
    /// It has reached its maximum age.
    Aged,
}

/// Why a connection was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// Silent, although asked, for longer than retransmissions explain.
    Dead,
    /// Its only stream was given up (HTTP/1.1 has no way to take back a request).
    GivenUp,
    /// It was to take no new requests (the peer's GOAWAY, its age, its stall), and the last one has ended or been given up.
    Drained,
    /// Unused for longer than the idle limit.
    Idle,
    /// A dial whose place another takes: it was late.
    Surplus,
}

/// Why a request failed, as far as the pool knows. The glue adds what it saw itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailReason {
    /// No connection could be opened.
    Dial,
    /// No connection could be opened in time.
    Overdue,
    /// Its connection was silent until it was declared dead. The request may have been processed.
    Silent,
    /// Its connection ended under it. The request may have been processed.
    Lost,
    /// Nobody processed it, but it could not be sent again, or had been refused too often.
    Refused,
    /// The peer reset its stream. The request may have been processed.
    Reset,
    /// The exchange itself failed (its response can't be understood, say). The request may have been processed.
    Failed,
    /// Too many requests were waiting.
    Queue,
    /// It waited for a connection longer than the limit.
    Wait,
}

impl CloseReason {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Dead, Self::GivenUp, Self::Drained, Self::Idle, Self::Surplus];
}

impl FailReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Dial,
        Self::Overdue,
        Self::Silent,
        Self::Lost,
        Self::Refused,
        Self::Reset,
        Self::Failed,
        Self::Queue,
        Self::Wait,
    ];
}

impl DrainReason {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Stalled, Self::Aged];
}

impl fmt::Display for DrainReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stalled => "stalled",
            Self::Aged => "aged",
        })
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dead => "dead",
            Self::GivenUp => "given-up",
            Self::Drained => "drained",
            Self::Idle => "idle",
            Self::Surplus => "surplus",
        })
    }
}

impl fmt::Display for FailReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dial => "dial",
            Self::Overdue => "overdue",
            Self::Silent => "silent",
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Failed => "failed",
            Self::Queue => "queue",
            Self::Wait => "wait",
        })
    }
}
