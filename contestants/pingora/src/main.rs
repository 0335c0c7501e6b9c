//! Contestant: pingora's connector, which is what its proxy takes its upstream connections from, with its defaults.
//!
//! The connector gives sessions and takes them back; the exchange between is its user's, and so is the timeout, which
//! gives a request up by dropping its session, as pingora's proxy does. By default a connection has one stream at a time.
//! `multiplexing` allows as many as most servers do; `ping` also asks each connection for a sign of life every second.
//! The lines are the concern of `contestant-protocol`.

use std::net::ToSocketAddrs;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Setup, version_in};
use http::{Uri, Version, header};
use pingora_core::connectors::{ConnectorOptions, http::Connector};
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::upstreams::peer::{HttpPeer, PeerOptions};
use pingora_http::RequestHeader;

/// How many streams HTTP/2 servers allow at a time, most of them.
const STREAMS: usize = 100;

/// The default of pingora's configuration, `upstream_keepalive_pool_size`.
const KEPT: usize = 128;

struct Pingora {
    connector: Connector,
    options: PeerOptions,
    protocol: Protocol,
}

impl Contestant for Pingora {
    const CLIENT: &'static str = "pingora-core";

    fn version() -> Result<&'static str, BoxError> {
        version_in(include_str!("../Cargo.lock"), Self::CLIENT)
    }

    fn new(setup: &Setup) -> Result<Self, BoxError> {
        let mut connector = ConnectorOptions::new(KEPT);
        connector.ca_file = Some(std::env::var("NETSPLIT_CA")?);
        let mut options = PeerOptions::new();
        match setup.protocol {
            Protocol::H1 => options.set_http_version(1, 1),
            Protocol::H2 => options.set_http_version(2, 2),
        }
        for setting in std::env::args().skip(1) {
            match &*setting {
                "multiplexing" => options.max_h2_streams = STREAMS,
                "ping" => options.h2_ping_interval = Some(Duration::from_secs(1)),
                _ => return Err(format!("{setting:?}: expected multiplexing, ping or nothing").into()),
            }
        }
        Ok(Self { connector: Connector::new(Some(connector)), options, protocol: setup.protocol })
    }

    async fn request(&self, request: Request) -> Outcome {
        match tokio::time::timeout(request.timeout, self.exchange(request)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::error(&*error),
            Err(_) => Outcome::Timeout,
        }
    }
}

impl Pingora {
    async fn exchange(&self, request: Request) -> Result<Outcome, BoxError> {
        let uri: Uri = request.url.parse()?;
        let peer = self.peer(&uri)?;
        let (mut session, _) = self.connector.get_http_session(&peer).await?;
        let (head, body) = (Box::new(head(&request, self.protocol, uri)?), request.body());
        match &mut session {
            // As the proxy does: a request without a body ends with its head.
            HttpSession::H2(session) => session.write_request_header(head, body.is_empty())?,
            session => session.write_request_header(head).await?,
        }
        if !body.is_empty() {
            session.write_request_body(Bytes::from_static(body), false).await?;
        }
        session.finish_request_body().await?;
        session.read_response_header().await?;
        let status = session.response_header().ok_or("no response")?.status;
        while session.read_response_body().await?.is_some() {}
        let version = match &mut session {
            HttpSession::H2(_) => Version::HTTP_2,
            HttpSession::H1(session) => {
                session.respect_keepalive();
                Version::HTTP_11
            }
            HttpSession::Custom(()) => return Err("neither HTTP/1.1 nor HTTP/2".into()),
        };
        self.connector.release_http_session(session, &peer, None).await;
        Ok(self.protocol.judge(version, status))
    }

    fn peer(&self, uri: &Uri) -> Result<HttpPeer, BoxError> {
        let host = uri.host().ok_or("no host")?;
        let tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let address = (host, port).to_socket_addrs()?.next().ok_or("no address")?;
        let mut peer = HttpPeer::new(address, tls, host.to_owned());
        peer.options = self.options.clone();
        Ok(peer)
    }
}

fn head(request: &Request, protocol: Protocol, uri: Uri) -> Result<RequestHeader, BoxError> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut head = RequestHeader::build(request.method.clone(), path.as_bytes(), None)?;
    let authority = uri.authority().ok_or("no authority")?.as_str();
    if protocol == Protocol::H1 {
        head.insert_header(header::HOST, authority)?;
        if !request.body().is_empty() {
            head.insert_header(header::CONTENT_LENGTH, request.body().len())?;
        }
    } else {
        head.set_version(Version::HTTP_2);
    }
    for (name, value) in request.headers(protocol) {
        head.insert_header(*name, *value)?;
    }
    if protocol == Protocol::H2 {
        // Scheme and authority are HTTP/2's own fields.
        head.set_uri(uri);
    }
    Ok(head)
}

fn main() -> ExitCode {
    contestant_protocol::run::<Pingora>()
}
