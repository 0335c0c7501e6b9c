//! Contestant: reqwest with its defaults and its own timeout.
//!
//! Its crate features are cut down (no proxy from the environment, no character sets, ring in place of aws-lc-rs);
//! none of them changes the pool. The lines are the concern of `contestant-protocol`.

use std::process::ExitCode;

use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Scheme, Setup};
use reqwest::{Certificate, Client};

struct Reqwest {
    client: Client,
    protocol: Protocol,
}

impl Contestant for Reqwest {
    const CLIENT: &'static str = "reqwest";

    fn new(setup: &Setup) -> Result<Self, BoxError> {
        // The feature `rustls-no-provider` leaves this to us; an error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().tls_certs_only(Certificate::from_pem_bundle(&setup.ca_pem)?);
        let client = match (setup.protocol, setup.scheme) {
            (Protocol::H1, _) => client.http1_only(),
            // There is no ALPN to learn it from.
            (Protocol::H2, Scheme::Http) => client.http2_prior_knowledge(),
            // The default offers both, and the origin chooses HTTP/2. `http2_prior_knowledge` would offer HTTP/2
            // alone, but it also changes how the pool dials.
            (Protocol::H2, Scheme::Https) => client,
        };
        Ok(Self { client: client.build()?, protocol: setup.protocol })
    }

    async fn request(&self, request: Request) -> Outcome {
        match self.exchange(request).await {
            Ok(outcome) => outcome,
            Err(error) if error.is_timeout() => Outcome::Timeout,
            Err(error) => Outcome::error(&error),
        }
    }
}

impl Reqwest {
    async fn exchange(&self, request: Request) -> reqwest::Result<Outcome> {
        let body = request.body();
        let mut call = self.client.request(request.method.clone(), &request.url).timeout(request.timeout);
        for (name, value) in request.headers(self.protocol) {
            call = call.header(*name, *value);
        }
        if !body.is_empty() {
            call = call.body(body);
        }
        let mut response = call.send().await?;
        while response.chunk().await?.is_some() {}
        Ok(self.protocol.judge(response.version(), response.status()))
    }
}

fn main() -> ExitCode {
    contestant_protocol::run::<Reqwest>()
}
