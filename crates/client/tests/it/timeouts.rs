//! What does a timeout cost? The request, and over HTTP/2 nothing else.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use outlive::{Client, ErrorKind, Phase, RequestTimeout, ResponseBody, Sent};
use tokio::net::TcpListener;

use crate::fixture::{Server, Speech, at_rest, eventually, text};

fn within(mut request: Request<Empty<Bytes>>, millis: u64) -> Request<Empty<Bytes>> {
    request.extensions_mut().insert(RequestTimeout(Duration::from_millis(millis)));
    request
}

/// In virtual time: on a busy machine an answer to a PING can take longer than a caller of 20 ms bears, and then the pool is right to
/// look for another connection.
#[tokio::test(start_paused = true)]
async fn a_slow_answer_costs_its_request_and_not_the_connection() {
    for speech in Speech::ALL {
        let server = Server::in_memory(speech);
        let client = server.client();
        for _ in 0..3 {
            let error = client.request(within(server.get("/gate"), 20)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Response), "{speech:?}");
            assert_eq!((error.sent(), error.attempts().len()), (Sent::Maybe, 1));
            assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        }
        if speech.is_http2() {
            assert_eq!(server.connections(), 1, "{speech:?}");
        }
        at_rest(&client).await;
        eventually(&format!("the server was told, {speech:?}"), async || server.busy() == 0).await;
    }
}

#[tokio::test]
async fn the_timeout_lasts_to_the_end_of_the_body() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let mut body = begun_in_time(&client, &server).await;
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "x");
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Body), "{speech:?}");
        assert!(body.frame().await.is_none(), "an error ends the body");
        at_rest(&client).await;
        eventually(&format!("the server was told, {speech:?}"), async || server.busy() == 0).await;
    }
}

/// The body of an endless response, the timeout of which did not pass before its head came, however busy the machine is.
async fn begun_in_time(client: &Client, server: &Server) -> ResponseBody {
    let mut millis = 100;
    loop {
        match client.request(within(server.get("/endless"), millis)).await {
            Ok(response) => return response.into_body(),
            Err(error) => assert!(error.is_timeout() && millis < 10_000, "{error:?}"),
        }
        millis *= 2;
    }
}

#[tokio::test]
async fn the_clients_timeout_holds_for_all() {
    let server = Server::start(Speech::Http2).await;
    let client = server.builder().request_timeout(Duration::from_millis(20)).build();
    // On a connection that is there already, so that the timeout can't pass before the request is sent.
    text(client.request(within(server.get("/hello"), 60_000)).await.unwrap()).await;
    assert!(client.request(server.get("/gate")).await.unwrap_err().is_timeout());
    // A request's own comes first.
    let patient = client.request(within(server.get("/gate"), 60_000));
    let patient = tokio::spawn(patient);
    eventually("it arrived", async || server.requests() == 3).await;
    eventually("it is answered", async || {
        server.open_gate();
        patient.is_finished()
    })
    .await;
    assert_eq!(text(patient.await.unwrap().unwrap()).await, "open");
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands() {
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("https://{}/", deaf.local_addr().unwrap());
    let request = || Request::get(&uri).body(Empty::<Bytes>::new()).unwrap();
    // The caller loses patience first,
    let client = Client::new();
    let error = client.request(within(request(), 20)).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout(Phase::Connection), Sent::Never));
    // or the dial does.
    let client = Client::builder().connect_timeout(Duration::from_millis(300)).build();
    let error = client.request(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout(Phase::Tls), Sent::Never));
    assert_eq!(error.attempts(), []);
}
