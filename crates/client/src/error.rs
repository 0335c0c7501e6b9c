//! Errors that blame and advise: who, in which phase, was it sent, what was tried.
//!
//! Invariant: an [`Error`] ends exactly one request, and [`Error::sent`] is [`Sent::Never`] only if no server can
//! have acted on it. Next: [`crate::origin`], which knows all of this about a request.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, Uri};
use outlive_core::FailReason;

use crate::attempt::Attempt;
use crate::kernel::Silence;
use crate::name::OriginName;
use crate::outgoing::BoxError;

/// Why a request failed.
pub struct Error(Box<Report>);

struct Report {
    kind: ErrorKind,
    sent: Sent,
    origin: Option<OriginName>,
    uri: Option<Uri>,
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
    /// The name service: the host's name could not be resolved.
    Resolve,
    /// The network or the server: no connection could be opened.
    Dial,
    /// The proxy: it could not be spoken with, or refused.
    Proxy,
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
    /// A timeout passed in this phase: the caller's for the request, or the client's for opening a connection.
    Timeout(Phase),
    /// This client: too many requests were waiting.
    Limit,
    /// The caller: it is shutting this client down.
    Shutdown,
    /// The server: it answered with this status. Only where the caller asked for it: `error_for_status`.
    Status(StatusCode),
    /// The server: its response's body is not what the caller wanted to make of it.
    Decode,
    /// The server: its response's body is larger than the caller allows.
    TooLarge,
    /// What the caller put around this client: a layer, whose own error is the source.
    Layer,
}

/// How far a request had come; of the connection that it needed, if it was that which took too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// It was waiting for a connection.
    Connection,
    /// The host's name was being resolved.
    Resolve,
    /// Its connection was being opened: TCP, or what stands in for it.
    Connect,
    /// The proxy was being spoken with.
    Proxy,
    /// The TLS handshake was under way.
    Tls,
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

/// Why the pool has no room for a request.
#[derive(Clone, Copy, Debug)]
enum Crowd {
    Queue,
    Wait,
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "as many requests as may are waiting for a connection (`max_waiting_requests`)",
            Self::Wait => "it has waited for a connection for as long as it may (`max_wait`)",
        })
    }
}

impl StdError for Crowd {}

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

    /// What the silence of the connection that was tried last is put down to, where that is what went wrong and the kernel knows:
    /// path dead, or peer stalled. See [`Attempt::silence`].
    pub fn silence(&self) -> Option<Silence> {
        self.0.attempts.last().and_then(Attempt::silence)
    }

    /// Whether a timeout ended the request: its own, or one of those for opening a connection.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout(_))
    }

    /// Whether no connection could be opened (in this crate's words: the dial failed).
    pub fn is_connect(&self) -> bool {
        match self.0.kind {
            ErrorKind::Resolve | ErrorKind::Dial | ErrorKind::Proxy | ErrorKind::Tls => true,
            ErrorKind::Timeout(phase) => {
                matches!(phase, Phase::Resolve | Phase::Connect | Phase::Proxy | Phase::Tls)
            }
            _ => false,
        }
    }

    /// Whether the request can't be sent as it is.
    pub fn is_request(&self) -> bool {
        self.0.kind == ErrorKind::Request
    }

    /// Whether a body is to blame: the request's own failed, or the response's is too large.
    pub fn is_body(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Body | ErrorKind::TooLarge)
    }

    /// Whether the response's body could not be decoded.
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }

    /// Whether the server's status is the error.
    pub fn is_status(&self) -> bool {
        self.status().is_some()
    }

    /// The status that is the error.
    pub fn status(&self) -> Option<StatusCode> {
        match self.0.kind {
            ErrorKind::Status(status) => Some(status),
            _ => None,
        }
    }

    /// The origin that the request was for, if it came that far.
    pub fn origin(&self) -> Option<&OriginName> {
        self.0.origin.as_ref()
    }

    /// The URI that the request was for, if it came that far. It may have secrets in its query; [`Display`](fmt::Display)
    /// shows the origin only.
    pub fn uri(&self) -> Option<&Uri> {
        self.0.uri.as_ref()
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
        Self(Box::new(Report { kind, sent, origin: None, uri: None, attempts: Vec::new(), source: None }))
    }

    pub(crate) fn because(mut self, source: impl Into<Option<Source>>) -> Self {
        self.0.source = source.into();
        self
    }

    pub(crate) fn at(mut self, origin: &OriginName) -> Self {
        self.0.origin = Some(origin.clone());
        self
    }

    pub(crate) fn about(mut self, uri: Uri) -> Self {
        self.0.uri = Some(uri);
        self
    }

    pub(crate) fn after(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }
}

impl Source {
    /// What is to be said of the pool's verdict where nothing went wrong elsewhere.
    pub(crate) fn of(why: FailReason) -> Option<Self> {
        let crowd = match why {
            FailReason::Queue => Crowd::Queue,
            FailReason::Wait => Crowd::Wait,
            FailReason::Dial
            | FailReason::Overdue
            | FailReason::Silent
            | FailReason::Lost
            | FailReason::Refused
            | FailReason::Reset
            | FailReason::Failed => return None,
        };
        Some(Self::Own(Box::new(crowd)))
    }
}

/// The error that others can make something of: h2's hides the I/O error it is made of, and that hides rustls'.
pub(crate) fn telling<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    if let Some(io) = error.downcast_ref::<h2::Error>().and_then(h2::Error::get_io) {
        return telling(io);
    }
    let within = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    within.and_then(|inner| inner.downcast_ref::<rustls::Error>()).map_or(error, |tls| tls as _)
}

impl ErrorKind {
    /// A stable name in `snake_case`, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Settings => "settings",
            Self::Resolve => "resolve",
            Self::Dial => "dial",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Silent => "silent",
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::Peer => "peer",
            Self::Body => "body",
            Self::Timeout(Phase::Connection) => "timeout_connection",
            Self::Timeout(Phase::Resolve) => "timeout_resolve",
            Self::Timeout(Phase::Connect) => "timeout_connect",
            Self::Timeout(Phase::Proxy) => "timeout_proxy",
            Self::Timeout(Phase::Tls) => "timeout_tls",
            Self::Timeout(Phase::Response) => "timeout_response",
            Self::Timeout(Phase::Body) => "timeout_body",
            Self::Limit => "limit",
            Self::Shutdown => "shutdown",
            Self::Status(_) => "status",
            Self::Decode => "decode",
            Self::TooLarge => "too_large",
            Self::Layer => "layer",
        }
    }

    /// The blame in the pool's verdict. `seen` is what the glue saw itself, where the pool only knows that it failed.
    pub(crate) fn of(why: FailReason, seen: Option<Self>) -> Self {
        match why {
            FailReason::Dial => seen.unwrap_or(Self::Dial),
            FailReason::Overdue => seen.unwrap_or(Self::Timeout(Phase::Connect)),
            FailReason::Silent => Self::Silent,
            FailReason::Lost => seen.unwrap_or(Self::Lost),
            // Not even written, for it can't be.
            FailReason::Refused => seen.filter(|seen| *seen == Self::Request).unwrap_or(Self::Refused),
            FailReason::Reset | FailReason::Failed => seen.unwrap_or(Self::Peer),
            FailReason::Queue | FailReason::Wait => Self::Limit,
        }
    }

    fn blame_and_advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("the request can't be sent", "change it as the source says"),
            Self::Settings => ("the client can't be built like this", "change what its builder was told"),
            Self::Resolve => {
                ("the host's name could not be resolved", "check the name, and the system's name servers")
            }
            Self::Dial => {
                ("no connection could be opened", "check the address, and whether the server is up")
            }
            Self::Proxy => {
                ("the proxy did not open a way", "check the proxy's address and its login, or go without it")
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
            Self::Timeout(Phase::Resolve) => {
                ("the name's resolution took too long", "check the system's name servers, or allow more time")
            }
            Self::Timeout(Phase::Connect) => {
                ("opening a connection took too long", "check the network, or allow more time")
            }
            Self::Timeout(Phase::Proxy) => ("the proxy took too long", "check the proxy, or allow more time"),
            Self::Timeout(Phase::Tls) => {
                ("the TLS handshake took too long", "check the server, or allow more time")
            }
            Self::Timeout(Phase::Response) => {
                ("the timeout passed before the response began", "check the server, or allow more time")
            }
            Self::Timeout(Phase::Body) => {
                ("the timeout passed before the response ended", "check the server, or allow more time")
            }
            Self::Limit => ("too many requests are waiting for this origin", "send fewer at a time"),
            Self::Shutdown => ("this client is being shut down", "send it with another client"),
            Self::Status(status) if status.is_server_error() => {
                ("the server answered with an error", "ask the server's log")
            }
            Self::Status(_) => ("the server answered with an error", "change the request"),
            Self::Decode => ("the response's body is not what was wanted", "see the source, and the server"),
            Self::TooLarge => ("the response's body is too large", "allow more, or read it piece by piece"),
            Self::Layer => {
                ("a layer around this client failed", "see the source, which is the layer's own error")
            }
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
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
        match self.0.kind {
            ErrorKind::Status(status) => write!(f, "{blame} ({status}): {advice}"),
            ErrorKind::Silent | ErrorKind::Timeout(Phase::Response | Phase::Body)
                if self.silence().is_some() =>
            {
                let (why, advice) = self.silence().map_or(("", advice), Silence::blame_and_advice);
                write!(f, "{blame} ({why}); {sent}: {advice}")
            }
            _ => write!(f, "{blame}; {sent}: {advice}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { kind, sent, origin, uri: _, attempts, source: _ } = &*self.0;
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
            Source::Own(error) => Some(telling(&**error)),
            Source::Shared(error) => Some(telling(&**error)),
        }
    }
}
