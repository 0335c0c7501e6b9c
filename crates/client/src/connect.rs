//! What connections are carried by, when not by our own TCP: a Unix socket, or a hook of the caller's.
//!
//! Invariant: every type of the hook can be named, so it can be wrapped, stored and handed on. Next:
//! [`crate::connection`], whose dial calls it.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::outgoing::BoxError;

/// What bytes are carried by: anything that reads and writes.
pub trait Carrier: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Carrier for T {}

/// The same, whatever its type.
pub type Transport = Box<dyn Carrier>;

/// A connection being opened: what [`Connect::connect`] returns.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = Result<Transport, BoxError>> + Send + 'a>>;

/// Opens what connections are carried by, in place of TCP: [`crate::Builder::connector`].
///
/// TLS and HTTP happen on top of what it opens. Each call belongs to the pool, not to a request: it ends by itself, by
/// the client's timeouts, or because the pool calls it off (then the future is dropped).
///
/// ```
/// /// Everything leads through the same gateway.
/// struct Gateway;
///
/// impl outlive::Connect for Gateway {
///     fn connect<'a>(&'a self, _to: &'a outlive::Destination) -> outlive::Connecting<'a> {
///         Box::pin(async { Ok(Box::new(tokio::net::TcpStream::connect("127.0.0.1:8080").await?) as _) })
///     }
/// }
///
/// let client = outlive::Client::builder().connector(Gateway).build();
/// ```
pub trait Connect: Send + Sync + 'static {
    /// Opens a connection to a host.
    fn connect<'a>(&'a self, to: &'a Destination) -> Connecting<'a>;

    /// Whether names are to be resolved first; each call then gets one of the name's addresses. Default: no.
    fn needs_address(&self) -> bool {
        false
    }
}

impl<C: Connect + ?Sized> Connect for Arc<C> {
    fn connect<'a>(&'a self, to: &'a Destination) -> Connecting<'a> {
        (**self).connect(to)
    }

    fn needs_address(&self) -> bool {
        (**self).needs_address()
    }
}

/// Where a connection is to lead: the origin's host, or that of the proxy in front of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
    pub(crate) address: Option<SocketAddr>,
}

impl Destination {
    /// The host, in lower case: a name or an IP address (IPv6 without brackets).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address that the pool chose, if the hook asked for one: [`Connect::needs_address`].
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// How a client opens connections.
#[derive(Clone, Default)]
pub(crate) enum Means {
    #[default]
    Tcp,
    #[cfg(unix)]
    Unix(Arc<std::path::Path>),
    Hook(Arc<dyn Connect>),
}

impl Means {
    /// Whether it goes to an address.
    pub(crate) fn needs_address(&self) -> bool {
        match self {
            Self::Tcp => true,
            #[cfg(unix)]
            Self::Unix(_) => false,
            Self::Hook(hook) => hook.needs_address(),
        }
    }
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("Tcp"),
            #[cfg(unix)]
            Self::Unix(path) => f.debug_tuple("Unix").field(path).finish(),
            Self::Hook(_) => f.write_str("Hook"),
        }
    }
}
