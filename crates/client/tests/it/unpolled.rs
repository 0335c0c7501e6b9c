//! What becomes of a request whose future is not polled for a while, beside a busy sibling in one task, say?
//!
//! All that happened meanwhile is found when it is polled: answers, refusals, rescues.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Empty;
use outlive::{Attempts, Client, Fate, Protocol, ResponseFuture};
use tokio::net::TcpListener;

use crate::fixture::{at_rest, eventually};
use crate::raw::{HEADERS, Pongs, Raw, converse, goaway, ok, reset};

/// A request that the pool knows of, and that waits for a connection.
async fn waiting(client: &Client, uri: String, method: Method) -> Pin<Box<ResponseFuture>> {
    let request = Request::builder().method(method).uri(uri).body(Empty::<Bytes>::new()).unwrap();
    let mut response = Box::pin(client.request(request));
    let is_pending = poll_fn(|cx| Poll::Ready(response.as_mut().poll(cx).is_pending())).await;
    assert!(is_pending, "it waits for a connection");
    response
}

/// The request may not be sent twice, and its answer was there.
#[tokio::test]
async fn an_answer_outlives_its_connection() {
    let raw = Raw::answering(|_, frame| match frame.kind {
        HEADERS => Some([ok(frame.stream), goaway(frame.stream, 0)].concat()),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let response = waiting(&client, raw.uri(), Method::POST).await;
    eventually("the connection has come and gone", async || raw.connections() == 1 && client.counts().2 == 0)
        .await;
    assert_eq!(response.await.unwrap().status(), 200);
    at_rest(&client).await;
}

/// The request may not be sent twice, but nobody has acted on it.
#[tokio::test]
async fn a_refusal_outlives_its_connection() {
    let raw = Raw::answering(|connection, frame| match (connection, frame.kind) {
        (0, HEADERS) => Some([reset(frame.stream, 7), goaway(frame.stream, 0)].concat()),
        (_, HEADERS) => Some(ok(frame.stream)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let response = waiting(&client, raw.uri(), Method::POST).await;
    eventually("it was sent again", async || raw.connections() == 2).await;
    assert_eq!(response.await.unwrap().status(), 200);
    at_rest(&client).await;
}

/// It was sent again when its connection had ended, and then its first answer was found.
#[tokio::test]
async fn an_answer_that_was_thought_lost_is_named_the_answer() {
    let retries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&retries);
    let raw = Raw::answering(move |connection, frame| match (connection, frame.kind) {
        (0, HEADERS) => Some([ok(frame.stream), goaway(frame.stream, 0)].concat()),
        (_, HEADERS) => {
            count.fetch_add(1, SeqCst);
            Some(vec![])
        }
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let response = waiting(&client, raw.uri(), Method::GET).await;
    eventually("it was sent again", async || retries.load(SeqCst) == 1).await;
    let response = response.await.unwrap();
    let Attempts(attempts) = response.extensions().get().unwrap();
    let fates: Vec<_> = attempts.iter().map(outlive::Attempt::fate).collect();
    assert_eq!(fates, [Fate::Answered, Fate::LeftBehind]);
}

/// It was sent, then rescued. Both are followed from the first poll on, so the rescue wins while the first is still out.
#[tokio::test]
async fn a_rescue_is_found_beside_what_it_rescues() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    tokio::spawn(async move {
        let (silent, _) = listener.accept().await.unwrap();
        tokio::spawn(async move { converse(silent, Pongs::None, |_| Some(vec![])).await });
        while let Ok((tcp, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            let answer = move |frame: crate::raw::Frame| match frame.kind {
                HEADERS => {
                    count.fetch_add(1, SeqCst);
                    Some(ok(frame.stream))
                }
                _ => Some(vec![]),
            };
            tokio::spawn(async move { converse(tcp, Pongs::All, answer).await });
        }
    });
    let client = Client::builder().protocol(Protocol::Http2).build();
    let response = waiting(&client, uri, Method::GET).await;
    eventually("it was rescued", async || answered.load(SeqCst) == 1).await;
    let response = response.await.unwrap();
    let Attempts(attempts) = response.extensions().get().unwrap();
    let fates: Vec<_> = attempts.iter().map(outlive::Attempt::fate).collect();
    assert_eq!(fates, [Fate::LeftBehind, Fate::Answered]);
}
