//! Feeds OpenTelemetry's traces: a client span for each request, with the names of the semantic conventions for HTTP.
//!
//! A request's span is a child of what is current where its future is first polled. It is never current itself, so that nothing else
//! becomes its child: a connection's task lives longer than any request. Invariant: a request's span ends with the request,
//! whichever way that ends. Next: [`super::words`].

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Injector, TextMapPropagator};
use opentelemetry::trace::{Span, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue};

use super::event::{Course, Event, How};
use super::observer::Observer;
use super::words::{method_name, span_name, version_number, without_query};
use crate::name::OriginName;

/// Spans by their requests.
type Spans<S> = HashMap<(OriginName, u64), Arc<Mutex<S>>>;

/// An [`Observer`] that makes an OpenTelemetry span for each request: kind `client`, named after its method, a child of the context
/// that is current where the request's future is first polled, ended when request and response are complete, have failed or were
/// given up. One for each client.
///
/// Its attributes: `http.request.method` (and `http.request.method_original`), `server.address`, `server.port`, `url.scheme`,
/// `url.full` (without the query, which may have secrets), `http.response.status_code`, `network.protocol.version`,
/// `http.request.resend_count` and `error.type` (an [`ErrorKind`](crate::ErrorKind) by name, a status from 400 on, or `given_up`).
/// Each sending is an event in it, `sent`, with the number of its connection, `outlive.connection`, and `outlive.how`: `first`,
/// `retry` or `rescue`.
///
/// Nothing is added to requests, unless [`OpenTelemetrySpans::propagating`] asks for it.
///
/// ```
/// let tracer = opentelemetry::global::tracer("my-service");
/// let client = outlive::Client::builder().observer(outlive::OpenTelemetrySpans::new(tracer)).build();
/// ```
pub struct OpenTelemetrySpans<T: Tracer> {
    tracer: T,
    propagator: Option<Box<dyn TextMapPropagator + Send + Sync>>,
    /// Those of requests that have not ended.
    open: Mutex<Spans<T::Span>>,
}

impl<T: Tracer> OpenTelemetrySpans<T> {
    /// Makes the spans with this tracer.
    #[must_use]
    pub fn new(tracer: T) -> Self {
        Self { tracer, propagator: None, open: Mutex::default() }
    }

    /// Has each request carry its span's context in the fields that this propagator writes, such as `traceparent` (W3C Trace
    /// Context), in place of the caller's fields of the same names. All sendings of a request carry the same.
    #[must_use]
    pub fn propagating(mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.propagator = Some(Box::new(propagator));
        self
    }

    fn start(&self, origin: &OriginName, course: &Course) -> T::Span {
        let mut attributes = vec![
            KeyValue::new("http.request.method", method_name(&course.method)),
            KeyValue::new("server.address", origin.host().to_owned()),
            KeyValue::new("server.port", i64::from(origin.port())),
            KeyValue::new("url.scheme", origin.scheme().to_owned()),
            KeyValue::new("url.full", without_query(&course.uri)),
        ];
        if method_name(&course.method) != course.method.as_str() {
            attributes.push(KeyValue::new("http.request.method_original", course.method.to_string()));
        }
        let name = span_name(&course.method);
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Client).with_attributes(attributes);
        self.tracer.build(builder)
    }

    /// Keeps the span of a request that has begun.
    fn keep(&self, origin: &OriginName, course: &Course, span: T::Span) {
        let key = (origin.clone(), course.request);
        let before = lock(&self.open).insert(key, Arc::new(Mutex::new(span)));
        drop(before); // When the table is free again: it is foreign.
    }

    /// Does something to the span of a request. What processes spans may use the client, so the table is free meanwhile.
    fn change(&self, origin: &OriginName, course: &Course, change: impl FnOnce(&mut T::Span)) {
        let span = lock(&self.open).get(&(origin.clone(), course.request)).cloned();
        if let Some(span) = span {
            change(&mut lock(&span));
        }
    }

    fn end(&self, origin: &OriginName, course: &Course, last: impl FnOnce(&mut T::Span)) {
        let ended = lock(&self.open).remove(&(origin.clone(), course.request));
        if let Some(span) = ended {
            let mut span = lock(&span);
            last(&mut span);
            span.end();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(span: &mut impl Span, error: impl Into<opentelemetry::StringValue>) {
    span.set_attribute(KeyValue::new("error.type", error.into()));
    span.set_status(Status::error(""));
}

fn sent(span: &mut impl Span, course: &Course, connection: u64, how: How) {
    let connection = i64::try_from(connection).unwrap_or(i64::MAX);
    let attributes =
        [KeyValue::new("outlive.connection", connection), KeyValue::new("outlive.how", how.as_str())];
    span.add_event("sent", attributes.into());
    if course.attempts > 1 {
        span.set_attribute(KeyValue::new("http.request.resend_count", i64::from(course.attempts - 1)));
    }
}

fn answered(span: &mut impl Span, course: &Course) {
    let (Some(status), Some(version)) = (course.status, course.version) else { return };
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    span.set_attribute(KeyValue::new("network.protocol.version", version_number(version)));
    if status.is_client_error() || status.is_server_error() {
        failed(span, status.as_str().to_owned());
    }
}

impl<T> Observer for OpenTelemetrySpans<T>
where
    T: Tracer<Span: Send + 'static> + Send + Sync + 'static,
{
    fn observe(&self, origin: &OriginName, event: &Event) {
        match event {
            Event::RequestStarted { course } => {
                // `propagate` may have begun it.
                let is_kept = lock(&self.open).contains_key(&(origin.clone(), course.request));
                if !is_kept {
                    self.keep(origin, course, self.start(origin, course));
                }
            }
            Event::RequestSent { course, connection, how } => {
                self.change(origin, course, |span| sent(span, course, *connection, *how));
            }
            Event::RequestAnswered { course, .. } => {
                self.change(origin, course, |span| answered(span, course))
            }
            Event::RequestDone { course } => self.end(origin, course, |_| {}),
            Event::RequestFailed { course, kind, .. } => {
                self.end(origin, course, |span| failed(span, kind.as_str()));
            }
            Event::RequestGivenUp { course } => {
                // Its caller's wish, and no error.
                self.end(origin, course, |span| span.set_attribute(KeyValue::new("error.type", "given_up")));
            }
            // Connections belong to no request.
            Event::DialStarted { .. }
            | Event::DialSucceeded { .. }
            | Event::DialFailed { .. }
            | Event::DialCalledOff { .. }
            | Event::ConnectionAsked { .. }
            | Event::ConnectionSuspect { .. }
            | Event::ConnectionCleared { .. }
            | Event::ConnectionDraining { .. }
            | Event::ConnectionActive { .. }
            | Event::ConnectionIdle { .. }
            | Event::ConnectionClosed { .. } => {}
        }
    }

    fn propagate(&self, origin: &OriginName, course: &Course, fields: &mut HeaderMap) {
        let Some(propagator) = &self.propagator else { return };
        let span = self.start(origin, course);
        let context = Context::current().with_remote_span_context(span.span_context().clone());
        propagator.inject_context(&context, &mut Fields(fields));
        self.keep(origin, course, span);
    }
}

/// Header fields, as propagators write them.
struct Fields<'a>(&'a mut HeaderMap);

impl Injector for Fields<'_> {
    fn set(&mut self, key: &str, value: String) {
        // What is no field can't be sent; an observer is no reason for a request to fail.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

impl<T: Tracer> fmt::Debug for OpenTelemetrySpans<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetrySpans").field("propagator", &self.propagator).finish_non_exhaustive()
    }
}
