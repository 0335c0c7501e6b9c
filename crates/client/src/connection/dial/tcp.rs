//! TCP: one socket, its options, one address.
//!
//! Invariant: options are set before the connection is opened, so they hold from the first segment on. Next:
//! [`super`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

/// TCP's own probes of connections that nothing is sent on: [`crate::Builder::tcp_keepalive`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpKeepalive {
    /// Silence before the first probe. Whole seconds on most systems; a part of one counts as nothing.
    pub time: Duration,
    /// From one probe to the next. Whole seconds, as above.
    pub interval: Duration,
    /// Probes without an answer before the connection is given up.
    pub retries: u32,
}

/// The choices for every connection.
#[derive(Clone, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "some are Linux's own"))]
pub(crate) struct TcpOptions {
    pub(crate) nodelay: bool,
    pub(crate) keepalive: Option<TcpKeepalive>,
    /// Linux: TCP_USER_TIMEOUT (RFC 5482).
    pub(crate) user_timeout: Option<Duration>,
    /// Linux: TCP_NOTSENT_LOWAT, in bytes.
    pub(crate) notsent_lowat: Option<u32>,
    pub(crate) from_v4: Option<Ipv4Addr>,
    pub(crate) from_v6: Option<Ipv6Addr>,
    pub(crate) interface: Option<Box<str>>,
}

impl TcpOptions {
    /// Whether an address can be reached from where connections are bound.
    pub(crate) fn reach(&self, address: &SocketAddr) -> bool {
        let bound_nowhere = self.from_v4.is_none() && self.from_v6.is_none();
        bound_nowhere || self.source_for(address).is_some()
    }

    fn source_for(&self, address: &SocketAddr) -> Option<IpAddr> {
        match address {
            SocketAddr::V4(_) => self.from_v4.map(IpAddr::V4),
            SocketAddr::V6(_) => self.from_v6.map(IpAddr::V6),
        }
    }

    fn set(&self, socket: &SockRef<'_>) -> io::Result<()> {
        socket.set_tcp_nodelay(self.nodelay)?;
        if let Some(TcpKeepalive { time, interval, retries }) = self.keepalive {
            let keepalive = socket2::TcpKeepalive::new().with_time(time).with_interval(interval);
            socket.set_tcp_keepalive(&keepalive.with_retries(retries))?;
        }
        #[cfg(target_os = "linux")]
        {
            socket.set_tcp_user_timeout(self.user_timeout)?;
            if let Some(bytes) = self.notsent_lowat {
                socket.set_tcp_notsent_lowat(bytes)?;
            }
            if let Some(interface) = &self.interface {
                socket.bind_device(Some(interface.as_bytes()))?;
            }
        }
        Ok(())
    }
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            nodelay: true,
            keepalive: Some(crate::settings::KEEPALIVE),
            user_timeout: None,
            notsent_lowat: None,
            from_v4: None,
            from_v6: None,
            interface: None,
        }
    }
}

pub(super) async fn connect(address: SocketAddr, options: &TcpOptions) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    options.set(&SockRef::from(&socket))?;
    if !options.reach(&address) {
        return Err(io::Error::other("connections are bound to addresses of the other family"));
    }
    if let Some(source) = options.source_for(&address) {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(address).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;
    use tokio::net::TcpListener;

    async fn open(options: &TcpOptions) -> (TcpStream, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let opened = connect(listener.local_addr().unwrap(), options).await.unwrap();
        (opened, listener.accept().await.unwrap().1)
    }

    #[tokio::test]
    async fn the_defaults() {
        let (opened, _) = open(&TcpOptions::default()).await;
        let socket = SockRef::from(&opened);
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), settings::KEEPALIVE.time);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), settings::KEEPALIVE.interval);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), settings::KEEPALIVE.retries);
            assert_eq!(socket.tcp_user_timeout().unwrap(), None);
        }
    }

    #[tokio::test]
    async fn each_option_reaches_the_socket() {
        let options = TcpOptions {
            nodelay: false,
            keepalive: None,
            user_timeout: Some(Duration::from_millis(1500)),
            notsent_lowat: Some(16_384),
            // On Linux all of 127.0.0.0/8 is here.
            from_v4: cfg!(target_os = "linux").then_some(Ipv4Addr::new(127, 0, 0, 9)),
            ..TcpOptions::default()
        };
        let (opened, seen_from) = open(&options).await;
        let socket = SockRef::from(&opened);
        assert!(!socket.tcp_nodelay().unwrap());
        assert!(!socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(1500)));
            assert_eq!(socket.tcp_notsent_lowat().unwrap(), 16_384);
            assert_eq!(seen_from.ip(), IpAddr::from([127, 0, 0, 9]));
        }
    }

    #[tokio::test]
    async fn the_other_family_is_out_of_reach() {
        let bound = TcpOptions { from_v6: Some(Ipv6Addr::LOCALHOST), ..TcpOptions::default() };
        assert!(bound.reach(&"[::1]:1".parse().unwrap()));
        assert!(!bound.reach(&"127.0.0.1:1".parse().unwrap()));
        assert!(connect("127.0.0.1:1".parse().unwrap(), &bound).await.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_interface_that_is_not_there_is_an_error() {
        let bound = TcpOptions { interface: Some("nowhere0".into()), ..TcpOptions::default() };
        assert!(connect("127.0.0.1:1".parse().unwrap(), &bound).await.is_err());
    }
}
