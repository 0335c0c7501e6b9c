//! Dial: resolve, connect, TLS, agree on a protocol.
//!
//! Invariant: a dial belongs to the pool; it ends by its own limit, never by a request's (promise P6). Next:
//! [`super::http1`] and [`super::http2`].

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::http1::Bytestream;
use super::{http1, http2};
use crate::clock::Clock;
use crate::error::{ErrorKind, telling};
use crate::meter::Meter;
use crate::name::OriginName;
use crate::outgoing::{BoxError, Outgoing};
use crate::settings::{self, Protocol, Settings};

/// What bytes are carried by, encrypted or not.
pub(crate) type Transport = Box<dyn Carrier>;

pub(crate) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

/// A connection that is ready, and not yet told of.
pub(super) enum Dialled {
    Http1(http1::Link, Box<hyper::client::conn::http1::Connection<Bytestream, Outgoing>>),
    Http2(http2::Link, Box<h2::client::Connection<Meter<Transport>, bytes::Bytes>>),
}

/// Why a dial failed.
#[derive(Debug)]
pub(crate) struct DialError {
    step: Step,
    source: Option<BoxError>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Resolve,
    Connect,
    Tls,
    Protocol,
    Timeout(Duration),
    CalledOff,
}

/// `reached` is told the address as soon as TCP has reached it.
pub(super) async fn dial(
    name: &OriginName,
    settings: &Settings,
    clock: Clock,
    reached: impl FnOnce(Option<SocketAddr>),
) -> Result<Dialled, DialError> {
    let limit = settings.connect_timeout;
    let dialled = timeout(limit, async {
        let tcp = connect(name, limit).await?;
        reached(tcp.peer_addr().ok());
        let (transport, http2) = secure(tcp, name, settings).await?;
        if http2 { open_http2(transport, settings, clock).await } else { open_http1(transport, clock).await }
    });
    dialled.await.unwrap_or(Err(DialError { step: Step::Timeout(limit), source: None }))
}

/// Tries each address in turn; each gets its share of the time that is left.
async fn connect(name: &OriginName, limit: Duration) -> Result<TcpStream, DialError> {
    let begun = Instant::now();
    let resolved = tokio::net::lookup_host((name.host(), name.port())).await;
    let addresses: Vec<SocketAddr> = resolved.map_err(|error| DialError::at(Step::Resolve, error))?.collect();
    let mut last = DialError::at(Step::Resolve, io::Error::other("the name has no address"));
    for (tried, address) in addresses.iter().enumerate() {
        let left = limit.saturating_sub(begun.elapsed());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        last = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Requests are small and must not wait for each other's ACKs.
                tcp.set_nodelay(true).map_err(|error| DialError::at(Step::Connect, error))?;
                return Ok(tcp);
            }
            Ok(Err(error)) => DialError::at(Step::Connect, OfAddress { address: *address, error }),
            Err(_) => DialError {
                step: Step::Connect,
                source: Some(OfAddress { address: *address, error: io::ErrorKind::TimedOut.into() }.into()),
            },
        };
    }
    Err(last)
}

/// Encrypts where the scheme says so; tells whether HTTP/2 is to be spoken.
async fn secure(
    tcp: TcpStream,
    name: &OriginName,
    settings: &Settings,
) -> Result<(Transport, bool), DialError> {
    if !name.is_https() {
        return Ok((Box::new(tcp), settings.protocol == Protocol::Http2));
    }
    let server =
        ServerName::try_from(name.host().to_owned()).map_err(|error| DialError::at(Step::Tls, error))?;
    let connector = TlsConnector::from(Arc::clone(&settings.tls));
    let tls = connector.connect(server, tcp).await.map_err(|error| DialError::at(step_of(&error), error))?;
    let agreed_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    if settings.protocol == Protocol::Http2 && !agreed_http2 {
        let error = io::Error::other("the server does not offer HTTP/2 (ALPN)");
        return Err(DialError::at(Step::Protocol, error));
    }
    Ok((Box::new(tls), agreed_http2))
}

/// What a failed handshake failed at: trust, or, when the server says so, the protocols that were offered (RFC 7301).
fn step_of(error: &io::Error) -> Step {
    let refused = rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol);
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) if *error == refused => Step::Protocol,
        Some(_) | None => Step::Tls,
    }
}

async fn open_http1(transport: Transport, clock: Clock) -> Result<Dialled, DialError> {
    let meter = Meter::http1(transport, clock);
    let gauge = meter.gauge();
    let opened = hyper::client::conn::http1::handshake(TokioIo::new(meter)).await;
    let (sender, connection) = opened.map_err(|error| DialError::at(Step::Protocol, error))?;
    Ok(Dialled::Http1(http1::Link::new(sender, gauge), Box::new(connection)))
}

async fn open_http2(transport: Transport, settings: &Settings, clock: Clock) -> Result<Dialled, DialError> {
    let meter = Meter::http2(transport, clock);
    let gauge = meter.gauge();
    let opened = h2::client::Builder::new()
        .initial_window_size(settings::STREAM_WINDOW)
        .initial_connection_window_size(settings::CONNECTION_WINDOW)
        .max_header_list_size(settings::MAX_HEADER_LIST)
        .max_concurrent_reset_streams(settings::REMEMBERED_RESETS)
        .initial_max_send_streams(settings.max_streams.min(settings::MAX_STREAMS) as usize)
        .enable_push(false)
        .handshake(meter)
        .await;
    let (sender, connection) = opened.map_err(|error| DialError::at(Step::Protocol, error))?;
    Ok(Dialled::Http2(http2::Link::new(sender, gauge), Box::new(connection)))
}

impl DialError {
    fn at(step: Step, source: impl Into<BoxError>) -> Self {
        Self { step, source: Some(source.into()) }
    }

    /// Its task ended before it did.
    pub(crate) fn called_off() -> Self {
        Self { step: Step::CalledOff, source: None }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self.step {
            Step::Tls => ErrorKind::Tls,
            Step::Resolve | Step::Connect | Step::Protocol | Step::Timeout(_) | Step::CalledOff => {
                ErrorKind::Dial
            }
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Resolve => f.write_str("the host's name could not be resolved"),
            Step::Connect => f.write_str("no address of the host accepted a connection"),
            Step::Tls => f.write_str("the TLS handshake failed"),
            Step::Protocol => f.write_str("no version of HTTP could be agreed on"),
            Step::Timeout(limit) => write!(f, "the dial took longer than {limit:?}"),
            Step::CalledOff => f.write_str("the dial was called off: the runtime it ran on has ended"),
        }
    }
}

impl StdError for DialError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| telling(&**source))
    }
}

/// An error, and the address that gave it.
#[derive(Debug)]
struct OfAddress {
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for OfAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.error)
    }
}

impl StdError for OfAddress {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}
