//! Contestant: outlive with its defaults and its own timeout, and without the environment's proxies, as all contestants.
//!
//! It comes in through the same door as everybody else's client: the lab does not know it. The lines are the concern
//! of `contestant-protocol`.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Setup};
use http::Uri;
use http_body_util::{BodyExt, Empty};
use outlive::{Client, Proxies, RequestTimeout};

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
        let protocol = match setup.protocol {
            Protocol::H1 => outlive::Protocol::Http1,
            // The default offers both, and the origin chooses HTTP/2.
            Protocol::H2 => outlive::Protocol::Auto,
        };
        let client = Client::builder().protocol(protocol).proxies(Proxies::none());
        let mut client = client.add_root_pem(&setup.ca_pem)?.only_added_roots();
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
        let wish = http::Request::builder().method(request.method).uri(request.url).extension(timeout);
        let (head, mut body) = self.client.request(wish.body(Empty::<Bytes>::new())?).await?.into_parts();
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
