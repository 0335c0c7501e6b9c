//! Errors that blame and advise: who, in which phase, was it sent, what was tried.
//!
//! Invariant: an [`Error`] ends exactly one request, and [`Error::sent`] is [`Sent::Never`] only if no server can
//! have acted on it. Next: [`crate::origin`], which knows all of this about a request.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use outlive_core::FailReason;

use crate::name::OriginName;
use crate::outgoing::BoxError;

/// Why a request failed.
pub struct Error(Box<Report>);

struct Report {
    kind: ErrorKind,
    sent: Sent,
    origin: Option<OriginName>,
    attempts: Vec<Attempt>,
    source: Option<Source>,
}

/// Whom to blame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller: the request can't be sent as it is.
    Request,
    /// The caller: a client can't be built like this.
    Settings,
    /// The network or the server: no connection could be opened.
    Dial,
    /// The server's or the client's certificates: the TLS handshake failed.
    Tls,
    /// The network: the connection fell silent, did not answer when asked, and was declared dead.
    Silent,
    /// The network or the server: the connection ended under the request.
    Lost,
    /// The server: it refused the request unprocessed, and it could not be sent again.
    Refused,
    /// The server: it reset the request or broke the protocol.
    Peer,
    /// The caller: its request body failed.
    Body,
    /// The caller's timeout passed, in this phase.
    Timeout(Phase),
    /// This client: too many requests were waiting.
    Limit,
    /// The caller: it is shutting this client down.
    Shutdown,
}

/// How far a request had come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// It was waiting for a connection.
    Connection,
    /// It was sent, and the response's head had not arrived.
    Response,
    /// The response's body was arriving.
    Body,
}

/// Whether a server may have acted on a request that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// No: it can be sent again without risk, whatever its method.
    Never,
    /// It may have been processed, once at most.
    Maybe,
}

/// One sending of a request, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    pub(crate) connection: u64,
    pub(crate) age: Duration,
    pub(crate) fate: Fate,
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

/// A timeout of the caller's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elapsed {
    pub(crate) limit: Duration,
    /// Whether it is that of the whole request, or that of the phase.
    pub(crate) whole: bool,
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.whole { "the whole request" } else { "this phase" };
        write!(f, "the limit for {of} is {:?}", self.limit)
    }
}

impl StdError for Elapsed {}

/// An error of a crate below, shared where one event fails many requests.
pub(crate) enum Source {
    Own(BoxError),
    Shared(Arc<dyn StdError + Send + Sync>),
}

/// Why a connection ended, as far as its task knows: whom to blame, and the error.
#[derive(Clone)]
pub(crate) struct Cause {
    pub(crate) kind: ErrorKind,
    pub(crate) error: Arc<dyn StdError + Send + Sync>,
}

impl Error {
    /// Whom to blame.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a server may have acted on the request.
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// The sendings of the request, oldest first.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// Whether the caller's timeout ended the request.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout(_))
    }

    /// A request that was not even tried.
    pub(crate) fn request(why: impl Into<BoxError>) -> Self {
        Self::new(ErrorKind::Request, Sent::Never).because(Source::Own(why.into()))
    }

    /// A client that could not be built.
    pub(crate) fn settings(why: impl Into<BoxError>) -> Self {
        Self::new(ErrorKind::Settings, Sent::Never).because(Source::Own(why.into()))
    }

    /// A request that came when the client takes none any more.
    pub(crate) fn shutdown() -> Self {
        Self::new(ErrorKind::Shutdown, Sent::Never)
    }

    pub(crate) fn new(kind: ErrorKind, sent: Sent) -> Self {
        Self(Box::new(Report { kind, sent, origin: None, attempts: Vec::new(), source: None }))
    }

    pub(crate) fn because(mut self, source: impl Into<Option<Source>>) -> Self {
        self.0.source = source.into();
        self
    }

    pub(crate) fn at(mut self, origin: &OriginName) -> Self {
        self.0.origin = Some(origin.clone());
        self
    }

    pub(crate) fn after(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }
}

impl Attempt {
    /// A number for the connection it went to, unique within its origin; the same number is the same connection.
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// How old the connection was when the request was sent on it.
    pub fn connection_age(&self) -> Duration {
        self.age
    }

    /// How the attempt ended.
    pub fn fate(&self) -> Fate {
        self.fate
    }
}

impl ErrorKind {
    /// The blame in the pool's verdict. `seen` is what the glue saw itself, where the pool only knows that it failed.
    pub(crate) fn of(why: FailReason, seen: Option<Self>) -> Self {
        match why {
            FailReason::Dial => seen.unwrap_or(Self::Dial),
            FailReason::Silent => Self::Silent,
            FailReason::Lost => seen.unwrap_or(Self::Lost),
            FailReason::Refused => Self::Refused,
            FailReason::Failed => seen.unwrap_or(Self::Peer),
            FailReason::Queue | FailReason::Wait => Self::Limit,
        }
    }

    fn blame_and_advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("the request can't be sent", "change it as the source says"),
            Self::Settings => ("the client can't be built like this", "change what its builder was told"),
            Self::Dial => {
                ("no connection could be opened", "check the address, and whether the server is up")
            }
            Self::Tls => {
                ("the TLS handshake failed", "check the certificates and the roots this client trusts")
            }
            Self::Silent => ("the connection fell silent and is dead", "the next request uses another"),
            Self::Lost => ("the connection ended under the request", "the next request uses another"),
            Self::Refused => ("the server refused the request unprocessed", "it can be sent again later"),
            Self::Peer => ("the server reset the request or broke the protocol", "ask the server's log"),
            Self::Body => ("the request's body failed", "see the source, which is the body's own error"),
            Self::Timeout(Phase::Connection) => {
                ("the timeout passed before a connection was ready", "check the network, or allow more time")
            }
            Self::Timeout(Phase::Response) => {
                ("the timeout passed before the response began", "check the server, or allow more time")
            }
            Self::Timeout(Phase::Body) => {
                ("the timeout passed before the response ended", "check the server, or allow more time")
            }
            Self::Limit => ("too many requests are waiting for this origin", "send fewer at a time"),
            Self::Shutdown => ("this client is being shut down", "send it with another client"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (blame, advice) = self.0.kind.blame_and_advice();
        if let Some(origin) = &self.0.origin {
            write!(f, "{origin}: ")?;
        }
        let sent = match self.0.sent {
            Sent::Never => "the request was not processed",
            Sent::Maybe => "the request may have been processed",
        };
        write!(f, "{blame}; {sent}: {advice}")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { kind, sent, origin, attempts, source: _ } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("sent", sent)
            .field("origin", &origin.as_ref().map(ToString::to_string))
            .field("attempts", attempts)
            .field("source", &self.source())
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.0.source.as_ref()? {
            Source::Own(error) => Some(&**error),
            Source::Shared(error) => Some(&**error),
        }
    }
}
