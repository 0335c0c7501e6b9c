//! What was meant: the builder's choices, checked and complete, and the numbers nobody chooses.
//!
//! Every limit of the glue stands here with its reason; the pool's own limits are the core's. Invariant: settings
//! never change once a client is built. Next: [`crate::Builder`], which makes them.

use std::sync::Arc;
use std::time::Duration;

use outlive_core::Limits;

use crate::deadline::Timeouts;
use crate::pool_limits::{self, PoolLimits};
use crate::rescue::Rescue;
use crate::seeing::Observer;

/// Which versions of HTTP a client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// `https`: HTTP/2 where the server offers it in the TLS handshake (ALPN), HTTP/1.1 elsewhere.
    /// `http`: HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; over `http`, without asking first ("prior knowledge").
    Http2,
}

/// Chooses among origins by their names, such as `https://example.com:443`.
pub(crate) type Choice = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The choices of one client.
pub(crate) struct Settings {
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) protocol: Protocol,
    pub(crate) max_streams: u32,
    pub(crate) timeouts: Timeouts,
    pub(crate) rescue: Rescue,
    /// Chooses the origins whose facts and decisions are written down.
    pub(crate) traced: Option<Choice>,
    pub(crate) pool: PoolLimits,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
}

/// RFC 9113 section 6.5.2 recommends that servers allow at least this many, and most allow it or more.
pub(crate) const MAX_STREAMS: u32 = 100;

/// A dial that takes longer than this is a failure; a lost SYN alone is sent again after 1, 3 and 7 s.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than the idle limits of most servers and balancers would be 60 s and less, but each new connection costs
/// a handshake; a connection that was closed meanwhile is noticed before it is used.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// What one response may have under way to us: 2 MiB carry 160 Mbit/s at a round trip of 100 ms.
pub(crate) const STREAM_WINDOW: u32 = 2 << 20;

/// What all responses of one connection may have under way together: four full streams, so that one response that
/// its caller does not read cannot stop the others.
pub(crate) const CONNECTION_WINDOW: u32 = 8 << 20;

/// Larger response heads are refused. Servers' own limits lie between 8 and 32 KiB.
pub(crate) const MAX_HEADER_LIST: u32 = 64 << 10;

/// Reset streams that h2 remembers, to tell their late frames from a protocol error.
pub(crate) const REMEMBERED_RESETS: usize = 256;

/// How long a connection that is closed with no hurry may take to say goodbye.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);

impl Settings {
    /// The core's limits for an origin of this scheme.
    pub(crate) fn limits(&self, https: bool) -> Limits {
        let streams_expected = match self.protocol {
            Protocol::Http1 => Some(1),
            Protocol::Http2 => Some(self.max_streams.min(MAX_STREAMS)),
            Protocol::Auto if https => None,
            Protocol::Auto => Some(1),
        };
        let idle = pool_limits::span(self.idle_timeout);
        self.pool.over(Limits { idle, streams_expected, ..Limits::default() })
    }
}
