//! The origin: a healthy HTTP server that contestants reach through the proxy.
//!
//! It speaks HTTP/2 or HTTP/1.1, whichever the client offers, over TLS. `GET /r/<id>` is a counted request, answered
//! with a small body, late where the plan says so; `GET /w/<id>` is one of the warm-up. A gRPC call to one of these
//! paths gets an empty message and the status OK. It keeps hyper's defaults but for the number of streams, so it defends
//! itself as servers do (20 quick resets get a GOAWAY).
//!
//! Invariant: each counted request that arrives is recorded with the wire it came by, before it is answered.
//! Next: `wires.rs`, which knows the wire of a connection; `stage.rs`, which puts the two together.

use std::{
    convert::Infallible,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    manifest::Protocol,
    plan::{Plan, Slow},
    record::{Record, RequestId, WireId, writer::Recorder},
    wires::Wires,
};

/// What the origin needs to know of its surroundings.
pub(crate) struct Origin {
    tls: TlsAcceptor,
    streams: u32,
    slow: Option<Slow>,
    expected: Protocol,
    wires: Arc<Wires>,
    recorder: Recorder,
    strayed: AtomicBool,
}

/// What a request asks for.
enum Target {
    Counted(RequestId),
    WarmUp,
    Unknown,
}

/// One connection, as its requests see it.
struct Visit {
    origin: Arc<Origin>,
    port: u16,
    /// Asked at the first request, when the proxy has certainly registered the wire: it passed bytes on.
    wire: OnceLock<Option<WireId>>,
}

impl Origin {
    pub(crate) fn new(
        tls: TlsAcceptor,
        plan: &Plan,
        expected: Protocol,
        wires: Arc<Wires>,
        rec: Recorder,
    ) -> Self {
        let strayed = AtomicBool::new(false);
        Self { tls, streams: plan.streams, slow: plan.slow, expected, wires, recorder: rec, strayed }
    }

    /// Whether a connection spoke another protocol than the contestant's entry says.
    pub(crate) fn strayed(&self) -> bool {
        self.strayed.load(Ordering::Relaxed)
    }

    /// Serves until it is dropped, and all connections with it.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((connection, peer)) => {
                        tasks.spawn(Arc::clone(&self).serve(connection, peer.port()));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                },
                Some(_) = tasks.join_next() => {}
            }
        }
    }

    async fn serve(self: Arc<Self>, connection: TcpStream, port: u16) {
        // However a connection ends is the contestant's affair; the record shows what became of its requests.
        let Ok(()) = connection.set_nodelay(true) else { return };
        let Ok(tls) = self.tls.accept(connection).await else { return };
        let spoken = match tls.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::H2,
            _ => Protocol::H1,
        };
        if spoken != self.expected {
            self.strayed.store(true, Ordering::Relaxed);
        }
        let streams = self.streams;
        let visit = Arc::new(Visit { origin: self, port, wire: OnceLock::new() });
        let service = service_fn(move |request| Arc::clone(&visit).answer(request));
        let io = TokioIo::new(tls);
        _ = match spoken {
            Protocol::H1 => hyper::server::conn::http1::Builder::new().serve_connection(io, service).await,
            Protocol::H2 => {
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .max_concurrent_streams(streams)
                    .serve_connection(io, service)
                    .await
            }
        };
    }
}

impl Visit {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let grpc = is_grpc(request.headers());
        let (status, body) = match target(request.uri().path()) {
            Target::Counted(id) => {
                self.note(id);
                if let Some(slow) = self.origin.slow.filter(|slow| slow.hits(id)) {
                    tokio::time::sleep(Duration::from_millis(slow.by_ms)).await;
                }
                (StatusCode::OK, "here you are\n")
            }
            Target::WarmUp => (StatusCode::OK, "warm\n"),
            Target::Unknown => (StatusCode::NOT_FOUND, "no such thing\n"),
        };
        let mut response = if grpc { empty_message() } else { Response::new(Full::from(body).boxed()) };
        *response.status_mut() = status;
        Ok(response)
    }

    fn note(&self, request: RequestId) {
        let recorder = &self.origin.recorder;
        if let Some(wire) = *self.wire.get_or_init(|| self.origin.wires.by_port(self.port)) {
            recorder.write(Record::Seen { at: recorder.now(), request, wire });
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// What ends a unary call well: one message, not compressed and 0 bytes long, and the status OK in the trailers.
fn empty_message() -> Response<BoxBody<Bytes, Infallible>> {
    let status = (HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
    let trailers = async { Some(Ok(HeaderMap::from_iter([status]))) };
    let mut response = Response::new(Full::from(&[0; 5][..]).with_trailers(trailers).boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn target(path: &str) -> Target {
    if let Some(Ok(id)) = path.strip_prefix("/r/").map(str::parse) {
        return Target::Counted(id);
    }
    if path.starts_with("/w/") { Target::WarmUp } else { Target::Unknown }
}
