//! One sending of a request, as its caller is told of it: in errors, and with responses that took more than one.
//!
//! Invariant: what an attempt says of its connection is what was known when the attempt, or the request, ended. Next:
//! [`crate::Error::attempts`].

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::kernel::{Kernel, Silence};
use crate::reason::Reason;

/// One sending of a request, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    pub(crate) connection: u64,
    pub(crate) age: Duration,
    pub(crate) fate: Fate,
    /// Of one that is out and has not been asked about, nothing yet.
    pub(crate) testimony: Option<Box<Testimony>>,
}

/// What is known of the connection of an attempt that ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Testimony {
    pub(crate) address: Option<SocketAddr>,
    /// How long ago it last proved that it was alive.
    pub(crate) proven: Option<Duration>,
    pub(crate) reason: Option<Reason>,
    /// What its silence is put down to, if that is the reason, or it could not be asked.
    pub(crate) silence: Option<Silence>,
    pub(crate) kernel: Option<Kernel>,
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fate {
    /// Nobody processed it: it was never written, or the server said so.
    Refused,
    /// It failed, and may have been processed.
    Failed,
    /// Its connection ended, or was closed as dead; it may have been processed.
    Lost,
    /// It brought the answer.
    Answered,
    /// Another attempt brought the answer; it may have been processed.
    LeftBehind,
    /// It was still out when the request ended.
    Out,
}

/// What a request was sent as, where it was sent more than once: an extension of the response.
///
/// ```
/// # fn example(response: &http::Response<outlive::ResponseBody>) {
/// if let Some(outlive::Attempts(attempts)) = response.extensions().get() {
///     println!("rescued: {attempts:?}");
/// }
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempts(
    /// The one whose [`Attempt::fate`] is [`Fate::Answered`] brought the response.
    pub Vec<Attempt>,
);

impl Attempt {
    /// A number for the connection it went to, unique within its origin; the same number is the same connection.
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// How old the connection was when the request was sent on it.
    pub fn connection_age(&self) -> Duration {
        self.age
    }

    fn testimony(&self) -> Testimony {
        self.testimony.as_deref().copied().unwrap_or_default()
    }

    /// The address at the other end of the connection, where there is one and it is known.
    pub fn connection_address(&self) -> Option<SocketAddr> {
        self.testimony().address
    }

    /// How long before the attempt ended its connection had last proven that it was alive; `None` if it never had. (An
    /// attempt that ends with its request, [`Fate::Out`] or [`Fate::LeftBehind`], ends then.)
    pub fn last_proven(&self) -> Option<Duration> {
        self.testimony().proven
    }

    /// Why its connection was left alone at that moment, if it was.
    pub fn reason(&self) -> Option<Reason> {
        self.testimony().reason
    }

    /// What its connection's silence is put down to, where it was left for it and the kernel knows (Linux). Of HTTP/1.1, which can't
    /// ask a peer for proof of life, only a dead path is told.
    pub fn silence(&self) -> Option<Silence> {
        self.testimony().silence
    }

    /// What the kernel knew of its connection when it was last asked (Linux): where the connection was in doubt, or the attempt
    /// failed over HTTP/1.1. It is not asked for each request.
    pub fn kernel(&self) -> Option<Kernel> {
        self.testimony().kernel
    }

    /// How the attempt ended.
    pub fn fate(&self) -> Fate {
        self.fate
    }
}

impl Fate {
    /// A stable name in `snake_case`, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Answered => "answered",
            Self::LeftBehind => "left_behind",
            Self::Out => "out",
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.connection)?;
        let Testimony { address, proven, reason, silence, kernel } = self.testimony();
        if let Some(address) = address {
            write!(f, " to {address}")?;
        }
        write!(f, ", {:?} old", self.age)?;
        match proven {
            Some(ago) => write!(f, ", last proven {ago:?} before the end")?,
            None => f.write_str(", never proven")?,
        }
        if let Some(reason) = reason {
            write!(f, ", {reason}")?;
        }
        if let Some(silence) = silence {
            write!(f, ", {silence}")?;
        }
        if let Some(Kernel { unacked, retransmits, last_ack, .. }) = kernel {
            write!(f, " ({unacked} unacked, {retransmits} sent again, last ack {last_ack:?} ago)")?;
        }
        write!(f, ": {}", self.fate.as_str())
    }
}
