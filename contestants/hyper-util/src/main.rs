//! Contestant: hyper-util's legacy client over hyper-rustls, with its defaults.
//!
//! The client has no timeout of its own; its users wrap a request in `tokio::time::timeout`, which gives it up by
//! dropping its future. The lines are the concern of `contestant-protocol`.
//!
//! One default matters for short timeouts: its connector leaves Nagle's algorithm on. Where the origin sends nothing
//! between the client's last handshake message and its first request (Go's server over HTTP/1.1 and TLS 1.3), that
//! request waits for a delayed ACK: measured at 43 ms a dial, so with a 10 ms timeout all of 3,000 requests failed with
//! no cut at all. With `set_nodelay(true)` 3 failed for 3 cuts. rustls and OpenSSL send their tickets just then, and the
//! wait is gone.

use std::process::ExitCode;

use bytes::Bytes;
use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Scheme, Setup};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};

struct HyperUtil {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    protocol: Protocol,
}

impl Contestant for HyperUtil {
    const CLIENT: &'static str = "hyper-util";

    fn new(setup: &Setup) -> Result<Self, BoxError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&setup.ca_pem) {
            roots.add(certificate?)?;
        }
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = match setup.scheme {
            Scheme::Http => connector.https_or_http(),
            Scheme::Https => connector.https_only(),
        };
        // The connector offers by ALPN what is enabled here, and nothing else.
        let connector = match setup.protocol {
            Protocol::H1 => connector.enable_http1().build(),
            Protocol::H2 => connector.enable_http2().build(),
        };
        let mut builder = Client::builder(TokioExecutor::new());
        if (setup.protocol, setup.scheme) == (Protocol::H2, Scheme::Http) {
            // There is no ALPN to learn it from.
            builder.http2_only(true);
        }
        let client = builder.build(connector);
        Ok(Self { client, protocol: setup.protocol })
    }

    async fn request(&self, request: Request) -> Outcome {
        match tokio::time::timeout(request.timeout, self.exchange(request)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::error(&*error),
            Err(_) => Outcome::Timeout,
        }
    }
}

impl HyperUtil {
    async fn exchange(&self, request: Request) -> Result<Outcome, BoxError> {
        let body = Full::from(request.body());
        let mut wish = http::Request::builder();
        for (name, value) in request.headers(self.protocol) {
            wish = wish.header(*name, *value);
        }
        let wish = wish.method(request.method).uri(request.url).body(body)?;
        let (head, mut body) = self.client.request(wish).await?.into_parts();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(self.protocol.judge(head.version, head.status))
    }
}

fn main() -> ExitCode {
    contestant_protocol::run::<HyperUtil>()
}
