//! Contestant: isahc, which is libcurl, with its defaults and its own timeout.
//!
//! The lines are the concern of `contestant-protocol`.

use std::process::ExitCode;

use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Scheme, Setup};
use isahc::config::{Configurable, VersionNegotiation};
use isahc::tls::{TlsConfig, TrustStore};
use isahc::{AsyncReadResponseExt, HttpClient};

struct Isahc {
    client: HttpClient,
    protocol: Protocol,
}

impl Contestant for Isahc {
    const CLIENT: &'static str = "isahc";

    fn version() -> Result<&'static str, BoxError> {
        let version = isahc::version();
        Ok(version.strip_prefix("isahc/").unwrap_or(version))
    }

    fn new(setup: &Setup) -> Result<Self, BoxError> {
        let trust = TrustStore::builder().certificate_from_pem(setup.ca_pem.clone()).build();
        let client = HttpClient::builder().tls_config(TlsConfig::builder().trust_store(trust).build());
        let client = match (setup.protocol, setup.scheme) {
            (Protocol::H1, _) => client.version_negotiation(VersionNegotiation::http11()),
            // There is no ALPN to learn it from.
            (Protocol::H2, Scheme::Http) => client.version_negotiation(VersionNegotiation::http2()),
            (Protocol::H2, Scheme::Https) => client,
        };
        Ok(Self { client: client.build()?, protocol: setup.protocol })
    }

    async fn request(&self, request: Request) -> Outcome {
        match self.exchange(request).await {
            Ok(outcome) => outcome,
            Err(error) if error.downcast_ref().is_some_and(isahc::Error::is_timeout) => Outcome::Timeout,
            Err(error) => Outcome::error(&*error),
        }
    }
}

impl Isahc {
    async fn exchange(&self, request: Request) -> Result<Outcome, BoxError> {
        let (headers, body) = (request.headers(self.protocol), request.body());
        let mut call = isahc::Request::builder().method(request.method).uri(request.url);
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        let call = call.timeout(request.timeout);
        // A body without bytes is a body still.
        let mut response = if body.is_empty() {
            self.client.send_async(call.body(())?).await?
        } else {
            self.client.send_async(call.body(body)?).await?
        };
        response.consume().await?;
        Ok(self.protocol.judge(response.version(), response.status()))
    }
}

fn main() -> ExitCode {
    contestant_protocol::run::<Isahc>()
}
