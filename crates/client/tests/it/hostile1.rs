//! What can an HTTP/1.1 server do to us? Each row: what it sends, whom we blame, and that the next request fares well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use outlive::{Client, ErrorKind, Phase, Protocol, Timeouts};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::fixture::{Speech, at_rest, certificate, eventually};

/// What its first connection gets; later ones are answered well.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Hold,
    Close,
}

impl Server {
    async fn saying(bytes: Vec<u8>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let bytes = if count.fetch_add(1, SeqCst) == 0 { bytes.clone() } else { FINE.to_vec() };
                tokio::spawn(answer(tcp, bytes, then));
            }
        });
        Self { address, connections }
    }

    fn request(&self, method: &str) -> Request<Empty<Bytes>> {
        Request::builder().method(method).uri(format!("http://{}/", self.address)).body(Empty::new()).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// Says the same to each request, until it is told to close.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: Vec<u8>, then: Then) -> Option<()> {
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.ok()?);
        }
        stream.write_all(&bytes).await.ok()?;
        stream.flush().await.ok()?;
        if then == Then::Close {
            // Not a word of TLS, where that is spoken.
            return None;
        }
    }
}

fn http1() -> Client {
    Client::builder().protocol(Protocol::Http1).build()
}

/// Sends one request and reads the answer to its end.
async fn outcome(client: &Client, request: Request<Empty<Bytes>>) -> Result<Bytes, ErrorKind> {
    let response = client.request(request).await.map_err(|error| error.kind())?;
    response.into_body().collect().await.map(|body| body.to_bytes()).map_err(|error| error.kind())
}

/// Name, bytes, what the connection does then, and what comes of a POST.
type Row = (&'static str, Vec<u8>, Then, Result<&'static str, ErrorKind>);

async fn check(rows: Vec<Row>) {
    for (name, bytes, then, expected) in rows {
        let server = Server::saying(bytes, then).await;
        let client = http1();
        let got = outcome(&client, server.request("POST")).await;
        assert_eq!(got, expected.map(Bytes::from), "{name}");
        assert_eq!(outcome(&client, server.request("POST")).await, Ok(Bytes::from("fine")), "after {name}");
        assert_eq!(server.connections(), 2, "{name}");
        at_rest(&client).await;
    }
}

fn ok(fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}").into_bytes()
}

const PEER: Result<&str, ErrorKind> = Err(ErrorKind::Peer);

#[tokio::test]
async fn heads_that_are_none() {
    use Then::{Close, Hold};
    let many = |count: usize| ok(&"x: y\r\n".repeat(count), "");
    check(vec![
        ("garbage", b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec(), Hold, PEER),
        ("binary garbage", vec![0xff; 1000], Hold, PEER),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), Hold, PEER),
        ("a status that is none", b"HTTP/1.1 2x0 OK\r\n\r\n".to_vec(), Hold, PEER),
        ("too many fields", many(257), Hold, PEER),
        ("a field that is too large", ok(&format!("x: {}\r\n", "y".repeat(70_000)), ""), Hold, PEER),
        ("a field that never ends", ok(&format!("x: {}", "y".repeat(1 << 20)), ""), Hold, PEER),
        ("a folded field", ok("x: y\r\n z\r\ncontent-length: 0\r\n", ""), Hold, PEER),
        ("a space before the colon", ok("content-length : 0\r\n", ""), Hold, PEER),
        ("a bare CR in a value", ok("x: y\rz: w\r\ncontent-length: 0\r\n", ""), Hold, PEER),
        ("a NUL in a value", ok("x: y\0z\r\ncontent-length: 0\r\n", ""), Hold, PEER),
        ("a name that is none", ok("x y: z\r\ncontent-length: 0\r\n", ""), Hold, PEER),
        (
            "a switch that nobody asked for",
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n".to_vec(),
            Hold,
            PEER,
        ),
        ("an end before the head's", b"HTTP/1.1 200 OK\r\nx: y\r\n".to_vec(), Close, Err(ErrorKind::Lost)),
        ("an end before anything", vec![], Close, Err(ErrorKind::Lost)),
    ])
    .await;
}

/// The limits of a head are the user's.
#[tokio::test]
async fn heads_up_to_the_limits() {
    let with = |fields: usize, bytes: usize, hints: usize| {
        let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(hints);
        let fields = ["x: y\r\n".repeat(fields - 1), format!("z: {}\r\n", "y".repeat(bytes))].concat();
        [hints.into_bytes(), ok(&fields, "")].concat()
    };
    let fine = Ok(Bytes::new());
    let peer = Err(ErrorKind::Peer);
    let few = || Client::builder().max_header_fields(3).max_header_bytes(2048).max_informational_responses(1);
    let many = || {
        Client::builder().max_header_fields(1000).max_header_bytes(1 << 20).max_informational_responses(20)
    };
    for (name, builder, bytes, expected) in [
        ("few fields", few(), with(3, 0, 0), &fine),
        ("a field too many", few(), with(4, 0, 0), &peer),
        ("large", few(), with(1, 1900, 0), &fine),
        ("too large", few(), with(1, 2100, 0), &peer),
        ("an informational response", few(), with(1, 0, 1), &fine),
        ("two informational responses", few(), with(1, 0, 2), &peer),
        ("many informational responses", many(), with(1, 0, 20), &fine),
        ("many fields", many(), with(1000, 0, 0), &fine),
        ("very large", many(), with(1, 1_000_000, 0), &fine),
        ("larger", many(), with(1, 1 << 20, 0), &peer),
        ("as many as hyper has room for", Client::builder(), with(100, 0, 0), &fine),
        ("more than these", Client::builder(), with(101, 0, 0), &peer),
    ] {
        let server = Server::saying(bytes, Then::Close).await;
        let client = builder.protocol(Protocol::Http1).build();
        assert_eq!(&outcome(&client, server.request("POST")).await, expected, "{name}");
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn lengths_that_lie() {
    use Then::{Close, Hold};
    let chunked = |body: &str| ok("transfer-encoding: chunked\r\n", body);
    check(vec![
        ("short", ok("content-length: 10\r\n", "hello"), Close, PEER),
        ("two lengths", ok("content-length: 5\r\ncontent-length: 6\r\n", "hello!"), Hold, PEER),
        ("two lengths in one", ok("content-length: 5, 6\r\n", "hello!"), Hold, PEER),
        ("no number", ok("content-length: five\r\n", "hello"), Hold, PEER),
        ("negative", ok("content-length: -5\r\n", "hello"), Hold, PEER),
        ("beyond numbers", ok("content-length: 99999999999999999999\r\n", "hello"), Hold, PEER),
        (
            "length and chunks",
            ok("content-length: 5\r\ntransfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            Hold,
            PEER,
        ),
        ("a coding we did not offer", ok("transfer-encoding: gzip\r\n", "hello"), Close, PEER),
        ("chunked twice", ok("transfer-encoding: chunked, chunked\r\n", "0\r\n\r\n"), Hold, PEER),
        ("a chunk size that is none", chunked("xyz\r\n"), Hold, PEER),
        ("a chunk size beyond numbers", chunked("fffffffffffffffffff\r\nx"), Hold, PEER),
        ("a chunk that is longer than its size", chunked("2\r\nhello\r\n0\r\n\r\n"), Hold, PEER),
        ("chunk extensions without end", chunked(&format!("5;{}", "x".repeat(100_000))), Hold, PEER),
        ("trailers without end", chunked(&format!("0\r\n{}\r\n", "x: y\r\n".repeat(20_000))), Hold, PEER),
        ("chunks that stop", chunked("5\r\nhello\r\n"), Close, Err(ErrorKind::Lost)),
    ])
    .await;
}

/// What comes after a response is nobody's: it is not the answer to the next request.
#[tokio::test]
async fn more_than_was_asked_for() {
    use Then::Hold;
    let evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    check(vec![
        ("longer than its length", ok("content-length: 5\r\n", "hello, world"), Hold, Ok("hello")),
        ("two responses", ok("content-length: 5\r\n", &format!("hello{evil}")), Hold, Ok("hello")),
        (
            "two responses, the first in chunks",
            ok("transfer-encoding: chunked\r\n", &format!("0\r\n\r\n{evil}")),
            Hold,
            Ok(""),
        ),
        ("204 with content", format!("HTTP/1.1 204 No Content\r\n\r\n{evil}").into_bytes(), Hold, Ok("")),
        (
            "304 with content",
            format!("HTTP/1.1 304 Not Modified\r\ncontent-length: 50\r\n\r\n{evil}").into_bytes(),
            Hold,
            Ok(""),
        ),
    ])
    .await;
    let server = Server::saying(ok("content-length: 50\r\n", evil), Hold).await;
    let client = http1();
    assert_eq!(outcome(&client, server.request("HEAD")).await, Ok(Bytes::new()));
    assert_eq!(outcome(&client, server.request("GET")).await, Ok(Bytes::from("fine")));
    assert_eq!(server.connections(), 2);
}

/// An answer that comes when nothing was asked is nobody's; servers say 408 so before they close.
#[tokio::test]
async fn an_answer_to_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (connections, speak) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (count, say) = (Arc::clone(&connections), Arc::clone(&speak));
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let (number, say) = (count.fetch_add(1, SeqCst), Arc::clone(&say));
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(tcp.read_u8().await.ok()?);
                }
                tcp.write_all(FINE).await.ok()?;
                say.notified().await;
                let evil = format!("HTTP/1.1 408 Request Timeout\r\ncontent-length: 5\r\n\r\nevil{number}");
                tcp.write_all(evil.as_bytes()).await.ok()?;
                std::future::pending::<Option<()>>().await
            });
        }
    });
    let client = http1();
    let post = || Request::post(format!("http://{address}/")).body(Empty::new()).unwrap();
    for number in 1..=3 {
        assert_eq!(outcome(&client, post()).await, Ok(Bytes::from("fine")));
        speak.notify_waiters();
        eventually("the connection has gone", async || client.counts().2 == 0).await;
        assert_eq!(connections.load(SeqCst), number);
    }
}

#[tokio::test]
async fn an_end_is_the_end_only_where_it_is_said() {
    // Without a length, the connection's end is the response's, if that is said in good order (RFC 9112 section 8).
    let server = Server::saying(ok("", "hello"), Then::Close).await;
    assert_eq!(outcome(&http1(), server.request("GET")).await, Ok(Bytes::from("hello")));
    // A TLS connection that ends without close_notify may have been cut by anybody (RFC 8446 section 6.1).
    for (fields, expected) in [("", ErrorKind::Lost), ("content-length: 9\r\n", ErrorKind::Lost)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ca, tls) = certificate(Speech::Http1Tls);
        let (tls, bytes) = (tls.unwrap(), ok(fields, "hello"));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let stream = tls.accept(tcp).await.unwrap();
                answer(stream, bytes.clone(), Then::Close).await;
            }
        });
        let client = Client::builder().add_root_pem(ca.unwrap().as_bytes()).unwrap().build();
        let uri = format!("https://localhost:{}/", address.port());
        let get = Request::get(uri).body(Empty::new()).unwrap();
        assert_eq!(outcome(&client, get).await, Err(expected), "{fields:?}");
    }
}

#[tokio::test]
async fn a_drip_is_ended_by_its_timeout() {
    let server = Server::saying(b"HTTP/1.1 200 OK\r\nx:".to_vec(), Then::Hold).await;
    let client = http1();
    let mut post = server.request("POST");
    post.extensions_mut()
        .insert(Timeouts { response: Some(Duration::from_millis(20)), ..Timeouts::default() });
    assert_eq!(outcome(&client, post).await, Err(ErrorKind::Timeout(Phase::Response)));
    assert_eq!(outcome(&client, server.request("POST")).await, Ok(Bytes::from("fine")));
    at_rest(&client).await;
}

#[tokio::test]
async fn informational_responses_without_end() {
    let hint = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    let answer = |count: usize| {
        format!("{}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", hint.repeat(count)).into_bytes()
    };
    let server = Server::saying(answer(16), Then::Hold).await;
    assert_eq!(outcome(&http1(), server.request("GET")).await, Ok(Bytes::from("hello")));
    let endless = hint.repeat(200_000).into_bytes();
    check(vec![("1xx without end", endless, Then::Hold, PEER)]).await;
}
