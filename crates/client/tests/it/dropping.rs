//! Is it safe to drop anything, at any point?

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Future;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use outlive::{Client, OnInformational, RequestTimeout};

use crate::fixture::{Server, Speech, at_rest, eventually, feed, frames, text};

/// Polls a future at most `polls` times, each after everything else that is ready, and then drops it.
async fn drop_after<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let mut once = Poll::Pending;
        std::future::poll_fn(|cx| {
            once = future.as_mut().poll(cx);
            Poll::Ready(())
        })
        .await;
        if let Poll::Ready(output) = once {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// One request of the kind `path`, read to its end.
async fn exchange(server: &Server, client: &Client, path: &str) {
    let body = match path {
        "/echo" => frames(&["some", "words", "to", "say"], None).boxed(),
        "/count" => Full::<Bytes>::from(vec![b'x'; 300_000]).boxed(),
        _ => http_body_util::Empty::<Bytes>::new().boxed(),
    };
    let request = Request::post(server.uri(path)).body(body).unwrap();
    let Ok(response) = client.request(request).await else { return };
    _ = response.into_body().collect().await;
}

/// Says, when a test fails, what the pool saw and did, if its client was built to write that down.
struct Witness<'a>(&'a Server, &'a Client);

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        let trace = self.1.trace(&self.0.uri("/").parse().unwrap());
        if let (true, Some(trace)) = (std::thread::panicking(), trace) {
            eprintln!("{:?}\n{trace}", self.1);
        }
    }
}

/// After whatever was dropped: new requests work, and nothing is left behind.
async fn nothing_leaks(server: &Server, client: &Client, what: &str) {
    assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello", "{what}");
    let _witness = Witness(server, client);
    at_rest(client).await;
    eventually(&format!("the server has heard of {what}"), async || server.busy() == 0).await;
}

#[tokio::test]
async fn a_request_dropped_after_any_number_of_polls() {
    for speech in Speech::ALL {
        for path in ["/hello", "/echo", "/count", "/big", "/endless", "/gate"] {
            let server = Server::start(speech).await;
            let new_client = || server.builder().trace(|_| true).build();
            let mut client = new_client();
            for polls in (0..40).chain([60, 100, 200]) {
                drop_after(exchange(&server, &client, path), polls).await;
                nothing_leaks(&server, &client, &format!("{speech:?} {path} dropped after {polls} polls"))
                    .await;
                if speech.is_http2() && client.counts().2 > 1 {
                    // A drop closes nothing; one whose answer is late makes the pool doubt, and at worst dial.
                    assert!(client.counts().2 <= 4, "{speech:?} {path}: {client:?}");
                    // From here on the one would get what is dropped, and the other all that is answered: without answers
                    // the pool asks the first for proof ever more rarely (P9), up to once a minute.
                    client = new_client();
                }
            }
        }
    }
}

/// What has ended needs no drop: with the error or the answer in hand, a caller may keep the future.
#[tokio::test]
async fn a_future_that_is_kept_after_its_end() {
    for speech in Speech::ALL {
        for path in ["/gate", "/hello"] {
            let server = Server::start(speech).await;
            let client = server.builder().trace(|_| true).build();
            let callback = Arc::new(());
            let told = Arc::clone(&callback);
            let mut request = server.get(path);
            request.extensions_mut().insert(OnInformational::new(move |_| _ = &told));
            request.extensions_mut().insert(RequestTimeout(Duration::from_millis(100)));
            let mut kept = pin!(client.request(request));
            drop(kept.as_mut().await);
            nothing_leaks(&server, &client, &format!("{speech:?} {path} kept")).await;
            assert_eq!(Arc::strong_count(&callback), 1, "{speech:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_future_that_is_kept_does_not_keep_its_body() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let (feeds, body) = feed();
        let mut request = Request::post(server.uri("/gate")).body(body).unwrap();
        request.extensions_mut().insert(RequestTimeout(Duration::from_millis(100)));
        let mut kept = pin!(client.request(request));
        kept.as_mut().await.unwrap_err();
        eventually(&format!("{speech:?}: the body is gone"), async || feeds.is_closed()).await;
    }
}

/// Many threads, everything at once: what is dropped, when, and when the server leaves, is chance.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn chaos() {
    const PATHS: [&str; 6] = ["/hello", "/echo", "/count", "/big", "/endless", "/gate"];
    for speech in Speech::ALL {
        let server = Arc::new(Server::start(speech).await);
        let client = server.builder().max_streams_per_connection(5).build();
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..16_u64 {
            let (server, client) = (Arc::clone(&server), client.clone());
            workers.spawn(async move {
                let mut chance = worker + 1;
                for _ in 0..60 {
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let (path, polls) = (PATHS[(chance >> 33) as usize % 6], (chance >> 40) as usize % 50);
                    drop_after(exchange(&server, &client, path), polls).await;
                    if polls == 7 {
                        server.say_goodbye();
                    }
                }
            });
        }
        while let Some(worker) = workers.join_next().await {
            worker.unwrap();
        }
        for _ in 0..20 {
            assert_eq!(
                text(client.request(server.get("/hello")).await.unwrap()).await,
                "hello",
                "{speech:?}"
            );
        }
        assert_eq!(client.counts().0, 0, "{speech:?}: requests");
        // What was given up may wait long for its reset, because asking for proof is polite (P9); not beyond this:
        drop(client);
        eventually("the server is at rest", async || (server.open(), server.busy()) == (0, 0)).await;
    }
}

#[tokio::test]
async fn a_crowd_dropped_in_the_middle() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..40 {
            requests.spawn(client.request(server.get("/gate")));
        }
        eventually("some arrived", async || server.busy() >= 4).await;
        requests.shutdown().await;
        nothing_leaks(&server, &client, &format!("{speech:?}")).await;
    }
}

#[tokio::test]
async fn a_body_that_is_not_read() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        for path in ["/endless", "/big", "/flood", "/hello"] {
            drop(client.request(server.get(path)).await.unwrap());
            nothing_leaks(&server, &client, &format!("{speech:?} {path}")).await;
        }
    }
}

#[tokio::test]
async fn a_client_closes_its_connections() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let other = client.clone();
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        drop(client);
        // A clone keeps them, and so does a response that is being read.
        let response = other.request(server.get("/big")).await.unwrap();
        drop(other);
        assert_eq!(text(response).await.len(), 10_000_000);
        assert_eq!(server.connections(), 1, "{speech:?}");
        eventually(&format!("{speech:?} connections are closed"), async || server.open() == 0).await;
    }
}

#[test]
fn a_client_outlives_its_runtime() {
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for speech in Speech::ALL {
        let server = servers.block_on(Server::start(speech));
        let client = server.client();
        for _ in 0..3 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let left_open = runtime.block_on(async {
                assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
                client.request(server.get("/endless")).await.unwrap()
            });
            drop(runtime);
            drop(left_open);
        }
    }
}
