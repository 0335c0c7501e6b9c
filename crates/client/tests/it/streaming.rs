//! Does it stream, both ways, and only as fast as the other end takes?

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use outlive::ErrorKind;

use crate::fixture::{FLOOD, Server, Speech, at_rest, eventually, feed, frames, settled, text};

#[tokio::test]
async fn ten_megabytes_up_and_down() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let body = Full::<Bytes>::from(vec![b'x'; 10_000_000]);
        let up = client.request(Request::post(server.uri("/count")).body(body).unwrap());
        assert_eq!(text(up.await.unwrap()).await, "10000000", "{speech:?}");
        let down = client.request(server.get("/big")).await.unwrap();
        assert_eq!(down.body().size_hint().exact(), Some(10_000_000), "{speech:?}");
        assert_eq!(text(down).await.len(), 10_000_000, "{speech:?}");
        at_rest(&client).await;
        assert_eq!(server.connections(), 1, "{speech:?}");
    }
}

#[tokio::test]
async fn a_conversation_with_trailers() {
    let server = Server::start(Speech::Http2Tls).await;
    let client = server.client();
    let (say, body) = feed();
    let response = client.request(Request::post(server.uri("/echo")).body(body).unwrap()).await.unwrap();
    let mut echo = response.into_body();
    for word in ["one", "two", "three"] {
        say.send(Ok(Frame::data(Bytes::from(word)))).await.unwrap();
        assert_eq!(echo.frame().await.unwrap().unwrap().into_data().unwrap(), word);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("sum", "6".parse().unwrap());
    say.send(Ok(Frame::trailers(trailers.clone()))).await.unwrap();
    assert_eq!(echo.frame().await.unwrap().unwrap().into_trailers().unwrap(), trailers);
    assert!(echo.frame().await.is_none());
    at_rest(&client).await;
}

#[tokio::test]
async fn the_request_goes_on_while_nobody_reads_the_response() {
    let server = Server::start(Speech::Http2).await;
    let client = server.client();
    let (say, body) = feed();
    let response = client.request(Request::post(server.uri("/echo")).body(body).unwrap()).await.unwrap();
    for _ in 0..20 {
        say.send(Ok(Frame::data(Bytes::from_static(b"word")))).await.unwrap();
    }
    drop(say);
    assert_eq!(text(response).await, "word".repeat(20));
    at_rest(&client).await;
}

#[tokio::test]
async fn a_body_of_unknown_length() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let post = Request::post(server.uri("/echo")).body(frames(&["a", "bc", "", "def"], None)).unwrap();
        assert_eq!(text(client.request(post).await.unwrap()).await, "abcdef", "{speech:?}");
    }
}

/// Never ends, and counts what was asked of it.
struct Fountain(Arc<AtomicUsize>);

impl Body for Fountain {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(16_384, SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16_384])))))
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_is_not_flooded() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let drawn = Arc::new(AtomicUsize::new(0));
        let post = Request::post(server.uri("/gate")).body(Fountain(Arc::clone(&drawn))).unwrap();
        let upload = tokio::spawn(client.request(post));
        eventually("the request arrived", async || server.busy() == 1).await;
        let drawn = settled("the upload", || drawn.load(SeqCst)).await;
        assert!((1..16 << 20).contains(&drawn), "{speech:?}: {drawn} bytes went to a server that reads none");
        upload.abort();
    }
}

#[tokio::test]
async fn a_caller_that_does_not_read_is_not_flooded() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let response = client.request(server.get("/flood")).await.unwrap();
        let flooded = settled("the download", || server.flooded()).await;
        assert!(
            (1..FLOOD * 3 / 4).contains(&flooded),
            "{speech:?}: {flooded} bytes came to a caller that reads none"
        );
        // Others are not held up by it.
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        assert_eq!(text(response).await.len(), FLOOD, "{speech:?}");
    }
}

/// Fails at once.
struct Broken;

impl Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::other("the disk is on fire"))))
    }
}

#[tokio::test]
async fn a_body_that_fails_is_blamed() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let post = Request::post(server.uri("/count")).body(Broken).unwrap();
        let error = client.request(post).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Body, "{speech:?}: {error:?}");
        assert!(format!("{error:?}").contains("on fire"), "{speech:?}: {error:?}");
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        at_rest(&client).await;
    }
}
