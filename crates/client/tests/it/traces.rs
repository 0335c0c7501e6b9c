//! Is a request an OpenTelemetry span, with the conventions' names, and does the server learn of it where that is asked for?

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use http::Request;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue};
use outlive::{Body, Client, OpenTelemetrySpans};

use crate::fixture::{Server, Speech, at_rest, eventually, text};
use crate::raw::{HEADERS, Raw, ok, reset};

/// Writes down what is told of spans, one line each.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

struct Noted {
    context: SpanContext,
    notes: Notes,
}

impl Notes {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    #[track_caller]
    fn check(&self, line: &str) {
        let lines = self.0.lock().unwrap();
        assert!(lines.iter().any(|noted| noted == line), "{line} is not among {lines:#?}");
    }

    fn count(&self, line: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|noted| *noted == line).count()
    }
}

fn context(trace: u128, span: u64) -> SpanContext {
    let (trace, span) = (TraceId::from(trace), SpanId::from(span));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
}

impl Tracer for Notes {
    type Span = Noted;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Noted {
        let SpanBuilder { name, span_kind, attributes, .. } = builder;
        let mut span = Noted { context: context(7, 9), notes: self.clone() };
        let parent = parent.span().span_context().span_id();
        assert_eq!(span_kind, Some(SpanKind::Client));
        self.note(format!("start {name} under {parent}"));
        span.set_attributes(attributes.into_iter().flatten());
        span
    }
}

impl Span for Noted {
    fn add_event_with_timestamp<T>(&mut self, name: T, _at: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        let attributes: Vec<_> = attributes.iter().map(|a| format!(" {}={}", a.key, a.value)).collect();
        self.notes.note(format!("event {}{}", name.into(), attributes.concat()));
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        true
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.notes.note(format!("{}={}", attribute.key, attribute.value));
    }

    fn set_status(&mut self, status: Status) {
        self.notes.note(format!("{status:?}"));
    }

    fn update_name<T>(&mut self, _name: T)
    where
        T: Into<Cow<'static, str>>,
    {
    }

    fn add_link(&mut self, _context: SpanContext, _attributes: Vec<KeyValue>) {}

    fn end_with_timestamp(&mut self, _at: SystemTime) {
        self.notes.note("end".into());
    }
}

/// `traceparent`, as the W3C has it.
#[derive(Debug)]
struct Traceparent;

impl TextMapPropagator for Traceparent {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let of = span.span_context();
        injector.set("traceparent", format!("00-{}-{}-01", of.trace_id(), of.span_id()));
        injector.set("connection", "close".into()); // is none of its business
        injector.set("no name", "x".into());
    }

    fn extract_with_context(&self, context: &Context, _from: &dyn Extractor) -> Context {
        context.clone()
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

#[tokio::test]
async fn a_request_is_a_span() {
    for speech in [Speech::Http1, Speech::Http2] {
        let notes = Notes::default();
        let server = Server::start(speech).await;
        let client = server.builder().observer(OpenTelemetrySpans::new(notes.clone())).build();
        let caller = Context::new().with_remote_span_context(context(7, 8)).attach();
        let response = client.request(server.get("/hello?secret")).await.unwrap();
        drop(caller);
        assert_eq!(text(response).await, "hello");
        at_rest(&client).await;
        let port = server.address.port();
        for line in [
            "start GET under 0000000000000008",
            "http.request.method=GET",
            "server.address=localhost",
            &format!("server.port={port}"),
            "url.scheme=http",
            &format!("url.full=http://localhost:{port}/hello?..."),
            "event sent outlive.connection=2 outlive.how=first",
            "http.response.status_code=200",
            if speech.is_http2() { "network.protocol.version=2" } else { "network.protocol.version=1.1" },
            "end",
        ] {
            notes.check(line);
        }
        // Nothing was added, and methods that nobody knows are all the same.
        let request = Request::builder().method("BREW").uri(server.uri("/header/traceparent"));
        assert_eq!(text(client.request(request.body(Body::empty()).unwrap()).await.unwrap()).await, "");
        notes.check("start HTTP under 0000000000000000");
        notes.check("http.request.method=_OTHER");
        notes.check("http.request.method_original=BREW");
        // It ends when it is given up, too.
        drop(tokio::time::timeout(std::time::Duration::ZERO, client.request(server.get("/gate"))).await);
        eventually("all have ended", async || notes.count("end") == 3).await;
        notes.check("error.type=given_up");
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_and_one_that_fails() {
    let raw = Raw::answering(|_, frame| match (frame.kind, frame.stream) {
        (HEADERS, 1) => Some(reset(1, 0)),
        (HEADERS, 5) => Some(reset(5, 1)),
        (HEADERS, stream) => Some(ok(stream)),
        _ => Some(vec![]),
    })
    .await;
    let notes = Notes::default();
    let builder = Client::builder().protocol(outlive::Protocol::Http2);
    let client = builder.observer(OpenTelemetrySpans::new(notes.clone())).build();
    let get = || Request::get(raw.uri()).body(Body::empty()).unwrap();
    client.request(get()).await.unwrap();
    notes.check("event sent outlive.connection=1 outlive.how=retry");
    notes.check("http.request.resend_count=1");
    client.request(get()).await.unwrap_err();
    notes.check("error.type=peer");
    notes.check("Error { description: \"\" }");
    assert_eq!(notes.count("end"), 2);
}

#[tokio::test]
async fn the_server_learns_of_it_where_that_is_asked_for() {
    for speech in [Speech::Http1, Speech::Http2] {
        let notes = Notes::default();
        let server = Server::start(speech).await;
        let spans = OpenTelemetrySpans::new(notes.clone()).propagating(Traceparent);
        let client = server.builder().observer(spans).build();
        for _ in 0..2 {
            let mut request = server.get("/header/traceparent");
            request.headers_mut().insert("traceparent", "the caller's own".parse().unwrap());
            let told = text(client.request(request).await.unwrap()).await;
            assert_eq!(told, "00-00000000000000000000000000000007-0000000000000009-01", "{speech:?}");
        }
        at_rest(&client).await;
        assert_eq!((server.connections(), notes.count("end")), (1, 2), "{speech:?}");
        assert_eq!(notes.count("start GET under 0000000000000000"), 2);
    }
}
