//! Are informational responses told to those who ask, and does a body wait for `100 Continue`?

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use outlive::{Client, ContinueWait, OnInformational, Protocol, ResponseBody};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::fixture::{at_rest, eventually, feed, frames};
use crate::raw::{self, DATA, HEADERS, RST_STREAM, Raw, field, frame, head, ok};

async fn content(response: Response<ResponseBody>) -> (u16, Bytes) {
    (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
}

/// Writes down what it is told.
fn diary() -> (OnInformational, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let diary = Arc::clone(&told);
    let tell = OnInformational::new(move |response: &Response<()>| {
        let link = response.headers().get("link").map_or("", |link| link.to_str().unwrap());
        diary.lock().unwrap().push(format!("{:?} {} {link}", response.version(), response.status().as_u16()));
    });
    (tell, told)
}

/// A server whose connections are conversed with by hand.
async fn by_hand() -> (String, mpsc::UnboundedReceiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let (give, accepted) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            _ = give.send(tcp);
        }
    });
    (uri, accepted)
}

async fn read_until(tcp: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        text.push(tcp.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn hints_are_told_over_http1() {
    let (uri, mut accepted) = by_hand().await;
    let client = Client::builder().protocol(Protocol::Http1).build();
    let (tell, told) = diary();
    let get = Request::get(&uri).extension(tell).body(Empty::<Bytes>::new()).unwrap();
    let answer = tokio::spawn(client.request(get));
    let mut tcp = accepted.recv().await.unwrap();
    read_until(&mut tcp, "\r\n\r\n").await;
    tcp.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await.unwrap();
    eventually("it is told before the response", async || told.lock().unwrap().len() == 1).await;
    tcp.write_all(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(content(answer.await.unwrap().unwrap()).await.0, 200);
    assert_eq!(*told.lock().unwrap(), ["HTTP/1.1 103 </a>", "HTTP/1.1 102 "]);
    // Nobody asks: they are skipped.
    let answer = tokio::spawn(client.request(Request::get(&uri).body(Empty::<Bytes>::new()).unwrap()));
    read_until(&mut tcp, "\r\n\r\n").await;
    tcp.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(content(answer.await.unwrap().unwrap()).await.0, 200);
    at_rest(&client).await;
}

#[tokio::test]
async fn hints_are_told_over_http2() {
    let hint = |stream, status| {
        frame(HEADERS, 4, stream, &[field(":status", status), field("link", "</a>")].concat())
    };
    let raw = Raw::answering(move |_, frame| match frame.kind {
        HEADERS => Some([hint(frame.stream, "103"), hint(frame.stream, "199"), ok(frame.stream)].concat()),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let (tell, told) = diary();
    let get = Request::get(raw.uri()).extension(tell).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(content(client.request(get).await.unwrap()).await.0, 200);
    assert_eq!(*told.lock().unwrap(), ["HTTP/2.0 103 </a>", "HTTP/2.0 199 </a>"]);
    let get = Request::get(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(content(client.request(get).await.unwrap()).await.0, 200);
    at_rest(&client).await;
}

fn expecting(uri: &str, wait: Duration) -> http::request::Builder {
    Request::put(uri).header("expect", "100-continue").extension(ContinueWait(wait))
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_body_waits_over_http1() {
    let (uri, mut accepted) = by_hand().await;
    let client = Client::builder().protocol(Protocol::Http1).build();
    let send = |wait| tokio::spawn(client.request(expecting(&uri, wait).body(String::from("four")).unwrap()));
    // The server says go on.
    let answer = send(LONG);
    let mut tcp = accepted.recv().await.unwrap();
    assert!(read_until(&mut tcp, "\r\n\r\n").await.contains("expect: 100-continue\r\n"));
    assert!(tcp.try_read(&mut [0; 4]).is_err(), "the body waits");
    tcp.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
    read_until(&mut tcp, "four").await;
    tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(content(answer.await.unwrap().unwrap()).await.0, 200);
    // It says nothing, and the wait is over.
    let answer = send(Duration::from_millis(1));
    read_until(&mut tcp, "\r\n\r\nfour").await;
    tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(content(answer.await.unwrap().unwrap()).await.0, 200);
    // It answers at once: the body is not sent, and the connection is of no more use.
    let answer = send(LONG);
    read_until(&mut tcp, "\r\n\r\n").await;
    tcp.write_all(b"HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
    assert_eq!(content(answer.await.unwrap().unwrap()).await, (417, Bytes::from("no")));
    assert_eq!(tcp.read(&mut [0; 4]).await.unwrap_or(0), 0, "not a byte of the body");
    at_rest(&client).await;
    let answer = send(LONG);
    let mut tcp = accepted.recv().await.unwrap();
    read_until(&mut tcp, "\r\n\r\n").await;
    tcp.write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(content(answer.await.unwrap().unwrap()).await.0, 413);
    at_rest(&client).await;
}

#[tokio::test]
async fn a_body_waits_over_http2() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let raw = Raw::answering(move |_, frame| {
        log.lock().unwrap().push((frame.kind, frame.stream));
        Some(match (frame.kind, frame.stream) {
            (HEADERS, 1) => raw::frame(HEADERS, 4, 1, &field(":status", "100")),
            (HEADERS, 5) => [head(5, &[]), raw::data(5, b"no", true)].concat(),
            (DATA, stream @ (1 | 3)) if frame.flags & 1 == 1 => ok(stream),
            _ => vec![],
        })
    })
    .await;
    let client = raw.client();
    let put = |wait| client.request(expecting(&raw.uri(), wait).body(String::from("four")).unwrap());
    assert_eq!(content(put(LONG).await.unwrap()).await.0, 200);
    assert_eq!(content(put(Duration::from_millis(1)).await.unwrap()).await.0, 200);
    assert_eq!(content(put(LONG).await.unwrap()).await, (200, Bytes::from("no")));
    let of = |kind, stream| seen.lock().unwrap().contains(&(kind, stream));
    eventually("the server is told that the rest does not come", async || of(RST_STREAM, 5)).await;
    assert!(of(DATA, 1) && of(DATA, 3) && !of(DATA, 5));
    at_rest(&client).await;
    assert_eq!(raw.connections(), 1);
}

/// A body that was held back is whole: a refusal sends it again, even though it streams once.
#[tokio::test]
async fn a_body_that_waits_is_untouched() {
    let raw = Raw::answering(|_, frame| match (frame.kind, frame.stream) {
        (HEADERS, 1) => Some(raw::reset(1, 7)),
        (HEADERS, stream) => Some(raw::frame(HEADERS, 4, stream, &field(":status", "100"))),
        (DATA, stream) if frame.flags & 1 == 1 => Some(ok(stream)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let post = expecting(&raw.uri(), LONG).method("POST").body(frames(&["once"], None)).unwrap();
    assert_eq!(content(client.request(post).await.unwrap()).await.0, 200);
    // Nothing waits for a body that never comes, once its caller is gone.
    let (_say, body) = feed();
    let dropped = tokio::spawn(client.request(expecting(&raw.uri(), LONG).body(body).unwrap()));
    eventually("it is out", async || client.counts().1 == 1).await;
    dropped.abort();
    at_rest(&client).await;
}
