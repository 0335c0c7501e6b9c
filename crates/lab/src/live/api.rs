//! What can be asked for over HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `GET /`, and the files it names | the page |
//! | `GET /api/state` | how everything stands, as JSON |
//! | `GET /api/events` | server-sent events: a `snapshot` (the same JSON), then a `tick` ten times a second |
//! | `POST /api/contestants/<name>/wires/<n>` | does what the body says to a live wire: 204 |
//!
//! The body is JSON, `content-type: application/json`: `{"do": "cut"}`, `{"do": "stall-up"}`, `{"do": "stall-down"}`,
//! `{"do": "delay", "ms": 60}` or `{"do": "restore"}`. With it comes `netsplit-token`, which stands in the page's
//! `<meta name="netsplit-token">`.
//!
//! A snapshot is `{start, n, tick_ms, pace, contestants: [{name, client, protocol, about, history, now}]}`, a tick is
//! `{n, contestants: [now, …]}` in the same order; `n` counts ticks, and a tick that is not above the snapshot's is in it
//! already. `now` is a `tally::View`; `history` and `now.tick` are `[answered, lost, mark]`, where mark is 1 when a wire was cut,
//! stalled or delayed within that tick, and 2 when one was restored.
//!
//! Refusals are JSON, `{"error": "…"}`: 400 not understood, 403 and 421 (`door.rs`), 404, 405, 408, 413, 415, and 503 when too many
//! watch.
//!
//! Invariant: nothing of a request reaches the disk, the page or a program; a deed and the name of a wire are all that is
//! understood.
//! Next: `hub.rs`, who does it; `server.rs`, what is around this.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Frame, Incoming},
    header::{self, HeaderMap, HeaderName, HeaderValue},
    http::request::Parts,
};
use tokio::{sync::mpsc, time::timeout};

use super::{
    deed::Deed,
    door::{Door, Refusal},
    hub::Hub,
    page,
};
use crate::{clock::Clock, record::WireId};

/// The longest body; a deed takes 30 bytes.
pub(super) const MOST_BODY: usize = 1024;

/// How long a body may take.
const BODY_IN: Duration = Duration::from_secs(5);

/// On every answer. The page is of one origin's files alone, is in nobody's frame, and stays in nobody's cache, where an old
/// token would stay with it.
const ALWAYS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// All that an answer depends on.
pub(super) struct Api {
    pub(super) door: Door,
    pub(super) hub: Arc<Hub>,
    pub(super) clock: Clock,
}

impl Api {
    /// Answers, whatever it is.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let (head, body) = request.into_parts();
        let mut answer = self.route(&head, body).await.unwrap_or_else(refuse);
        let fields = ALWAYS.map(|(name, value)| (name, HeaderValue::from_static(value)));
        answer.headers_mut().extend(fields);
        Ok(answer)
    }

    async fn route(&self, head: &Parts, body: Incoming) -> Result<Answer, Refusal> {
        self.door.is_meant(head)?;
        let path = head.uri.path();
        if let Some(file) = page::file(path) {
            only(head, &Method::GET)?;
            return Ok(whole(file.kind, file.text(self.door.token())));
        }
        if let Some((name, wire)) = wire(path) {
            only(head, &Method::POST)?;
            self.door.may_change(head)?;
            return self.change(&head.headers, body, name, wire).await;
        }
        self.door.is_own(head)?;
        match path {
            "/api/state" => {
                only(head, &Method::GET)?;
                Ok(whole("application/json", self.hub.snapshot(self.clock.now())))
            }
            "/api/events" => {
                only(head, &Method::GET)?;
                let full = (StatusCode::SERVICE_UNAVAILABLE, "too many pages watch already");
                let events = self.hub.watch(self.clock.now()).map_err(|_| full)?;
                Ok(typed("text/event-stream", Events(events).boxed()))
            }
            _ => Err((StatusCode::NOT_FOUND, "there is no such thing here")),
        }
    }

    async fn change(
        &self,
        fields: &HeaderMap,
        body: Incoming,
        name: &str,
        wire: WireId,
    ) -> Result<Answer, Refusal> {
        // A form can't say this, so no page without scripts can ask.
        let json = fields.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        if !json {
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "a deed is application/json"));
        }
        let body = read(body).await?;
        let deed = match Deed::read(&body) {
            Ok(deed) => deed,
            Err(reason) => return Ok(error(StatusCode::BAD_REQUEST, &reason)),
        };
        let unknown = (StatusCode::NOT_FOUND, "there is no such wire, or it is not live any more");
        self.hub.strike(self.clock.now(), name, wire, deed).map_err(|_| unknown)?;
        let mut done = Response::new(Full::default().boxed());
        *done.status_mut() = StatusCode::NO_CONTENT;
        Ok(done)
    }
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let too_large = (StatusCode::PAYLOAD_TOO_LARGE, "no deed is as long as that");
    // Refused before any of it is read, where it says so itself.
    if body.size_hint().lower() > MOST_BODY as u64 {
        return Err(too_large);
    }
    match timeout(BODY_IN, Limited::new(body, MOST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large),
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body does not come")),
    }
}

/// `/api/contestants/<name>/wires/<n>`
fn wire(path: &str) -> Option<(&str, WireId)> {
    let (name, wire) = path.strip_prefix("/api/contestants/")?.split_once("/wires/")?;
    Some((name, wire.parse().ok()?))
}

fn only(head: &Parts, method: &Method) -> Result<(), Refusal> {
    let refusal = (StatusCode::METHOD_NOT_ALLOWED, "not by this method");
    if head.method == method { Ok(()) } else { Err(refusal) }
}

fn whole(kind: &'static str, body: Bytes) -> Answer {
    typed(kind, Full::new(body).boxed())
}

fn typed(kind: &'static str, body: BoxBody<Bytes, Infallible>) -> Answer {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn refuse((status, reason): Refusal) -> Answer {
    error(status, reason)
}

fn error(status: StatusCode, reason: &str) -> Answer {
    let mut answer = whole("application/json", serde_json::json!({ "error": reason }).to_string().into());
    *answer.status_mut() = status;
    answer
}

/// Events as they come, until the page is let go.
struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}

#[cfg(test)]
mod tests {
    use super::wire;

    #[test]
    fn a_wire_has_one_name() {
        assert_eq!(wire("/api/contestants/go-h2/wires/12"), Some(("go-h2", 12)));
        for path in [
            "/api/contestants/go-h2/wires/",
            "/api/contestants/go-h2/wires/x",
            "/api/contestants/go-h2/wires/-1",
            "/api/contestants/go-h2/wires/99999999999999999999",
            "/api/contestants/go-h2",
            "/api/contestants/",
        ] {
            assert_eq!(wire(path), None, "{path}");
        }
    }
}
