//! Is a request's span the child of its caller's, and does a connection live outside of both?

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument as _, Metadata, Subscriber};

use crate::fixture::{Server, Speech, at_rest, text};

/// Writes down what it is told, and knows no current span but by name.
#[derive(Clone, Default)]
struct Notes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    last: AtomicU64,
    lines: Mutex<Vec<String>>,
}

impl Notes {
    fn note(&self, line: String) {
        self.0.lines.lock().unwrap().push(line);
    }

    fn has(&self, part: &str) -> bool {
        self.0.lines.lock().unwrap().iter().any(|line| line.contains(part))
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("outlive")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.last.fetch_add(1, SeqCst) + 1;
        self.note(format!("new {id} contextual={} {:?}", span.is_contextual(), span.values()));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.note(format!("record {} {values:?}", span.into_u64()));
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let target = event.metadata().target();
        self.note(format!("event {target} root={} contextual={}", event.is_root(), event.is_contextual()));
    }

    fn enter(&self, span: &Id) {
        self.note(format!("enter {}", span.into_u64()));
    }

    fn exit(&self, _span: &Id) {}

    fn try_close(&self, span: Id) -> bool {
        self.note(format!("drop {}", span.into_u64()));
        true
    }
}

#[tokio::test]
async fn a_request_has_a_span_and_a_connection_has_none() {
    let server = Server::start(Speech::Http2).await;
    let client = server.builder().observer(outlive::TracingObserver::new()).build();
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    let caller = tracing::info_span!(target: "outlive-tests", "caller"); // the first span: 1
    let response = client.request(server.get("/hello")).instrument(caller).await.unwrap();
    assert_eq!(text(response).await, "hello");
    at_rest(&client).await;
    assert!(notes.has("new 2 contextual=true"), "a child of what its caller is in");
    assert!(notes.has("otel.kind") && notes.has("http.request.method"));
    assert!(notes.has("record 2") && notes.has("http.response.status_code"));
    assert!(notes.has("network.protocol.version: \"2\""), "as OpenTelemetry writes it");
    assert!(notes.has("drop 2"), "it has ended");
    assert!(!notes.has("enter 2"), "nothing else becomes its child");
    assert!(notes.has("event outlive::connection root=true contextual=false"));
    assert!(!notes.has("event outlive::connection root=false"));
}
