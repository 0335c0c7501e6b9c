//! Contestant: tonic's channel, unary calls. Without an argument it keeps its defaults, with `keepalive` it sends pings.
//!
//! A call is given up by tonic's own timeout, which is told to the server too. The path of the URL is the method's name;
//! the origin answers any call with an empty message. The lines are the concern of `contestant-protocol`.

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Buf;
use contestant_protocol::{BoxError, Contestant, Outcome, Protocol, Request, Setup};
use http::uri::{PathAndQuery, Uri};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

struct Tonic {
    tls: ClientTlsConfig,
    keepalive: bool,
    /// Made when the first request tells where to.
    channel: OnceLock<Channel>,
}

impl Contestant for Tonic {
    const CLIENT: &'static str = "tonic";

    fn new(setup: &Setup) -> Result<Self, BoxError> {
        if setup.protocol != Protocol::H2 {
            return Err("gRPC is HTTP/2 only".into());
        }
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&setup.ca_pem));
        let keepalive = match std::env::args().nth(1).as_deref() {
            None => false,
            Some("keepalive") => true,
            Some(other) => {
                return Err(format!("the argument is {other:?}, expected keepalive or none").into());
            }
        };
        Ok(Self { tls, keepalive, channel: OnceLock::new() })
    }

    async fn request(&self, request: Request) -> Outcome {
        match self.call(request).await {
            Ok(()) => Outcome::Ok,
            Err(error) => match error.downcast_ref::<Status>().map(Status::code) {
                // `Cancelled` with the words "Timeout expired" is how tonic's own timeout is told.
                Some(Code::DeadlineExceeded | Code::Cancelled) => Outcome::Timeout,
                _ => Outcome::error(&*error),
            },
        }
    }
}

impl Tonic {
    async fn call(&self, request: Request) -> Result<(), BoxError> {
        let uri: Uri = request.url.parse()?;
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let mut grpc = Grpc::new(self.channel(uri)?);
        grpc.ready().await?;
        let mut call = tonic::Request::new(());
        call.set_timeout(request.timeout);
        grpc.unary(call, path, Empty).await?;
        Ok(())
    }

    fn channel(&self, uri: Uri) -> Result<Channel, BoxError> {
        if let Some(channel) = self.channel.get() {
            return Ok(channel.clone());
        }
        let mut endpoint = match uri.scheme_str() {
            // HTTP/2 with prior knowledge: gRPC knows no other.
            Some("http") => Endpoint::from(uri),
            _ => Endpoint::from(uri).tls_config(self.tls.clone())?,
        };
        if self.keepalive {
            // The documentation names the two and no values; the second is 20 s by default.
            let second = Duration::from_secs(1);
            endpoint = endpoint.http2_keep_alive_interval(second).keep_alive_timeout(second);
        }
        Ok(self.channel.get_or_init(|| endpoint.connect_lazy()).clone())
    }
}

/// Messages without content.
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        message.advance(message.remaining());
        Ok(Some(()))
    }
}

fn main() -> ExitCode {
    contestant_protocol::run::<Tonic>()
}
