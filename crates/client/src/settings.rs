//! What was meant: the builder's choices, checked and complete, and the numbers nobody chooses.
//!
//! Every limit of the glue stands here with its reason; the pool's own limits are the core's. Invariant: settings
//! never change once a client is built. Next: [`crate::Builder`], which makes them.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use outlive_core::Limits;

use crate::connect::Means;
use crate::connection::{Phases, TcpKeepalive, TcpOptions};
use crate::deadline::Timeouts;
use crate::head_limits::HeadLimits;
use crate::pool_limits::{self, PoolLimits};
use crate::proxies::Proxies;
use crate::rescue::Rescue;
use crate::resolve::Names;
use crate::seeing::Observer;
use crate::tls::Tls;

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
    pub(crate) names: Names,
    pub(crate) means: Means,
    pub(crate) tcp: TcpOptions,
    pub(crate) proxies: Proxies,
    pub(crate) tls: Arc<Tls>,
    pub(crate) protocol: Protocol,
    pub(crate) max_streams: u32,
    pub(crate) timeouts: Timeouts,
    pub(crate) continue_wait: Duration,
    pub(crate) rescue: Rescue,
    /// Chooses the origins whose facts and decisions are written down.
    pub(crate) traced: Option<Choice>,
    pub(crate) pool: PoolLimits,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) phases: Phases,
    pub(crate) resolution_age: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) head: HeadLimits,
}

/// Requests that fail by the hundred on one dead connection ask the kernel about it no more often than this: it counts in
/// milliseconds itself.
pub(crate) const LOOK_AGAIN: outlive_core::Span = outlive_core::Span::from_millis(10);

/// RFC 9113 section 6.5.2 recommends that servers allow at least this many, and most allow it or more.
pub(crate) const MAX_STREAMS: u32 = 100;

/// A dial that takes longer than this is a failure; a lost SYN alone is sent again after 1, 3 and 7 s.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that takes no more bytes may need to give what came before that. A socket has it ready; a carrier of a
/// caller's own may not.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);

/// How much later than its decision a dial may start, for the system's certificates are read first, or the runtime is busy: so
/// much longer those who wait bear dialling in vain, so that a dial that ends by its own limit tells them why.
pub(crate) const DIAL_START: Duration = Duration::from_millis(100);

/// A name resolved longer ago than this is resolved again, in the background, at the next dial. Records are rarely
/// meant to live shorter: 30 s follows a failover soon, and costs a question per half minute of dialling.
pub(crate) const RESOLUTION_AGE: Duration = Duration::from_secs(30);

/// A dial that failed has the name resolved again, unless it was within this time: dials may fail in rows.
pub(crate) const RESOLUTION_REST: Duration = Duration::from_secs(1);

/// Addresses of one name that are used: half of what the pool keeps in mind (`Limits::addresses`), so that all of an
/// answer's fit in beside all of the last one's.
pub(crate) const MAX_ADDRESSES: usize = 32;

/// TCP keep-alive: the first probe after this silence, then one per interval, until so many went unanswered. Unused
/// connections that lost their path are then closed before somebody needs them; those in use the pool judges itself.
pub(crate) const KEEPALIVE: TcpKeepalive =
    TcpKeepalive { time: Duration::from_secs(15), interval: Duration::from_secs(15), retries: 3 };

/// Shorter than the idle limits of most servers and balancers would be 60 s and less, but each new connection costs
/// a handshake; a connection that was closed meanwhile is noticed before it is used.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// A limit of a connection's age below this would make dialling all that a client does: it may be old before it carries anything.
pub(crate) const AGE_LEAST: Duration = Duration::from_secs(1);

/// How much earlier than it says a server that closes unused connections (`Keep-Alive: timeout`) gets no more requests there: half of
/// what it says at most. Its count began when it had sent the response, and a request takes a while to arrive; Node's undici takes as long.
pub(crate) const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

/// What one response may have under way to us at first: 512 KiB carry 40 Mbit/s at a round trip of 100 ms. It grows with what
/// the path carries.
pub(crate) const STREAM_WINDOW: u32 = 512 << 10;

/// What one response may have under way to us at most: 16 MiB carry 2.6 Gbit/s at 50 ms, and 1.3 Gbit/s at 100 ms.
pub(crate) const STREAM_WINDOW_MAX: u32 = 16 << 20;

/// What all responses of one connection may have under way together: sixteen full streams at first, and never fewer than two,
/// so that one response that its caller does not read cannot stop the others. So a connection whose callers read
/// nothing holds 8 MiB, and 32 MiB once it has carried gigabits.
pub(crate) const CONNECTION_WINDOW: u32 = 8 << 20;

/// Larger response heads are refused. Servers' own limits lie between 8 and 32 KiB.
pub(crate) const MAX_HEADER_LIST: u32 = 64 << 10;

/// Reset streams that h2 remembers, to tell their late frames from a protocol error.
pub(crate) const REMEMBERED_RESETS: usize = 256;

/// More fields than this in a response's head or its trailers are refused. Servers' own limits lie at about 100.
pub(crate) const MAX_FIELDS: u32 = 256;

/// Larger heads than this need more buffer over HTTP/1.1 than hyper has by default, which is a little more.
pub(crate) const HTTP1_BUFFER: u32 = 400 << 10;

/// The same over HTTP/1.1: hyper's own limit, up to which it keeps fields on the stack.
pub(crate) const MAX_FIELDS_HTTP1: u32 = 100;

/// The bytes of a head that a caller can choose as the limit: a status and a few fields fit into the least; more than the most
/// belongs into a body.
pub(crate) const HEAD_BYTES_RANGE: RangeInclusive<u32> = 1 << 10..=16 << 20;

/// More informational responses than this to one request are an offence. One or two are usual.
pub(crate) const MAX_INFORMATIONAL: u32 = 16;

/// How long `Expect: 100-continue` waits for a server that says nothing; curl and Go wait as long.
pub(crate) const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// A socket that has taken no bytes for this long, although there are some, takes none. Linux wakes a writer only when a
/// third of the socket's buffer is free again, which on a path that moves is about a round trip.
pub(crate) const BLOCKED: Duration = Duration::from_millis(100);

/// How often the task of a connection looks, while it reads, whether late answers have ended the streams of given-up requests: a look
/// at each of them, which at this pace costs little even for hundreds.
pub(crate) const ORPHANS_REST: Duration = Duration::from_millis(1);

/// How long a new connection waits for the server's SETTINGS, where a request needs their word (extended CONNECT): many round
/// trips. Without them it is used for everything else.
pub(crate) const SETTINGS_WAIT: Duration = Duration::from_secs(5);

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
        let dialling = pool_limits::span(self.phases.whole.saturating_add(DIAL_START));
        self.pool.over(Limits { idle, dialling, streams_expected, ..Limits::default() })
    }
}
