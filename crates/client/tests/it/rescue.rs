//! Is what may be repeated rescued, what may not left alone, and is it told?

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use outlive::{
    Attempts, Body, Client, ErrorKind, Fate, Idempotent, RequestTimeout, Rescue, ResponseBody, Sent,
};

use crate::fixture::{Server, Speech, at_rest, eventually, frames, text};
use crate::raw::{HEADERS, Raw, ok, reset};
use crate::wires::Wires;

/// A client with a warm connection over a wire that then went silent.
async fn silent(speech: Speech, rescue: Rescue) -> (Server, Wires, Client) {
    let server = Server::start(speech).await;
    let wires = Wires::to(server.address).await;
    let client = server.builder().rescue(rescue).build();
    for _ in 0..3 {
        let get = Request::get(server.uri_at(wires.address, "/hello")).body(Body::empty()).unwrap();
        assert_eq!(text(client.request(get).await.unwrap()).await, "hello");
    }
    wires.stall();
    (server, wires, client)
}

fn request(server: &Server, wires: &Wires, method: &str, path: &str) -> http::request::Builder {
    let patience = RequestTimeout(Duration::from_secs(3));
    Request::builder().method(method).uri(server.uri_at(wires.address, path)).extension(patience)
}

/// How the attempts of a response fared, in the order in which they ended.
fn fates(response: &Response<ResponseBody>) -> Vec<Fate> {
    let attempts = response.extensions().get::<Attempts>();
    attempts.map_or(Vec::new(), |Attempts(all)| all.iter().map(outlive::Attempt::fate).collect())
}

#[tokio::test]
async fn what_is_idempotent_outlives_its_connection() {
    for speech in [Speech::Http2, Speech::Http2Tls] {
        let (server, wires, client) = silent(speech, Rescue::OnSuspicion).await;
        let requests = [
            request(&server, &wires, "GET", "/hello").body(Body::empty()).unwrap(),
            request(&server, &wires, "PUT", "/count").body(Body::from("12345")).unwrap(),
            request(&server, &wires, "PUT", "/count")
                .body(Body::repeat_with(|| frames(&["123", "45"], None)))
                .unwrap(),
            request(&server, &wires, "POST", "/count")
                .header("idempotency-key", "k")
                .body("12345".into())
                .unwrap(),
            request(&server, &wires, "POST", "/count")
                .extension(Idempotent(true))
                .body("12345".into())
                .unwrap(),
        ];
        // All at once: they are on the dead wire together, and one dial rescues them all.
        let sent = requests.map(|request| tokio::spawn(client.request(request)));
        for (at, sent) in sent.into_iter().enumerate() {
            let response = sent.await.unwrap().unwrap_or_else(|error| panic!("{speech:?} {at}: {error:?}"));
            assert_eq!(fates(&response), [Fate::LeftBehind, Fate::Answered], "{speech:?} {at}");
            assert_eq!(text(response).await, if at == 0 { "hello" } else { "5" }, "{speech:?} {at}");
        }
        assert!(wires.count() <= 3, "{} wires", wires.count());
    }
}

#[tokio::test]
async fn what_may_not_be_repeated_is_sent_once() {
    let (server, wires, client) = silent(Speech::Http2, Rescue::OnSuspicion).await;
    let before = server.requests();
    let requests = [
        request(&server, &wires, "POST", "/count").body(Body::from("12345")).unwrap(),
        request(&server, &wires, "GET", "/hello").extension(Idempotent(false)).body(Body::empty()).unwrap(),
        request(&server, &wires, "GET", "/hello").extension(Rescue::Never).body(Body::empty()).unwrap(),
        request(&server, &wires, "PUT", "/count").body(Body::once(frames(&["12345"], None))).unwrap(),
    ];
    let sent = requests.map(|request| tokio::spawn(client.request(request)));
    for sent in sent {
        let error = sent.await.unwrap().unwrap_err();
        assert!(error.is_timeout() || error.kind() == ErrorKind::Silent, "{error:?}");
        assert_eq!((error.sent(), error.attempts().len()), (Sent::Maybe, 1), "{error:?}");
    }
    assert_eq!(server.requests(), before);
}

/// RFC 9113 section 8.7 excuses `REFUSED_STREAM` alone; with any other code it may have been processed.
#[tokio::test]
async fn a_stream_that_is_reset_before_its_response() {
    let blameless = [0, 2, 8, 10, 0xdead]; // NO_ERROR, INTERNAL_ERROR, CANCEL, CONNECT_ERROR, one that nobody knows
    for code in 0..=13_u32 {
        let again = blameless.contains(&code);
        // Every first sending is reset, and the connection goes on.
        let raw = Raw::answering(move |_, frame| match (frame.kind, frame.stream % 4) {
            (HEADERS, 1) => Some(reset(frame.stream, code)),
            (HEADERS, _) => Some(ok(frame.stream)),
            _ => Some(vec![]),
        })
        .await;
        let client = raw.client();
        let request = |method| Request::builder().method(method).uri(raw.uri()).body(Body::empty()).unwrap();
        let got = client.request(request("GET")).await;
        match got {
            Ok(response) if again => {
                assert_eq!(fates(&response), [Fate::Failed, Fate::Answered], "code {code}");
            }
            Ok(response) => assert_eq!((code, fates(&response)), (7, vec![Fate::Refused, Fate::Answered])),
            Err(error) => {
                assert!(!again && code != 7, "code {code}: {error:?}");
                assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Peer, 1), "code {code}");
            }
        }
        at_rest(&client).await;
        // What may not be repeated is not, and nothing is without end.
        let raw = Raw::answering(move |_, frame| match frame.kind {
            HEADERS => Some(reset(frame.stream, code)),
            _ => Some(vec![]),
        })
        .await;
        let client = raw.client();
        for (method, attempts) in [("POST", 1), ("GET", if again { 4 } else { 1 })] {
            let request = Request::builder().method(method).uri(raw.uri()).body(Body::empty()).unwrap();
            let error = client.request(request).await.unwrap_err();
            let attempts = if code == 7 { 4 } else { attempts }; // REFUSED_STREAM is not about repeating
            assert_eq!(error.attempts().len(), attempts, "code {code} {method}: {error:?}");
        }
        assert_eq!(raw.connections(), 1, "code {code}");
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn when_late_rescues_over_http1_too() {
    for speech in Speech::ALL {
        let (server, wires, client) = silent(speech, Rescue::WhenLate).await;
        let get = request(&server, &wires, "GET", "/hello").body(Body::empty()).unwrap();
        let response = client.request(get).await.unwrap();
        assert_eq!(fates(&response), [Fate::LeftBehind, Fate::Answered], "{speech:?}");
        assert_eq!(text(response).await, "hello", "{speech:?}");
        assert_eq!(wires.count(), 2, "{speech:?}");
    }
}

/// A handler that sleeps behind a server that answers PINGs: only lateness shows it.
#[tokio::test]
async fn when_late_finds_a_handler_that_sleeps() {
    let server = Server::start(Speech::Http2).await;
    let client = server.builder().rescue(Rescue::WhenLate).build();
    for _ in 0..3 {
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
    }
    let gate = tokio::spawn(client.request(server.get("/gate")));
    eventually("it was sent twice", async || server.busy() == 2).await;
    server.open_gate();
    let response = gate.await.unwrap().unwrap();
    let mut fates = fates(&response);
    fates.sort_by_key(|fate| *fate == Fate::Answered);
    assert_eq!(fates, [Fate::LeftBehind, Fate::Answered]);
    assert_eq!(text(response).await, "open");
    at_rest(&client).await;
}

#[tokio::test]
async fn a_lost_connection_is_a_reason_to_send_again() {
    // Each connection answers its first request, and hangs up on its second.
    let raw = Raw::answering(|_, frame| match (frame.kind, frame.stream) {
        (HEADERS, 1) => Some(ok(1)),
        (HEADERS, _) => None,
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let get = || Request::get(raw.uri()).body(Body::empty()).unwrap();
    assert!(fates(&client.request(get()).await.unwrap()).is_empty());
    for _ in 0..3 {
        let response = client.request(get()).await.unwrap();
        assert_eq!((response.status().as_u16(), fates(&response)), (200, vec![Fate::Lost, Fate::Answered]));
    }
    assert_eq!(raw.connections(), 4);
    at_rest(&client).await;
}

/// The budget is a fifth of the requests, and ten: beyond it requests fail as if nobody rescued.
#[tokio::test]
async fn an_origin_that_is_gone_is_not_stormed() {
    // It hangs up on every request, always.
    let raw = Raw::answering(|_, frame| if frame.kind == HEADERS { None } else { Some(vec![]) }).await;
    let client = raw.client();
    let get = || Request::get(raw.uri()).body(Body::empty()).unwrap();
    let requests: Vec<_> = (0..50).map(|_| tokio::spawn(client.request(get()))).collect();
    let mut sent = 0;
    for request in requests {
        let error = request.await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Lost | ErrorKind::Dial), "{error:?}");
        sent += error.attempts().iter().filter(|attempt| attempt.fate() != Fate::Refused).count();
    }
    assert!((50 + 10..=50 + 50 / 5 + 10).contains(&sent), "{sent} attempts at 50 requests");
    at_rest(&client).await;
}

#[tokio::test]
async fn a_body_that_is_half_sent_is_sent_again_whole() {
    const LENGTH: usize = 5_000_000;
    let server = Server::start(Speech::Http2Tls).await;
    let wires = Wires::to(server.address).await;
    let client = server.client();
    let hello = || Request::get(server.uri_at(wires.address, "/hello")).body(Body::empty()).unwrap();
    assert_eq!(text(client.request(hello()).await.unwrap()).await, "hello");
    let put = Request::put(server.uri_at(wires.address, "/count"));
    let put = put.body(Full::new(Bytes::from(vec![b'x'; LENGTH]))).unwrap();
    let uploaded = tokio::spawn(client.request(put));
    eventually("it arrives", async || server.busy() == 1).await;
    wires.stall();
    assert_eq!(text(uploaded.await.unwrap().unwrap()).await, LENGTH.to_string());
    _ = client.request(hello()).await.unwrap().into_body().collect().await;
}
