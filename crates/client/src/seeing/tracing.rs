//! Feeds `tracing`: a span for each request, and events for connections.
//!
//! A request's span is a child of the span that its caller is in when it first polls the request's future. It is never entered,
//! only written to, so nothing else becomes a child of it. Invariant: what belongs to a connection belongs to no request:
//! connections' events have no parent, and name their connection instead. Next: [`crate::Event`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tracing::field::Empty;
use tracing::{Level, Span, event};

use super::event::{Course, Event, How};
use super::observer::Observer;
use super::words::{method_name, span_name, version_number, without_query};
use crate::kernel::Silence;
use crate::name::OriginName;

/// An [`Observer`] that makes a `tracing` span `outlive::request` for each request, with the fields of OpenTelemetry's
/// semantic conventions for HTTP clients (`http.request.method`, `server.address`, `url.full` without the query, `otel.kind`,
/// ...), and events for connections, target `outlive::connection`: suspects and failed dials at level `INFO` and `WARN`, the rest
/// at `DEBUG`. A request's attempts are events in its span. One for each client.
#[derive(Debug, Default)]
pub struct TracingObserver {
    /// The spans of requests that have not ended.
    spans: Mutex<HashMap<(OriginName, u64), Span>>,
}

impl TracingObserver {
    /// No spans yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn start(&self, origin: &OriginName, course: &Course) {
        let span = tracing::info_span!(
            target: "outlive::request",
            "outlive::request",
            otel.kind = "client",
            otel.name = span_name(&course.method),
            http.request.method = method_name(&course.method),
            url.scheme = origin.scheme(),
            url.full = %without_query(&course.uri),
            server.address = origin.host(),
            server.port = origin.port(),
            http.request.method_original = Empty,
            http.response.status_code = Empty,
            network.protocol.version = Empty,
            http.request.resend_count = Empty,
            error.r#type = Empty,
            otel.status_code = Empty,
        );
        if method_name(&course.method) != course.method.as_str() {
            span.record("http.request.method_original", course.method.as_str());
        }
        let key = (origin.clone(), course.request);
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).insert(key, span);
    }

    /// The request's span, which ends if it is dropped.
    fn span(&self, origin: &OriginName, course: &Course, is_over: IsOver) -> Span {
        let key = (origin.clone(), course.request);
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let span = match is_over {
            IsOver::No => spans.get(&key).cloned(),
            IsOver::Yes => spans.remove(&key),
        };
        span.unwrap_or_else(Span::none)
    }
}

enum IsOver {
    No,
    Yes,
}

fn failed(span: &Span, error: &str) {
    span.record("error.type", error);
    span.record("otel.status_code", "ERROR");
}

impl Observer for TracingObserver {
    fn observe(&self, origin: &OriginName, event: &Event) {
        match event {
            Event::RequestStarted { course } => self.start(origin, course),
            Event::RequestSent { course, connection, how } => {
                let span = self.span(origin, course, IsOver::No);
                let (how, attempt) = (*how, course.attempts);
                if attempt > 1 {
                    span.record("http.request.resend_count", attempt - 1);
                }
                match how {
                    How::First => {
                        event!(target: "outlive::request", parent: &span, Level::DEBUG, connection, "sent");
                    }
                    How::Retry | How::Rescue => {
                        let how = how.as_str();
                        event!(target: "outlive::request", parent: &span, Level::INFO, connection, attempt, how, "sent again");
                    }
                }
            }
            Event::RequestAnswered { course, .. } => {
                let span = self.span(origin, course, IsOver::No);
                if let (Some(status), Some(version)) = (course.status, course.version) {
                    span.record("http.response.status_code", status.as_u16());
                    span.record("network.protocol.version", version_number(version));
                    if status.is_client_error() || status.is_server_error() {
                        failed(&span, status.as_str());
                    }
                }
            }
            Event::RequestDone { course } => drop(self.span(origin, course, IsOver::Yes)),
            Event::RequestFailed { course, kind, .. } => {
                failed(&self.span(origin, course, IsOver::Yes), kind.as_str());
            }
            Event::RequestGivenUp { course } => {
                self.span(origin, course, IsOver::Yes).record("error.type", "given_up");
            }
            connection => tell_of_connection(origin, connection),
        }
    }
}

/// An event without a parent.
macro_rules! tell {
    ($level:ident, $origin:expr, $connection:expr, $text:literal $(, $($field:tt)*)?) => {
        event!(
            target: "outlive::connection",
            parent: None,
            Level::$level,
            origin = %$origin,
            connection = $connection,
            $($($field)*,)?
            $text
        )
    };
}

fn tell_of_connection(origin: &OriginName, event: &Event) {
    match event {
        Event::DialStarted { connection } => tell!(DEBUG, origin, connection, "dial started"),
        Event::DialSucceeded { connection, took, version, address } => {
            tell!(DEBUG, origin, connection, "dial succeeded", ?took, ?version, ?address);
        }
        Event::DialFailed { connection, took, kind, error } => {
            tell!(WARN, origin, connection, "dial failed", ?took, kind = kind.as_str(), ?error);
        }
        Event::DialCalledOff { connection, took, reason } => {
            tell!(DEBUG, origin, connection, "dial called off", ?took, reason = reason.as_str());
        }
        Event::ConnectionAsked { connection } => tell!(DEBUG, origin, connection, "asked for proof of life"),
        Event::ConnectionSuspect { connection, silence } => {
            tell!(INFO, origin, connection, "suspect", silence = silence.map(Silence::as_str));
        }
        Event::ConnectionCleared { connection, after } => {
            tell!(INFO, origin, connection, "alive after all", ?after)
        }
        Event::ConnectionDraining { connection, reason, .. } => {
            tell!(DEBUG, origin, connection, "draining", reason = reason.as_str());
        }
        Event::ConnectionActive { connection } => tell!(TRACE, origin, connection, "active"),
        Event::ConnectionIdle { connection } => tell!(TRACE, origin, connection, "idle"),
        Event::ConnectionClosed {
            connection, reason, silence, age, requests, bytes_in, bytes_out, ..
        } => {
            let (reason, silence) = (reason.as_str(), silence.map(Silence::as_str));
            tell!(DEBUG, origin, connection, "closed", reason, silence, ?age, requests, bytes_in, bytes_out);
        }
        // Told elsewhere.
        Event::RequestStarted { .. }
        | Event::RequestSent { .. }
        | Event::RequestAnswered { .. }
        | Event::RequestDone { .. }
        | Event::RequestFailed { .. }
        | Event::RequestGivenUp { .. } => {}
    }
}
