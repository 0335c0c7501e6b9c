//! Why a dial failed: in which step, by whose error.
//!
//! Invariant: no proxy's login is in it. Next: [`crate::error`], where it becomes the source of a request's error.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::error::{ErrorKind, Phase, telling};
use crate::outgoing::BoxError;

/// Why a dial failed.
#[derive(Debug)]
pub(crate) struct DialError {
    step: Step,
    source: Option<BoxError>,
}

/// What it was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Resolve,
    Connect,
    Proxy,
    Tls,
    Protocol,
    /// This took longer than it may.
    Timeout(Phase, Duration),
    CalledOff,
}

impl DialError {
    pub(crate) fn because(step: Step, source: impl Into<BoxError>) -> Self {
        Self { step, source: Some(source.into()) }
    }

    pub(super) fn of_address(address: SocketAddr, error: io::Error) -> Self {
        Self::because(Step::Connect, OfAddress { address, error })
    }

    pub(crate) fn timeout(phase: Phase, limit: Duration) -> Self {
        Self { step: Step::Timeout(phase, limit), source: None }
    }

    /// Its task ended before it did.
    pub(crate) fn called_off() -> Self {
        Self { step: Step::CalledOff, source: None }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self.step {
            Step::Resolve => ErrorKind::Resolve,
            Step::Connect | Step::Protocol | Step::CalledOff => ErrorKind::Dial,
            Step::Proxy => ErrorKind::Proxy,
            Step::Tls => ErrorKind::Tls,
            Step::Timeout(phase, _) => ErrorKind::Timeout(phase),
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Resolve => f.write_str("the host's name could not be resolved"),
            Step::Connect => f.write_str("no connection was accepted"),
            Step::Proxy => f.write_str("the proxy opened no way to the host"),
            Step::Tls => f.write_str("the TLS handshake failed"),
            Step::Protocol => f.write_str("no version of HTTP could be agreed on"),
            Step::Timeout(phase, limit) => {
                let what = match phase {
                    Phase::Resolve => "resolving the host's name",
                    Phase::Connect | Phase::Connection => "connecting",
                    Phase::Proxy => "the proxy's handshake",
                    Phase::Tls => "the TLS handshake",
                    Phase::Response | Phase::Body => "the response",
                };
                write!(f, "{what} was not done within {limit:?}")
            }
            Step::CalledOff => f.write_str("the dial was called off: the runtime it ran on has ended"),
        }
    }
}

impl StdError for DialError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| telling(&**source))
    }
}

/// Which address gave the error that is its source.
#[derive(Debug)]
struct OfAddress {
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for OfAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl StdError for OfAddress {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}
