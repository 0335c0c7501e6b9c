//! What is answered to a request.
//!
//! `/r/<id>` is a counted request, answered with a small body, as late as the plan says; `/w/<id>` is one of the warm-up,
//! answered at once; `/stream/<id>` is answered with a byte now and then, and never ends. A gRPC call to one of the first two
//! gets an empty message and the status OK.
//!
//! Invariant: a connection that has fallen silent answers nothing from that moment on, whatever it was about to say.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use tokio::sync::watch;

use super::{Origin, become_of, body::Drip};
use crate::{
    plan::Method,
    record::{Record, RequestId, WireId},
    wires::Manners,
};

/// Between two bytes of a response that never ends: often enough to look alive to whoever judges by that.
const STREAM: Duration = Duration::from_millis(5);

/// One connection, as its requests see it.
pub(super) struct Visit {
    pub(super) origin: Arc<Origin>,
    pub(super) wire: WireId,
    pub(super) manners: watch::Receiver<Manners>,
}

/// What a request asks for.
enum Target {
    Counted(RequestId),
    WarmUp,
    Stream(RequestId),
    Unknown,
}

impl Visit {
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let grpc = is_grpc(request.headers());
        let (status, body) = match target(request.uri().path()) {
            Target::Counted(id) => {
                self.note(id, request.method());
                (StatusCode::OK, self.counted(id).await)
            }
            Target::WarmUp => (StatusCode::OK, Drip::whole("warm\n")),
            Target::Stream(request) => {
                let (recorder, wire) = (&self.origin.recorder, self.wire);
                recorder.write(Record::Streaming { at: recorder.now(), request, wire });
                (StatusCode::OK, Drip::endless(".", STREAM))
            }
            Target::Unknown => (StatusCode::NOT_FOUND, Drip::whole("no such thing\n")),
        };
        let mut response = if grpc { empty_message() } else { Response::new(body.boxed()) };

        *response.status_mut() = status;
        Ok(response)
    }

    async fn counted(&self, id: RequestId) -> Drip {
        // Given up requests are dropped here, and so end as well.
        let _visitor = Visitor::enter(self, id);
        let takes = Duration::from_millis(self.origin.plan.takes_ms(id));
        let (halves, bytes) = (self.origin.plan.origin.halves, self.origin.plan.origin.body);
        tokio::select! {
            // Who falls silent while an answer is ready does not give it.
            biased;
            () = become_of(self.manners.clone(), Manners::Silent) => std::future::pending().await,
            () = wait(if halves { Duration::ZERO } else { takes }) => {}
        }
        match (halves, bytes) {
            (true, _) => Drip::halves("here you", " are\n", takes),
            (false, 0) => Drip::whole("here you are\n"),
            (false, bytes) => Drip::long(bytes as usize),
        }
    }

    fn note(&self, request: RequestId, method: &hyper::Method) {
        let recorder = &self.origin.recorder;
        let method = if method == hyper::Method::POST { Method::Post } else { Method::Get };
        recorder.write(Record::Seen { at: recorder.now(), request, wire: self.wire, method });
    }
}

/// Not even the millisecond that a timer takes for no time at all.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// A request at the origin, from its head to its answer or its end.
struct Visitor<'a>(&'a Visit);

impl<'a> Visitor<'a> {
    fn enter(visit: &'a Visit, request: RequestId) -> Self {
        visit.origin.wires.busy(visit.wire, Some(request));
        Self(visit)
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        self.0.origin.wires.busy(self.0.wire, None);
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
    let numbered = |prefix| path.strip_prefix(prefix).and_then(|id| id.parse().ok());
    if let Some(id) = numbered("/r/") {
        Target::Counted(id)
    } else if let Some(id) = numbered("/stream/") {
        Target::Stream(id)
    } else if path.starts_with("/w/") {
        Target::WarmUp
    } else {
        Target::Unknown
    }
}
