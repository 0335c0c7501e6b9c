//! What can an HTTP/2 server do to us? Each row: what it sends, whom we blame, and that the next request fares well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use outlive::{
    Body, Client, Connect, Connecting, Destination, ErrorKind, Fate, Phase, Protocol, Sent, Timeouts,
};

use crate::fixture::at_rest;
use crate::raw::{
    CONTINUATION, DATA, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, Pongs, Raw, SETTINGS, WINDOW_UPDATE,
    converse, data, field, frame, goaway, head, ok, reset,
};

/// Sends one request and reads the answer to its end.
async fn outcome(client: &Client, request: Request<Body>) -> Result<Bytes, ErrorKind> {
    let response = client.request(request).await.map_err(|error| error.kind())?;
    response.into_body().collect().await.map(|body| body.to_bytes()).map_err(|error| error.kind())
}

/// A server that answers its first request with `bytes`, and all others well.
async fn saying(bytes: Vec<u8>) -> Raw {
    Raw::answering(move |connection, frame| match (connection, frame.kind, frame.stream) {
        (0, HEADERS, 1) => Some(bytes.clone()),
        (_, HEADERS, stream) => Some(ok(stream)),
        _ => Some(vec![]),
    })
    .await
}

fn request(raw: &Raw, method: &str) -> Request<Body> {
    Request::builder().method(method).uri(raw.uri()).body(Body::empty()).unwrap()
}

/// What becomes of the connection.
#[derive(Clone, Copy)]
enum Connection {
    /// The offence is the stream's alone.
    Stays,
    Closes,
}

/// Name, bytes, what comes of a POST, and of its connection.
type Row = (&'static str, Vec<u8>, Result<&'static str, ErrorKind>, Connection);

async fn check(rows: Vec<Row>) {
    for (name, bytes, expected, connection) in rows {
        let raw = saying(bytes).await;
        let client = raw.client();
        let got = outcome(&client, request(&raw, "POST")).await;
        assert_eq!(got, expected.map(Bytes::from), "{name}");
        assert_eq!(outcome(&client, request(&raw, "POST")).await, Ok(Bytes::new()), "after {name}");
        let connections = match connection {
            Connection::Stays => 1,
            Connection::Closes => 2,
        };
        assert_eq!(raw.connections(), connections, "{name}");
        at_rest(&client).await;
    }
}

const PEER: Result<&str, ErrorKind> = Err(ErrorKind::Peer);

#[tokio::test]
async fn floods() {
    use Connection::Closes;
    let flood = |frame: Vec<u8>| frame.repeat(100_000);
    let open = |frames: Vec<u8>| [head(1, &[]), frames].concat();
    check(vec![
        ("PING", flood(frame(PING, 0, 0, &[0; 8])), PEER, Closes),
        ("PING answers", flood(frame(PING, 1, 0, &[0; 8])), PEER, Closes),
        ("SETTINGS", flood(frame(SETTINGS, 0, 0, &[])), PEER, Closes),
        ("SETTINGS that change", flood(frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0])), PEER, Closes),
        ("PRIORITY", flood(frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])), PEER, Closes),
        ("WINDOW_UPDATE", flood(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])), PEER, Closes),
        ("GOAWAY", flood(goaway(1, 0)), PEER, Closes),
        ("unknown frames", flood(frame(0xbe, 0, 0, b"cow")), PEER, Closes),
        ("empty DATA", open(flood(data(1, b"", false))), PEER, Closes),
        ("DATA that is padding", open(flood(frame(DATA, 8, 1, &[3, 0, 0, 0]))), PEER, Closes),
        ("RST_STREAM", flood(reset(1, 8)), PEER, Closes),
        (
            "CONTINUATION",
            [frame(HEADERS, 0, 1, &[0x88]), flood(frame(CONTINUATION, 0, 1, &field("x", "y")))].concat(),
            PEER,
            Closes,
        ),
        (
            "empty CONTINUATION",
            [frame(HEADERS, 0, 1, &[0x88]), flood(frame(CONTINUATION, 0, 1, &[]))].concat(),
            PEER,
            Closes,
        ),
        ("1xx", flood(frame(HEADERS, 4, 1, &field(":status", "103"))), PEER, Closes),
    ])
    .await;
}

#[tokio::test]
async fn heads_that_are_none() {
    use Connection::{Closes, Stays};
    let with = |fields: &[(&str, &str)]| [head(1, fields), data(1, b"", true)].concat();
    let many = vec![("x", "y"); 257];
    // A large field is put into the table once, and then named by a byte each time.
    let bomb = {
        let name_and_value = [&[0x40, 1, b'x', 0x7f, 0x81, 0x1e][..], &[b'y'; 4000]].concat();
        frame(HEADERS, 5, 1, &[&[0x88], &name_and_value[..], &[0xbe; 12_000]].concat())
    };
    check(vec![
        ("no status", frame(HEADERS, 5, 1, &field("x", "y")), PEER, Stays),
        ("a status that is none", frame(HEADERS, 5, 1, &field(":status", "2x0")), PEER, Closes),
        ("a name in upper case", with(&[("X", "y")]), PEER, Closes),
        ("a line break in a value", with(&[("x", "y\r\nz: w")]), PEER, Closes),
        ("a NUL in a value", with(&[("x", "y\0z")]), PEER, Closes),
        ("a field about the connection", with(&[("transfer-encoding", "chunked")]), PEER, Stays),
        ("101", frame(HEADERS, 4, 1, &field(":status", "101")), PEER, Closes),
        ("too many fields", with(&many), PEER, Stays),
        ("a header bomb", bomb, PEER, Stays),
        ("HPACK that is none", frame(HEADERS, 5, 1, &[0xff; 20]), PEER, Closes),
    ])
    .await;
}

#[tokio::test]
async fn lengths_that_lie() {
    use Connection::Stays;
    let with = |length: &str, content: &[u8]| {
        [head(1, &[("content-length", length)]), data(1, content, true)].concat()
    };
    check(vec![
        ("short", with("10", b"hello"), PEER, Stays),
        ("long", with("2", b"hello"), PEER, Stays),
        (
            "no content",
            frame(HEADERS, 5, 1, &[&[0x88], &field("content-length", "5")[..]].concat()),
            PEER,
            Stays,
        ),
        ("no number", with("five", b"hello"), PEER, Stays),
        (
            "two lengths",
            [head(1, &[("content-length", "5"), ("content-length", "6")]), data(1, b"hello", true)].concat(),
            PEER,
            Stays,
        ),
        (
            "cut short by a reset",
            [head(1, &[("content-length", "10")]), data(1, b"hello", false), reset(1, 0)].concat(),
            PEER,
            Stays,
        ),
        (
            "refused after its head",
            [head(1, &[]), data(1, b"hello", false), reset(1, 7)].concat(),
            PEER,
            Stays,
        ),
        ("204 with content", [frame(HEADERS, 4, 1, &[0x89]), data(1, b"hello", true)].concat(), PEER, Stays),
        ("304 with content", [frame(HEADERS, 4, 1, &[0x8b]), data(1, b"hello", true)].concat(), PEER, Stays),
    ])
    .await;
    let raw = saying([head(1, &[("content-length", "5")]), data(1, b"hello", true)].concat()).await;
    assert_eq!(outcome(&raw.client(), request(&raw, "HEAD")).await, Err(ErrorKind::Peer));
}

#[tokio::test]
async fn frames_out_of_place() {
    use Connection::Closes;
    let large = [&(1_u32 << 20).to_be_bytes()[1..], &[DATA, 0, 0, 0, 0, 1], &[0; 1000]].concat();
    check(vec![
        ("garbage", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), PEER, Closes),
        ("a frame that is too large", large, PEER, Closes),
        ("DATA before the head", data(1, b"hello", true), PEER, Closes),
        ("DATA on stream 0", data(0, b"hello", false), PEER, Closes),
        ("DATA on a stream of ours that never was", data(99, b"hello", false), PEER, Closes),
        ("HEADERS on a stream of the server's", frame(HEADERS, 5, 2, &[0x88]), PEER, Closes),
        ("HEADERS on a stream of ours that never was", frame(HEADERS, 5, 99, &[0x88]), PEER, Closes),
        ("CONTINUATION after nothing", frame(CONTINUATION, 4, 1, &[0x88]), PEER, Closes),
        (
            "PING within a head",
            [frame(HEADERS, 0, 1, &[0x88]), frame(PING, 0, 0, &[0; 8])].concat(),
            PEER,
            Closes,
        ),
        ("PUSH_PROMISE", frame(PUSH_PROMISE, 4, 1, &[0, 0, 0, 2, 0x82, 0x84, 0x86]), PEER, Closes),
        ("RST_STREAM of a stream that never was", reset(99, 8), PEER, Closes),
        ("RST_STREAM of the connection", reset(0, 8), PEER, Closes),
        ("SETTINGS of a stream", frame(SETTINGS, 0, 1, &[]), PEER, Closes),
        ("SETTINGS of five bytes", frame(SETTINGS, 0, 0, &[0; 5]), PEER, Closes),
        ("an answer to SETTINGS that were not sent", frame(SETTINGS, 1, 0, &[]), PEER, Closes),
        ("PING of five bytes", frame(PING, 0, 0, &[0; 5]), PEER, Closes),
        ("GOAWAY of five bytes", frame(GOAWAY, 0, 0, &[0; 5]), PEER, Closes),
        ("a window beyond all numbers", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]), PEER, Closes),
        ("a window that grows by nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), PEER, Closes),
        ("padding longer than its frame", frame(DATA, 8, 1, &[200, 0, 0]), PEER, Closes),
    ])
    .await;
}

#[tokio::test]
async fn more_data_than_was_allowed() {
    let more = [head(1, &[]), data(1, &[b'x'; 16_384], false).repeat(40 * 64)].concat();
    let raw = saying(more).await;
    let client = raw.client();
    // Nobody reads it, so no window opens.
    let response = client.request(request(&raw, "POST")).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap_err().kind(), ErrorKind::Peer);
    at_rest(&client).await;
}

#[tokio::test]
async fn farewells_of_every_kind() {
    for code in [0, 1, 2, 7, 11, 13, 0xdead] {
        // What is above the last stream was not processed, whatever the code: it is sent again, whatever the method.
        let raw = saying(goaway(0, code)).await;
        let client = raw.client();
        assert_eq!(outcome(&client, request(&raw, "POST")).await, Ok(Bytes::new()), "code {code}");
        assert_eq!(raw.connections(), 2, "code {code}");
        // What is not above it may have been. (The answer to the PING shows that all of it was read.)
        let raw = Raw::answering(move |connection, frame| match (connection, frame.kind) {
            (0, HEADERS) => Some([goaway(1, code), crate::raw::frame(PING, 0, 0, &[0; 8])].concat()),
            (0, PING) => None,
            (_, HEADERS) => Some(ok(frame.stream)),
            _ => Some(vec![]),
        })
        .await;
        let client = Client::builder().protocol(Protocol::Http2).trace(|_| true).build();
        let error = client.request(request(&raw, "POST")).await.unwrap_err();
        let kind = if code == 0 { ErrorKind::Lost } else { ErrorKind::Peer };
        assert_eq!((error.kind(), error.sent()), (kind, Sent::Maybe), "code {code}: {error:?}");
        // ENHANCE_YOUR_CALM is a complaint, which the pool heeds.
        let trace = client.trace(&raw.uri().parse().unwrap()).unwrap();
        assert_eq!(trace.lines().any(|line| line.ends_with("calm")), code == 11, "{trace}");
        assert_eq!(outcome(&client, request(&raw, "POST")).await, Ok(Bytes::new()), "code {code}");
    }
}

/// A server that says goodbye on each connection before it answers anything is not dialled without end.
#[tokio::test]
async fn goodbye_for_ever() {
    let raw = Raw::answering(|_, frame| match frame.kind {
        HEADERS => Some(goaway(0, 0)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let error = client.request(request(&raw, "GET")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Refused, Sent::Never), "{error:?}");
    assert!(error.attempts().iter().all(|attempt| attempt.fate() == Fate::Refused));
    assert!(raw.connections() <= 4, "{} dials", raw.connections());
    at_rest(&client).await;
}

#[tokio::test]
async fn farewell_below_what_was_answered() {
    // The server answers stream 1, says then that it did not process it, and ends its answer.
    let raw =
        saying([head(1, &[]), data(1, b"hel", false), goaway(0, 0), data(1, b"lo", true)].concat()).await;
    let client = raw.client();
    let got = outcome(&client, request(&raw, "POST")).await;
    assert!(matches!(got, Err(ErrorKind::Peer | ErrorKind::Refused | ErrorKind::Lost)), "{got:?}");
    assert_eq!(outcome(&client, request(&raw, "POST")).await, Ok(Bytes::new()));
    at_rest(&client).await;
}

#[tokio::test]
async fn a_drip_is_ended_by_its_timeout() {
    let raw = saying([head(1, &[]), data(1, b"h", false)].concat()).await;
    let client = raw.client();
    let mut post = request(&raw, "POST");
    post.extensions_mut().insert(Timeouts { read: Some(Duration::from_millis(20)), ..Timeouts::default() });
    assert_eq!(outcome(&client, post).await, Err(ErrorKind::Timeout(Phase::Body)));
    at_rest(&client).await;
}

/// What keeps a request from going on without a word is ended by its timeout, and harms no other.
#[tokio::test]
async fn walls() {
    let short = Some(Duration::from_millis(20));
    let connection = Timeouts { connection: short, ..Timeouts::default() };
    let response = Timeouts { response: short, ..Timeouts::default() };
    for (name, id, timeouts, phase) in [
        ("no stream is allowed", 3, connection, Phase::Connection),
        ("no window is open", 4, response, Phase::Response),
    ] {
        // With its first answer the server shuts the door (RFC 9113 section 6.5.2), and opens it no more.
        let raw = Raw::answering(move |_, frame| match (frame.kind, frame.stream) {
            (HEADERS, 1) => Some([crate::raw::frame(SETTINGS, 0, 0, &[0, id, 0, 0, 0, 0]), ok(1)].concat()),
            (HEADERS, _) => Some(vec![]),
            _ => Some(vec![]),
        })
        .await;
        let client = raw.client();
        assert_eq!(outcome(&client, request(&raw, "POST")).await, Ok(Bytes::new()), "{name}");
        for _ in 0..3 {
            let mut post = request(&raw, "POST").map(|_| Body::from("content"));
            post.extensions_mut().insert(timeouts);
            assert_eq!(outcome(&client, post).await, Err(ErrorKind::Timeout(phase)), "{name}");
        }
        assert!(raw.connections() <= 4, "{name}: {} dials", raw.connections());
        at_rest(&client).await;
    }
}

/// Never ends the first head, and answers no PING meanwhile, since it could not (RFC 9113 section 4.3).
#[derive(Default)]
struct Unending(Arc<AtomicUsize>);

impl Connect for Unending {
    fn connect<'a>(&'a self, _to: &'a Destination) -> Connecting<'a> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let number = self.0.fetch_add(1, SeqCst);
        let pongs = if number == 0 { Pongs::None } else { Pongs::All };
        tokio::spawn(converse(far, pongs, move |read| match (number, read.kind) {
            (0, HEADERS) => Some(frame(HEADERS, 0, 1, &[0x88])),
            (_, HEADERS) => Some(ok(read.stream)),
            _ => Some(vec![]),
        }));
        Box::pin(async { Ok(Box::new(near) as _) })
    }
}

/// In virtual time. It holds the whole connection up: its request ends by its timeout, and the next one goes elsewhere.
#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends() {
    let connections = Arc::new(AtomicUsize::new(0));
    let client =
        Client::builder().protocol(Protocol::Http2).connector(Unending(Arc::clone(&connections))).build();
    let post = || Request::post("http://localhost/").body(Body::empty()).unwrap();
    let mut first = post();
    first
        .extensions_mut()
        .insert(Timeouts { response: Some(Duration::from_millis(20)), ..Timeouts::default() });
    assert_eq!(outcome(&client, first).await, Err(ErrorKind::Timeout(Phase::Response)));
    assert_eq!(outcome(&client, post()).await, Ok(Bytes::new()));
    assert_eq!(connections.load(SeqCst), 2);
}

#[tokio::test]
async fn trailers_that_are_none() {
    use Connection::{Closes, Stays};
    let trailers =
        |fields: &[u8]| [head(1, &[]), data(1, b"hello", false), frame(HEADERS, 5, 1, fields)].concat();
    let many = vec![field("x", "y"); 257].concat();
    check(vec![
        ("trailers", trailers(&field("x", "y")), Ok("hello"), Stays),
        ("too many fields", trailers(&many), PEER, Stays),
        // h2 drops it, and so it is seen by nobody.
        ("a status", trailers(&[0x88]), Ok("hello"), Stays),
        ("a name in upper case", trailers(&field("X", "y")), PEER, Closes),
        ("HPACK that is none", trailers(&[0xff; 20]), PEER, Closes),
    ])
    .await;
}

#[tokio::test]
async fn sixteen_informational_responses_are_borne() {
    let hints = frame(HEADERS, 4, 1, &field(":status", "103")).repeat(16);
    let raw = saying([hints, ok(1)].concat()).await;
    let get = Request::get(raw.uri()).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(raw.client().request(get).await.unwrap().status(), 200);
}

/// The limits of a head are the user's.
#[tokio::test]
async fn heads_up_to_the_limits() {
    let with = |fields: usize, bytes: usize, hints: usize| {
        let hints = frame(HEADERS, 4, 1, &field(":status", "103")).repeat(hints);
        let fields = [vec![("x", "y"); fields - 1], vec![("z", "w")]].concat();
        let large: Vec<u8> =
            (0..bytes / 100).flat_map(|_| field("large", &"y".repeat(100 - 32 - 5))).collect();
        let small: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
        [hints, frame(HEADERS, 5, 1, &[&[0x88], &small[..], &large].concat())].concat()
    };
    let fine = Ok(Bytes::new());
    let peer = Err(ErrorKind::Peer);
    let few = || Client::builder().max_header_fields(3).max_header_bytes(2048).max_informational_responses(1);
    let many =
        || Client::builder().max_header_fields(300).max_header_bytes(1).max_informational_responses(20);
    let none = || Client::builder().max_header_fields(0).max_informational_responses(0);
    for (name, builder, bytes, expected) in [
        ("few fields", few(), with(3, 0, 0), &fine),
        ("a field too many", few(), with(4, 0, 0), &peer),
        ("large", few().max_header_fields(50), with(1, 1900, 0), &fine),
        ("too large", few().max_header_fields(50), with(1, 2100, 0), &peer),
        ("an informational response", few(), with(1, 0, 1), &fine),
        ("two informational responses", few(), with(1, 0, 2), &peer),
        ("many informational responses", many(), with(1, 0, 20), &fine),
        ("many fields", many().max_header_bytes(64 << 10), with(300, 0, 0), &fine),
        ("a kilobyte at least", many(), with(1, 900, 0), &fine),
        ("one field at least", none(), with(1, 0, 0), &fine),
        ("no informational response", none(), with(1, 0, 1), &peer),
    ] {
        let raw = saying(bytes).await;
        let client = builder.protocol(Protocol::Http2).build();
        assert_eq!(&outcome(&client, request(&raw, "POST")).await, expected, "{name}");
        at_rest(&client).await;
    }
}

/// A server that breaks the protocol on each connection is not dialled without end either.
#[tokio::test]
async fn nonsense_for_ever() {
    let raw = Raw::answering(|_, frame| match frame.kind {
        HEADERS => Some(data(0, b"?", false)),
        _ => Some(vec![]),
    })
    .await;
    let client = raw.client();
    let error = client.request(request(&raw, "GET")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Peer, Sent::Maybe), "{error:?}");
    assert!(error.attempts().len() <= 4 && raw.connections() <= 4, "{} dials, {error:?}", raw.connections());
    at_rest(&client).await;
}
