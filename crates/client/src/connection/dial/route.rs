//! The ways to an origin: straight, or through a proxy.
//!
//! Invariant: the way of an origin follows from its name and the client's settings alone, so all its connections go
//! the same way. Next: [`super::proxy`].

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::name::OriginName;
use crate::proxies::{Choice, Kind, Proxy};
use crate::settings::{Protocol, Settings};

/// Which way an origin's connections go.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Direct,
    /// Over HTTP/1.1, to a proxy that forwards each request (RFC 9112 section 3.2.2).
    Forward(Arc<Proxy>),
    /// Through a proxy that opens a tunnel (CONNECT, RFC 9110 section 9.3.6).
    Tunnel(Arc<Proxy>),
    /// Through a proxy that speaks SOCKS5 (RFC 1928).
    Socks(Arc<Proxy>),
    /// Nowhere, and not dialled: this environment variable names a proxy that is none.
    Broken(&'static str),
}

impl Route {
    pub(crate) fn of(name: &OriginName, settings: &Settings) -> Self {
        match settings.proxies.choice(name) {
            Choice::Direct => Self::Direct,
            Choice::Broken(variable) => Self::Broken(variable),
            Choice::Proxy(proxy) => match proxy.kind {
                Kind::Socks5 | Kind::Socks5h => Self::Socks(proxy.into()),
                Kind::Http | Kind::Https if name.is_https() || settings.protocol == Protocol::Http2 => {
                    Self::Tunnel(proxy.into())
                }
                Kind::Http | Kind::Https => Self::Forward(proxy.into()),
            },
        }
    }

    /// Host and port that connections are opened to.
    pub(crate) fn next_hop<'a>(&'a self, name: &'a OriginName) -> (&'a str, u16) {
        match self {
            Self::Forward(proxy) | Self::Tunnel(proxy) | Self::Socks(proxy) => (&proxy.host, proxy.port),
            Self::Direct | Self::Broken(_) => (name.host(), name.port()),
        }
    }

    /// Whether HTTP is spoken to whoever connections are opened to, and not to somebody behind.
    pub(crate) fn speaks_to_next_hop(&self) -> bool {
        match self {
            Self::Direct | Self::Forward(_) => true,
            Self::Tunnel(_) | Self::Socks(_) | Self::Broken(_) => false,
        }
    }

    /// Whether the proxy is spoken to over TLS.
    pub(crate) fn has_tls(&self) -> bool {
        match self {
            Self::Forward(proxy) | Self::Tunnel(proxy) => proxy.kind == Kind::Https,
            Self::Direct | Self::Socks(_) | Self::Broken(_) => false,
        }
    }

    /// What has to be known of the next hop before it can be dialled.
    pub(crate) fn whereabouts(&self, name: &OriginName, settings: &Settings) -> Whereabouts {
        if !settings.means.needs_address() || matches!(self, Self::Broken(_)) {
            return Whereabouts::Elsewhere;
        }
        let (host, port) = self.next_hop(name);
        match host.parse::<IpAddr>() {
            Ok(ip) => Whereabouts::At(SocketAddr::new(ip, port)),
            Err(_) => Whereabouts::Named,
        }
    }
}

/// Where an origin's next hop is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whereabouts {
    /// Its name has to be resolved.
    Named,
    /// It is an address.
    At(SocketAddr),
    /// Whoever opens the connection knows.
    Elsewhere,
}
