//! Does an error say who is to blame, what was tried, and what to do?

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use outlive::{Body, Client, ErrorKind, Fate, Idempotent, Reason, RequestTimeout, Sent, Silence};
use tokio::net::TcpListener;

use crate::fixture::{Server, Speech, eventually, text};
use crate::raw::{HEADERS, Raw, reset};
use crate::wires::Wires;

/// The first error of this type in the chain of sources.
fn find<T: StdError + 'static>(error: &outlive::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let uri = format!("http://{address}/a?b");
    let error = Client::new().request(get(&uri)).await.unwrap_err();
    assert!(error.is_connect() && !error.is_timeout() && !error.is_body());
    assert_eq!((error.kind().as_str(), error.sent()), ("dial", Sent::Never));
    assert_eq!(error.uri().unwrap(), uri.as_str());
    let origin = error.origin().unwrap();
    assert_eq!((origin.scheme(), origin.host(), origin.port()), ("http", "127.0.0.1", address.port()));
    let io: &std::io::Error = find(&error).expect("the chain has the I/O error");
    assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
    let text = error.to_string();
    assert!(text.contains(&origin.to_string()) && !text.contains("?b"), "no query: {text}");
    assert!(text.contains("check the address"), "advice: {text}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for() {
    let server = Server::start(Speech::Http2Tls).await;
    let error = Client::new().request(server.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind().as_str(), error.is_connect()), ("tls", true), "{error:?}");
    let tls: &rustls::Error = find(&error).expect("the chain has the TLS error");
    assert!(matches!(tls, rustls::Error::InvalidCertificate(_)), "{tls:?}");
}

#[tokio::test]
async fn a_reset_has_its_code() {
    let raw =
        Raw::answering(|_, frame| Some(if frame.kind == HEADERS { reset(frame.stream, 2) } else { vec![] }))
            .await;
    let error = raw.client().request(get(&raw.uri())).await.unwrap_err();
    assert_eq!((error.kind().as_str(), error.sent()), ("peer", Sent::Maybe), "{error:?}");
    let h2: &h2::Error = find(&error).expect("the chain has h2's error");
    assert_eq!(h2.reason(), Some(h2::Reason::INTERNAL_ERROR));
    assert_eq!(error.attempts()[0].reason(), None, "its connection is as good as before");
}

#[tokio::test]
async fn a_connection_that_broke_is_an_io_error() {
    let raw = Raw::answering(|_, frame| if frame.kind == HEADERS { None } else { Some(vec![]) }).await;
    let mut request = get(&raw.uri());
    request.extensions_mut().insert(Idempotent(false));
    let error = raw.client().request(request).await.unwrap_err();
    assert_eq!((error.kind().as_str(), error.sent()), ("lost", Sent::Maybe), "{error:?}");
    assert!(find::<std::io::Error>(&error).is_some(), "{error:?}");
    let [attempt] = error.attempts() else { panic!("{error:?}") };
    assert_eq!((attempt.fate(), attempt.reason()), (Fate::Lost, Some(Reason::Lost)), "{attempt}");
    assert_eq!(attempt.connection_address(), Some(raw.address));
}

/// The attempts tell the story of a connection that died without a sign.
#[tokio::test]
async fn an_attempt_says_why_its_connection_was_left() {
    let server = Server::start(Speech::Http2).await;
    let wires = Wires::to(server.address).await;
    let client = server.client();
    let hello = || {
        let hello = Request::get(server.uri_at(wires.address, "/hello"));
        hello.extension(RequestTimeout(Duration::from_secs(3))).body(Body::empty()).unwrap()
    };
    assert_eq!(text(client.request(hello()).await.unwrap()).await, "hello");
    wires.stall();
    let mut once = hello();
    once.extensions_mut().insert(Idempotent(false));
    let lost = tokio::spawn(client.request(once));
    eventually("it is out", async || client.counts().1 == 1).await;
    // Another one outlives the connection, and its response tells how.
    let response = client.request(hello()).await.unwrap();
    let outlive::Attempts(attempts) = response.extensions().get().unwrap();
    let [left, answered] = &attempts[..] else { panic!("{attempts:?}") };
    assert_eq!((left.fate(), left.reason()), (Fate::LeftBehind, Some(Reason::Silent)), "{left}");
    assert!(left.last_proven().is_some(), "it had answered before: {left}");
    assert_eq!((answered.fate(), answered.reason()), (Fate::Answered, None), "{answered}");
    let error = lost.await.unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let [attempt] = error.attempts() else { panic!("{error:?}") };
    assert_eq!((attempt.fate(), attempt.reason()), (Fate::Out, Some(Reason::Silent)), "{attempt}");
    assert!(attempt.to_string().contains("silent"), "{attempt}");
    // The wire's near end acknowledges what it will never pass on.
    let stalled = cfg!(target_os = "linux").then_some(Silence::PeerStalled);
    assert_eq!((attempt.silence(), error.silence()), (stalled, stalled), "{attempt}");
    assert!(attempt.last_proven().unwrap() > Duration::ZERO);
}

#[tokio::test]
async fn the_queue_says_which_limit_it_was() {
    let server = Server::start(Speech::Http1).await;
    let client = server.builder().max_connections_per_origin(1).max_waiting_requests(0).build();
    let error = client.request(server.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.kind().as_str()), (ErrorKind::Limit, "limit"));
    assert!(error.source().unwrap().to_string().contains("max_waiting_requests"), "{error:?}");
}
