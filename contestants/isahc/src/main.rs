//! Contestant: isahc, which is libcurl, with its defaults and its own timeout.
//!
//! The lines are the concern of `contestant-protocol`.

use std::process::ExitCode;

use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Setup};
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
        let client = match setup.protocol {
            Protocol::H1 => client.version_negotiation(VersionNegotiation::http11()),
            Protocol::H2 => client,
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
        let call = isahc::Request::builder().method(request.method).uri(request.url);
        let mut response = self.client.send_async(call.timeout(request.timeout).body(())?).await?;
        response.consume().await?;
        Ok(self.protocol.judge(response.version(), response.status()))
    }
}

fn main() -> ExitCode {
    contestant_protocol::run::<Isahc>()
}
