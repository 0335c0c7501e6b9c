//! What can happen to connections and requests, as observers are told.
//!
//! Invariants: a connection's events are those of its [`Standing`], from `DialStarted` to exactly one of `DialFailed`,
//! `DialCalledOff` and `ConnectionClosed`; a request's begin with `RequestStarted` and end with exactly one of
//! `RequestDone`, `RequestFailed` and `RequestGivenUp`. Next: [`crate::Observer`].

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, Uri, Version};

use crate::error::{ErrorKind, Sent};
use crate::kernel::Silence;
use crate::reason::Reason;

/// Something that happened. Numbers of connections and requests are unique within their origin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A connection is being opened.
    DialStarted {
        /// The name that the connection keeps to its end.
        connection: u64,
    },
    /// It is open.
    DialSucceeded {
        /// Its name.
        connection: u64,
        /// How long opening it took: name, TCP, TLS.
        took: Duration,
        /// The version of HTTP that was agreed on.
        version: Version,
        /// The other end.
        address: Option<SocketAddr>,
    },
    /// It could not be opened.
    DialFailed {
        /// Its name.
        connection: u64,
        /// How long that took.
        took: Duration,
        /// Whom to blame.
        kind: ErrorKind,
        /// What happened.
        error: Arc<dyn StdError + Send + Sync>,
    },
    /// Its dial was called off.
    DialCalledOff {
        /// Its name.
        connection: u64,
        /// How long it had been dialled.
        took: Duration,
        /// Why.
        reason: Reason,
    },
    /// It owes an answer and is asked for proof of life.
    ConnectionAsked {
        /// Its name.
        connection: u64,
    },
    /// It gave no proof in time: it gets no new requests for now.
    ConnectionSuspect {
        /// Its name.
        connection: u64,
        /// What its silence is put down to, where the kernel knows already.
        silence: Option<Silence>,
    },
    /// The suspect proved that it is alive: a false alarm.
    ConnectionCleared {
        /// Its name.
        connection: u64,
        /// How long it had been suspect.
        after: Duration,
    },
    /// It gets no new requests any more.
    ConnectionDraining {
        /// Its name.
        connection: u64,
        /// What it was before.
        was: Standing,
        /// Why.
        reason: Reason,
    },
    /// It carries a request, and did not before.
    ConnectionActive {
        /// Its name.
        connection: u64,
    },
    /// It carries no request any more.
    ConnectionIdle {
        /// Its name.
        connection: u64,
    },
    /// It has ended.
    ConnectionClosed {
        /// Its name.
        connection: u64,
        /// What it was before.
        was: Standing,
        /// Whether it carried a request.
        was_active: bool,
        /// Why. Where it drained before, why it drained.
        reason: Reason,
        /// What its silence is put down to, where it was closed for it and the kernel knows.
        silence: Option<Silence>,
        /// How long it had been open.
        age: Duration,
        /// The version of HTTP that it spoke.
        version: Version,
        /// How many requests were sent on it.
        requests: u64,
        /// Bytes read, after decryption.
        bytes_in: u64,
        /// Bytes written, before encryption.
        bytes_out: u64,
    },
    /// A request came in: its future was polled for the first time.
    RequestStarted {
        /// The request.
        course: Course,
    },
    /// It was sent.
    RequestSent {
        /// The request.
        course: Course,
        /// The connection that carries it.
        connection: u64,
        /// Whether this was the first time.
        how: How,
    },
    /// The head of its response arrived.
    RequestAnswered {
        /// The request.
        course: Course,
        /// The connection that brought it.
        connection: u64,
    },
    /// Request and response are complete.
    RequestDone {
        /// The request.
        course: Course,
    },
    /// It failed.
    RequestFailed {
        /// The request.
        course: Course,
        /// Whom to blame.
        kind: ErrorKind,
        /// Whether a server may have acted on it.
        sent: Sent,
    },
    /// Its caller dropped the future of its response, or the body.
    RequestGivenUp {
        /// The request.
        course: Course,
    },
}

/// How a request has fared so far.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Course {
    /// A number for it, unique within its origin.
    pub request: u64,
    /// Its method.
    pub method: Method,
    /// Its URI. There may be secrets in the query.
    pub uri: Uri,
    /// How long ago it started.
    pub took: Duration,
    /// How often it was sent.
    pub attempts: u32,
    /// Its response's status, once there was one.
    pub status: Option<StatusCode>,
    /// The version of HTTP of its response, once there was one.
    pub version: Option<Version>,
}

/// Why a request is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum How {
    /// For the first time.
    First,
    /// Again, after all earlier attempts had failed.
    Retry,
    /// While an earlier attempt is still out.
    Rescue,
}

/// What a connection is good for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Standing {
    /// It is being opened.
    Dialling,
    /// It takes requests.
    Alive,
    /// It takes none, for it does not answer when asked.
    Suspect,
    /// It takes none any more.
    Draining,
}

impl How {
    /// A stable name in `snake_case`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::Rescue => "rescue",
        }
    }
}

impl Standing {
    /// A stable name in `snake_case`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dialling => "dialling",
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Draining => "draining",
        }
    }
}
