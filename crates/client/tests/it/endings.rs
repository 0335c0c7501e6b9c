//! What happens when a server refuses, leaves, or dies?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Full};
use outlive::{Client, Connect, Connecting, Destination, ErrorKind, Fate, Idempotent, Sent};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::fixture::{SERVER_STREAMS, Server, Speech, at_rest, eventually, text};
use crate::raw::{DATA, HEADERS, Raw, goaway, ok, reset};

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = outlive::Client::new();
    let request = Request::get(format!("http://{address}/")).body(Empty::<Bytes>::new()).unwrap();
    let error = client.request(request).await.unwrap_err();
    assert_eq!((error.kind(), error.sent(), error.attempts()), (ErrorKind::Dial, Sent::Never, &[][..]));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(format!("{error:?}").contains("ConnectionRefused"), "{error:?}");
    at_rest(&client).await;
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again() {
    for speech in [Speech::Http1, Speech::Http2] {
        let server = Server::start(speech).await;
        let client = server.client();
        let request = server.get("/hello");
        assert_eq!(text(client.request(request.clone()).await.unwrap()).await, "hello");
        let address = server.stop().await;
        eventually("the connection is gone", async || client.counts().2 == 0).await;
        assert_eq!(client.request(request.clone()).await.unwrap_err().kind(), ErrorKind::Dial);
        let server = Server::at(speech, address, SERVER_STREAMS).await;
        assert_eq!(text(client.request(request).await.unwrap()).await, "hello", "{speech:?}");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_server_that_dies_takes_what_it_has() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let mut request = server.get("/gate");
        request.extensions_mut().insert(Idempotent(false));
        let waiting = tokio::spawn(client.request(request));
        let endless = client.request(server.get("/endless")).await.unwrap();
        eventually("both arrived", async || server.busy() == 2).await;
        server.stop().await;
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Lost, Sent::Maybe), "{speech:?}: {error:?}");
        assert_eq!(error.attempts().len(), 1);
        assert!(std::error::Error::source(&error).is_some(), "{speech:?}: {error:?}");
        let error = http_body_util::BodyExt::collect(endless.into_body()).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Lost, Sent::Maybe), "{speech:?}: {error:?}");
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn a_server_that_says_goodbye_loses_nothing() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let waiting = tokio::spawn(client.request(server.get("/gate")));
        eventually("it arrived", async || server.busy() == 1).await;
        server.say_goodbye();
        // While new requests come all the time, the old connection drains.
        eventually("another connection is used", async || {
            assert_eq!(
                text(client.request(server.get("/hello")).await.unwrap()).await,
                "hello",
                "{speech:?}"
            );
            server.connections() == 2
        })
        .await;
        server.open_gate();
        assert_eq!(text(waiting.await.unwrap().unwrap()).await, "open", "{speech:?}");
        at_rest(&client).await;
        eventually("the old one is closed", async || server.open() == 1).await;
    }
}

#[tokio::test]
async fn what_goaway_excludes_is_sent_again() {
    // On its first connection the server processes stream 1 only, and says so when it sees stream 3.
    let raw = Raw::answering(|connection, frame| match (connection, frame.kind, frame.stream) {
        (0, HEADERS, 1) => Some(vec![]),
        (0, HEADERS, 3) => Some([goaway(1, 0), ok(1)].concat()),
        (_, HEADERS, stream) => Some(ok(stream)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let get = || Request::get(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
    let (first, second) = tokio::join!(client.request(get()), client.request(get()));
    assert_eq!((first.unwrap().status().as_u16(), second.unwrap().status().as_u16()), (200, 200));
    assert_eq!(raw.connections(), 2);
    at_rest(&client).await;
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_if_it_can_be() {
    let refuse = AtomicBool::new(true);
    let raw = Raw::answering(move |_, frame| match frame.kind {
        HEADERS if refuse.fetch_xor(true, SeqCst) => Some(reset(frame.stream, 7)),
        HEADERS => Some(ok(frame.stream)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let request = Request::post(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(client.request(request).await.unwrap().status(), 200);
    // A body that was begun is gone; but it is known that nobody acted on it.
    let request = Request::post(raw.uri()).body(Full::<Bytes>::from("once").boxed()).unwrap();
    let error = client.request(request).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Refused, Sent::Never), "{error:?}");
    assert_eq!(error.attempts()[0].fate(), Fate::Refused);
    assert_eq!(raw.connections(), 1);
    at_rest(&client).await;
}

#[tokio::test]
async fn an_endless_refusal_ends() {
    let raw = Raw::answering(|_, frame| match frame.kind {
        HEADERS => Some(reset(frame.stream, 7)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let error =
        client.request(Request::get(raw.uri()).body(Empty::<Bytes>::new()).unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Refused, Sent::Never), "{error:?}");
    assert!(
        error.attempts().len() > 1 && error.attempts().iter().all(|attempt| attempt.fate() == Fate::Refused)
    );
    at_rest(&client).await;
}

#[tokio::test]
async fn a_reset_stream_costs_no_connection() {
    let raw = Raw::answering(|_, frame| match (frame.kind, frame.stream) {
        (HEADERS, 1) => Some(reset(1, 2)),
        (HEADERS, stream) => Some(ok(stream)),
        (DATA, _) => Some(vec![]),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let post = || Request::post(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
    let error = client.request(post()).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Peer, Sent::Maybe), "{error:?}");
    assert_eq!(client.request(post()).await.unwrap().status(), 200);
    assert_eq!(raw.connections(), 1);
    at_rest(&client).await;
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol() {
    // DATA on a stream that was never opened.
    let raw = Raw::answering(|connection, frame| match (connection, frame.kind) {
        (0, HEADERS) => Some(crate::raw::frame(DATA, 0, 99, b"?")),
        (_, HEADERS) => Some(ok(frame.stream)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let post = || Request::post(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
    let error = client.request(post()).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Peer, Sent::Maybe), "{error:?}");
    assert_eq!(client.request(post()).await.unwrap().status(), 200);
    at_rest(&client).await;
}

#[tokio::test]
async fn a_server_that_hangs_up_after_each_answer() {
    let raw = Raw::answering(|connection, frame| match frame.kind {
        HEADERS if frame.stream == 1 => Some(ok(1)),
        HEADERS => None,
        _ => Some(vec![]).filter(|_| connection < 1000),
    })
    .await;
    let client = raw.client();
    for _ in 0..3 {
        let post = || Request::post(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(client.request(post()).await.unwrap().status(), 200);
        let error = client.request(post()).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Lost, Sent::Maybe), "{error:?}");
    }
    assert_eq!(raw.connections(), 3);
    at_rest(&client).await;
}

/// Says for how long it keeps a connection, over HTTP/1.1 and in memory.
struct Keeping {
    says: &'static str,
    connections: AtomicUsize,
}

impl Connect for Keeping {
    fn connect<'a>(&'a self, _to: &'a Destination) -> Connecting<'a> {
        self.connections.fetch_add(1, SeqCst);
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let says = self.says;
        tokio::spawn(async move {
            let mut request = Vec::new();
            while let Ok(byte) = far.read_u8().await {
                request.push(byte);
                if request.ends_with(b"\r\n\r\n") {
                    request.clear();
                    let response = format!("HTTP/1.1 200 OK\r\n{says}content-length: 2\r\n\r\nok");
                    far.write_all(response.as_bytes()).await.unwrap();
                }
            }
        });
        Box::pin(async { Ok(Box::new(near) as _) })
    }
}

/// In virtual time. A server that closes what is unused meets a request half-way; one that says when is not given any then.
#[tokio::test(start_paused = true)]
async fn a_server_says_how_long_it_keeps_a_connection() {
    let table =
        [("keep-alive: timeout=5\r\n", 3_900, 1), ("keep-alive: timeout=5\r\n", 4_100, 2), ("", 60_000, 1)];
    for (says, pause, connections) in table {
        let server = Arc::new(Keeping { says, connections: AtomicUsize::new(0) });
        let client = Client::builder().connector(Arc::clone(&server)).build();
        for _ in 0..2 {
            let response = client.post("http://localhost/").send().await.unwrap();
            assert_eq!(response.text().await.unwrap(), "ok");
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        assert_eq!(server.connections.load(SeqCst), connections, "{says} {pause} ms");
    }
}
