//! Dial: connect, pass the proxy, TLS, agree on a protocol.
//!
//! One dial goes to one address, which the pool chose: choosing, staggering and racing several is the pool's concern
//! (promise P6), and so is resolving, which is done once for all dials ([`crate::origin`]). Invariant: a dial ends by
//! its own limits ([`phases`]), never by a request's. Next: [`route`], the ways to go; then [`super::http1`] and
//! [`super::http2`].

mod error;
mod phases;
mod proxy;
mod route;
mod tcp;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;

use super::http1::Bytestream;
use super::socket::{Socket, Tcp};
use super::{http1, http2};
use crate::clock::Clock;
use crate::connect::{Carrier, Destination, Means, Transport};
use crate::error::Phase;
use crate::head::Form;
use crate::meter::Meter;
use crate::name::OriginName;
use crate::outgoing::Outgoing;
use crate::settings::{self, Protocol, Settings};

pub(crate) use error::{DialError, Step};
pub(crate) use phases::{Phases, Progress, Stopwatch};
pub(crate) use route::{Route, Whereabouts};
pub use tcp::TcpKeepalive;
pub(crate) use tcp::TcpOptions;

/// A connection that is ready, and not yet told of.
pub(super) enum Dialled {
    Http1(Box<http1::Link>, Box<hyper::client::conn::http1::Connection<Bytestream, Outgoing>>),
    /// With how many streams its user allows.
    Http2(Box<http2::Link>, Box<h2::client::Connection<Meter<Transport>, bytes::Bytes>>, u32),
}

/// What a dial is to do.
pub(super) struct Dial<'a> {
    pub(super) name: &'a OriginName,
    pub(super) route: &'a Route,
    /// The address that the pool chose; `None` where there is nothing to choose from.
    pub(super) address: Option<SocketAddr>,
    /// How many connections the pool has dialled before.
    pub(super) earlier: u64,
    pub(super) settings: &'a Settings,
    pub(super) progress: Arc<Progress>,
    pub(super) clock: Clock,
}

impl Dial<'_> {
    pub(super) async fn run(self) -> Result<Dialled, DialError> {
        if let Route::Broken(variable) = self.route {
            let advice =
                format!("the environment variable {variable} is not a proxy's URI: correct or unset it");
            return Err(DialError::because(Step::Proxy, advice));
        }
        if self.name.is_https() || self.route.has_tls() {
            // Reading the system's certificates is not the server's delay.
            let ready = self.settings.tls.configs().await;
            ready.map_err(|error| DialError::because(Step::Tls, error))?;
        }
        let watch = Stopwatch::start(self.settings.phases, Arc::clone(&self.progress));
        let ((transport, http2), socket) = match (self.route, &self.settings.means) {
            // The usual way, with one type less to go through for each byte.
            (Route::Direct, Means::Tcp) => {
                let (tcp, socket) = self.tcp(&watch).await?;
                (self.secure(tcp, &watch).await?, Some(socket))
            }
            (
                Route::Direct | Route::Forward(_) | Route::Tunnel(_) | Route::Socks(_) | Route::Broken(_),
                _,
            ) => {
                // Boxed: it needs twice as much as the usual way.
                Box::pin(self.other_way(&watch)).await?
            }
        };
        let opened = async {
            if http2 {
                self.open_http2(transport, socket).await
            } else {
                self.open_http1(transport, socket).await
            }
        };
        watch.within(Phase::Connect, opened).await
    }

    async fn other_way(&self, watch: &Stopwatch) -> Result<((Transport, bool), Option<Socket>), DialError> {
        let (transport, socket) = self.carry(watch).await?;
        let transport = self.pass_proxy(transport, watch).await?;
        let socket = socket.filter(|_| self.route.speaks_to_next_hop());
        Ok((self.secure(transport, watch).await?, socket))
    }

    async fn tcp(&self, watch: &Stopwatch) -> Result<(Tcp, Socket), DialError> {
        let connected = async {
            let address =
                self.address.ok_or_else(|| DialError::because(Step::Resolve, "there is no address"))?;
            let connected = tcp::connect(address, &self.settings.tcp).await;
            connected.map(Tcp::new).map_err(|error| DialError::of_address(address, error))
        };
        watch.within(Phase::Connect, connected).await
    }

    /// Opens what bytes are carried by, to the origin or to the proxy; if it is our own TCP, its kernel can be asked.
    async fn carry(&self, watch: &Stopwatch) -> Result<(Transport, Option<Socket>), DialError> {
        let hook = match &self.settings.means {
            Means::Tcp => {
                let (tcp, socket) = self.tcp(watch).await?;
                return Ok((Box::new(tcp), Some(socket)));
            }
            #[cfg(unix)]
            Means::Unix(path) => {
                let connected = async {
                    let connected = tokio::net::UnixStream::connect(&**path).await;
                    connected.map_err(|error| DialError::because(Step::Connect, error))
                };
                return Ok((Box::new(watch.within(Phase::Connect, connected).await?), None));
            }
            Means::Hook(hook) => hook,
        };
        let (host, port) = self.route.next_hop(self.name);
        let to = Destination { host: host.into(), port, address: self.address };
        let connected =
            async { hook.connect(&to).await.map_err(|error| DialError::because(Step::Connect, error)) };
        Ok((watch.within(Phase::Connect, connected).await?, None))
    }

    /// Encrypts where the scheme says so; tells whether HTTP/2 is to be spoken.
    async fn secure<T: Carrier>(&self, io: T, watch: &Stopwatch) -> Result<(Transport, bool), DialError> {
        if !self.name.is_https() {
            // HTTP/1.1 is what a proxy forwards; for HTTP/2 there is a tunnel.
            return Ok((Box::new(io), self.settings.protocol == Protocol::Http2));
        }
        let shaken =
            watch.within(Phase::Tls, tls::to_origin(io, self.name.host(), &self.settings.tls)).await?;
        let agreed_http2 = shaken.get_ref().1.alpn_protocol() == Some(b"h2");
        if self.settings.protocol == Protocol::Http2 && !agreed_http2 {
            return Err(DialError::because(Step::Protocol, "the server does not offer HTTP/2 (ALPN)"));
        }
        Ok((Box::new(shaken), agreed_http2))
    }

    async fn open_http1(&self, transport: Transport, socket: Option<Socket>) -> Result<Dialled, DialError> {
        let meter = Meter::http1(transport, self.clock, self.settings.head.informational);
        let gauge = meter.gauge();
        let limits = self.settings.head;
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_header_size(limits.bytes as usize);
        if let Some(fields) = limits.fields_for_hyper() {
            builder.max_headers(fields as usize);
        }
        if limits.bytes > settings::HTTP1_BUFFER {
            builder.max_buf_size(limits.bytes as usize);
        }
        let opened = builder.handshake(TokioIo::new(meter)).await;
        let (sender, connection) = opened.map_err(|error| DialError::because(Step::Protocol, error))?;
        let form = match self.route {
            Route::Forward(proxy) => Form::absolute(self.name, proxy.authorization()),
            Route::Direct | Route::Tunnel(_) | Route::Socks(_) | Route::Broken(_) => Form::Origin,
        };
        let link = http1::Link::new(sender, gauge, socket, limits, form);
        Ok(Dialled::Http1(Box::new(link), Box::new(connection)))
    }

    async fn open_http2(&self, transport: Transport, socket: Option<Socket>) -> Result<Dialled, DialError> {
        let meter = Meter::http2(transport, self.clock);
        let gauge = meter.gauge();
        let opened = h2::client::Builder::new()
            .initial_window_size(settings::STREAM_WINDOW)
            .initial_connection_window_size(settings::CONNECTION_WINDOW)
            .max_header_list_size(self.settings.head.bytes)
            .max_concurrent_reset_streams(settings::REMEMBERED_RESETS)
            .initial_max_send_streams(self.settings.max_streams.min(settings::MAX_STREAMS) as usize)
            .enable_push(false)
            .handshake(meter)
            .await;
        let (sender, connection) = opened.map_err(|error| DialError::because(Step::Protocol, error))?;
        let link = http2::Link::new(sender, gauge, socket, self.settings.head);
        Ok(Dialled::Http2(Box::new(link), Box::new(connection), self.settings.max_streams))
    }
}
