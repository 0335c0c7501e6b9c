//! Past the proxy: what has to be said to it before the connection leads to the origin.
//!
//! Invariant: what leaves here speaks with the origin, and nothing of the proxy's login is ever said on it (except to
//! a proxy that forwards each request, and is sent it with each: [`crate::head::Form`]). Next: [`super::route`].

use std::net::SocketAddr;

use http::{HeaderValue, Request, Uri, header};
use hyper_util::rt::TokioIo;
use tokio_socks::tcp::Socks5Stream;

use super::phases::Stopwatch;
use super::{Dial, DialError, Route, Step, tls};
use crate::connect::Transport;
use crate::error::Phase;
use crate::name::host_and_port;
use crate::outgoing::{BoxError, Outgoing};
use crate::proxies::{Kind, Login, Proxy};

impl Dial<'_> {
    /// Makes a connection to the proxy one to the origin.
    pub(super) async fn pass_proxy(&self, io: Transport, watch: &Stopwatch) -> Result<Transport, DialError> {
        let failed = |proxy: &Proxy, error| {
            DialError::because(Step::Proxy, OfProxy { proxy: proxy.to_string(), error })
        };
        match self.route {
            Route::Direct | Route::Broken(_) => Ok(io),
            Route::Forward(proxy) => {
                let reached = async { encrypt(io, proxy, self).await.map_err(|error| failed(proxy, error)) };
                watch.within(Phase::Proxy, reached).await
            }
            Route::Tunnel(proxy) => {
                let opened = async {
                    let io = encrypt(io, proxy, self).await.map_err(|error| failed(proxy, error))?;
                    let to = host_and_port(self.name.host(), self.name.port());
                    let opened = tunnel(io, &to, proxy.authorization()).await;
                    opened.map_err(|error| failed(proxy, error))
                };
                watch.within(Phase::Proxy, opened).await
            }
            Route::Socks(proxy) => {
                let address = match proxy.kind {
                    Kind::Socks5 => Some(self.address_behind(watch).await?),
                    Kind::Socks5h | Kind::Http | Kind::Https => None,
                };
                let opened = async {
                    let opened = socks(io, &proxy.login, address, (self.name.host(), self.name.port())).await;
                    opened.map_err(|error| failed(proxy, error))
                };
                watch.within(Phase::Proxy, opened).await
            }
        }
    }

    /// The origin's address, for a proxy that is to be told no name. Each further dial takes the next one.
    async fn address_behind(&self, watch: &Stopwatch) -> Result<SocketAddr, DialError> {
        let (host, port) = (self.name.host(), self.name.port());
        if let Ok(ip) = host.parse() {
            return Ok(SocketAddr::new(ip, port));
        }
        let found = async {
            let found = self.settings.names.look_up(host, port, |_| true).await;
            found.map_err(|error| DialError::because(Step::Resolve, error))
        };
        let found = watch.within(Phase::Resolve, found).await?;
        let turn = usize::try_from(self.earlier).unwrap_or(0) % found.len();
        Ok(found[turn])
    }
}

async fn encrypt(io: Transport, proxy: &Proxy, dial: &Dial<'_>) -> Result<Transport, BoxError> {
    match proxy.kind {
        Kind::Https => Ok(Box::new(tls::to_proxy(io, &proxy.host, &dial.settings.tls).await?)),
        Kind::Http | Kind::Socks5 | Kind::Socks5h => Ok(io),
    }
}

/// Has an HTTP proxy open a tunnel.
async fn tunnel(io: Transport, to: &str, login: Option<&HeaderValue>) -> Result<Transport, BoxError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let mut connect = Request::connect(to.parse::<Uri>()?).body(Outgoing::Empty)?;
    connect.headers_mut().insert(header::HOST, HeaderValue::from_str(to)?);
    if let Some(login) = login {
        connect.headers_mut().insert(header::PROXY_AUTHORIZATION, login.clone());
    }
    let opened = async {
        let answer = sender.send_request(connect).await?;
        match answer.status() {
            status if status.is_success() => Ok(hyper::upgrade::on(answer).await?),
            http::StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(match login {
                Some(_) => "it refused the login (407)".into(),
                None => "it wants a login (407): give it one with Proxy::login, or in its URI".into(),
            }),
            status => Err(format!("it answered CONNECT with {status}").into()),
        }
    };
    let moved = async {
        // How it ends is in what the sender hears.
        _ = connection.with_upgrades().await;
        std::future::pending::<()>().await;
    };
    let opened: Result<_, BoxError> = tokio::select! {
        opened = opened => opened,
        () = moved => Err("the proxy's connection ended".into()),
    };
    Ok(Box::new(TokioIo::new(opened?)))
}

/// Has a SOCKS5 proxy connect to an address, or to a name.
async fn socks(
    io: Transport,
    login: &Login,
    address: Option<SocketAddr>,
    name: (&str, u16),
) -> Result<Transport, BoxError> {
    let opened = match (login, address) {
        (Login::Password(user, password), Some(address)) => {
            Socks5Stream::connect_with_password_and_socket(io, address, user, password).await?
        }
        (Login::Password(user, password), None) => {
            Socks5Stream::connect_with_password_and_socket(io, name, user, password).await?
        }
        (Login::None | Login::Basic(_), Some(address)) => {
            Socks5Stream::connect_with_socket(io, address).await?
        }
        (Login::None | Login::Basic(_), None) => Socks5Stream::connect_with_socket(io, name).await?,
    };
    Ok(Box::new(opened.into_inner()))
}

/// Which proxy gave the error that is its source.
#[derive(Debug)]
struct OfProxy {
    /// Without its login.
    proxy: String,
    error: BoxError,
}

impl std::fmt::Display for OfProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.proxy)
    }
}

impl std::error::Error for OfProxy {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.error)
    }
}
