//! Does a shutdown lose a request that was accepted, or let one in that was not?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use outlive::{ErrorKind, Sent};
use tokio::task::JoinSet;

use crate::fixture::{FLOOD, Server, Speech, eventually, text};
use crate::raw::{GOAWAY, HEADERS, Raw, ok};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_nothing_accepted_is_lost() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.builder().min_connections_per_origin(2).build();
        let answered = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..16 {
            let (client, request, answered) = (client.clone(), server.get("/hello"), Arc::clone(&answered));
            workers.spawn(async move {
                loop {
                    match client.request(request.clone()).await {
                        Ok(response) => {
                            assert_eq!(text(response).await, "hello");
                            answered.fetch_add(1, SeqCst);
                        }
                        Err(error) => {
                            assert_eq!((error.kind(), error.sent()), (ErrorKind::Shutdown, Sent::Never));
                            return;
                        }
                    }
                }
            });
        }
        eventually("there is load", async || answered.load(SeqCst) > 200).await;
        let left = client.shutdown(LONG).await;
        assert!(left.is_nothing(), "{speech:?}: {left}");
        workers.join_all().await;
        assert_eq!(server.requests(), answered.load(SeqCst), "{speech:?}: each was sent once, and answered");
        assert_eq!(client.counts(), (0, 0, 0), "{speech:?}");
        eventually("all connections are closed", async || server.open() == 0).await;
    }
}

#[tokio::test]
async fn what_is_accepted_runs_to_the_end_of_its_body() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let response = client.request(server.get("/flood")).await.unwrap();
        let waiting = tokio::spawn(client.request(server.get("/gate")));
        eventually("both arrived", async || server.requests() == 2).await;
        let shutdown = tokio::spawn(client.shutdown(LONG));
        let late = client.request(server.get("/hello")).await.unwrap_err();
        assert_eq!((late.kind(), late.sent()), (ErrorKind::Shutdown, Sent::Never), "{speech:?}: {late}");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), FLOOD, "{speech:?}");
        assert!(!shutdown.is_finished(), "one is still out");
        server.open_gate();
        assert_eq!(text(waiting.await.unwrap().unwrap()).await, "open", "{speech:?}");
        assert!(shutdown.await.unwrap().is_nothing(), "{speech:?}");
        eventually("all connections are closed", async || server.open() == 0).await;
    }
}

#[tokio::test]
async fn the_deadline_cuts_what_is_left() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let waiting = tokio::spawn(client.request(server.get("/gate")));
        eventually("it arrived", async || server.busy() == 1).await;
        let mut body = client.request(server.get("/endless")).await.unwrap().into_body();
        let left = client.shutdown(Duration::ZERO).await;
        let connections = if speech.is_http2() { 1 } else { 2 };
        assert_eq!((left.requests, left.connections), (2, connections), "{speech:?}");
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Shutdown, Sent::Maybe), "{speech:?}: {error:?}");
        let error = loop {
            if let Err(error) = body.frame().await.unwrap() {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::Shutdown, "{speech:?}: {error:?}");
        drop(body);
        assert_eq!(client.counts(), (0, 0, 0), "{speech:?}");
        eventually("all connections are closed", async || server.open() == 0).await;
        // Once more does no harm.
        assert!(client.shutdown(LONG).await.is_nothing());
    }
}

/// A future that nobody polled yet is not accepted, however early it was made.
#[tokio::test]
async fn what_was_not_polled_is_refused() {
    let server = Server::start(Speech::Http2).await;
    let client = server.client();
    let early = client.request(server.get("/hello"));
    assert!(client.shutdown(LONG).await.is_nothing());
    let error = early.await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Shutdown, Sent::Never));
    assert_eq!((server.requests(), client.counts()), (0, (0, 0, 0)));
}

#[tokio::test]
async fn http2_says_goodbye() {
    let said = Arc::new(AtomicBool::new(false));
    let hears = Arc::clone(&said);
    let raw = Raw::answering(move |_, frame| {
        hears.fetch_or(frame.kind == GOAWAY, SeqCst);
        Some(if frame.kind == HEADERS { ok(frame.stream) } else { vec![] })
    })
    .await;
    let client = raw.client();
    let request = Request::get(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(client.request(request).await.unwrap().status(), 200);
    assert!(client.shutdown(LONG).await.is_nothing());
    eventually("the server has heard", async || said.load(SeqCst)).await;
}
