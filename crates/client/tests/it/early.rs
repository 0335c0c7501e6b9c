//! A response that is complete before its request's body is: does the pool know that nobody waits for it any more?

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use outlive::{Client, Protocol, Rescue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::fixture::eventually;

/// What no kernel takes at once.
const MUCH: usize = 64 << 20;

/// A server over HTTP/1.1 that reads heads and nothing else; whether it answers the first connection too.
async fn reads_heads_only(answers_first: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(tcp.read_u8().await.unwrap());
            }
            if answers_first || !kept.is_empty() {
                tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
            kept.push(tcp);
        }
    });
    uri
}

/// Puts much there, and reads the answer. What the pool has heard and done by then.
async fn put(uri: &str) -> (Client, String) {
    let client = Client::builder()
        .protocol(Protocol::Http1)
        .rescue(Rescue::WhenLate)
        .request_timeout(Duration::from_secs(10))
        .trace(|_| true)
        .build();
    let put = Request::put(uri).body(Full::new(Bytes::from(vec![0; MUCH]))).unwrap();
    let response = client.request(put).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    let trace = client.trace(&uri.parse().unwrap()).unwrap();
    (client, trace)
}

/// The upload is stuck, so the connection is never ready for another request. The answer was heard all the same, and a caller
/// who has it needs no rescue.
#[tokio::test]
async fn an_answer_is_heard_although_its_upload_is_stuck() {
    let (client, trace) = put(&reads_heads_only(true).await).await;
    assert!(trace.contains("> answered a1") && !trace.contains("> done"), "{trace}");
    assert_eq!(client.counts(), (0, 1, 1));
}

/// The same for the winner of a race: the loser's connection goes.
#[tokio::test]
async fn a_loser_goes_although_the_winners_upload_is_stuck() {
    let (client, trace) = put(&reads_heads_only(false).await).await;
    assert!(trace.contains("> answered a2") && trace.contains("< close c1 given-up"), "{trace}");
    assert_eq!(client.counts(), (0, 1, 1));
}

/// The request's body fails after the response's head, on a connection that drains and is closed for it: the error says where.
#[tokio::test]
async fn an_error_knows_the_address_of_a_connection_that_its_failure_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(tcp).await.unwrap();
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        let body = respond.send_response(Response::new(()), false).unwrap();
        connection.graceful_shutdown();
        while connection.accept().await.is_some() {}
        drop((request, body));
    });
    let client = Client::builder().protocol(Protocol::Http2).trace(|_| true).build();
    let uri = format!("http://{address}/");
    let (fail, failed) = oneshot::channel();
    let response = client.request(Request::post(&uri).body(Failing(failed)).unwrap()).await.unwrap();
    let uri = uri.parse().unwrap();
    eventually("GOAWAY", async || client.trace(&uri).unwrap().contains("> goaway c1")).await;
    fail.send(()).unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(error.attempts()[0].connection_address(), Some(address), "{error:?}");
}

/// A body that fails when it is told to.
struct Failing(oneshot::Receiver<()>);

impl Body for Failing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.0).poll(cx).map(|_| Some(Err(io::Error::other("it broke off"))))
    }
}
