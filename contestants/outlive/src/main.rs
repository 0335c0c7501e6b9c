//! Contestant: outlive with its defaults and its own timeout, and without the environment's proxies, as all contestants; with
//! the argument `--rescue-when-late`, also sending requests again that are answered late.
//!
//! It comes in through the same door as everybody else's client: the lab does not know it. The lines are the concern
//! of `contestant-protocol`.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Scheme, Setup};
use http::Uri;
use http_body_util::{BodyExt, Full};
use outlive::{Client, Proxies, RequestTimeout, Rescue};

struct Outlive {
    client: Client,
    protocol: Protocol,
    /// Where the pool's trace goes at the end, for whoever wants to know why.
    trace: Option<String>,
    origin: Mutex<Uri>,
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
        let client = Client::builder().protocol(protocol).proxies(Proxies::none());
        let mut client = client.add_root_pem(&setup.ca_pem)?.only_added_roots();
        if std::env::args().any(|argument| argument == "--rescue-when-late") {
            client = client.rescue(Rescue::WhenLate);
        }
        let trace = std::env::var("OUTLIVE_TRACE").ok();
        if trace.is_some() {
            client = client.trace(|_| true);
        }
        Ok(Self { client: client.build(), protocol: setup.protocol, trace, origin: Mutex::default() })
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
        if self.trace.is_some() {
            *self.origin.lock().unwrap_or_else(PoisonError::into_inner) = request.url.parse()?;
        }
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

impl Drop for Outlive {
    fn drop(&mut self) {
        if let Some(file) = &self.trace {
            let origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let trace = self.client.trace(&origin).unwrap_or_default();
            if let Err(error) = std::fs::write(file, trace) {
                eprintln!("{file}: {error}");
            }
        }
    }
}

fn main() -> ExitCode {
    contestant_protocol::run::<Outlive>()
}
