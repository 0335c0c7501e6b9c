//! Does a peer that stops reading hold up more than what it has?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use outlive::{Body, Client, Idempotent, Protocol};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::fixture::{at_rest, eventually};
use crate::raw::{DATA, HEADERS, SETTINGS, WINDOW_UPDATE, frame, ok};

/// Its first connection allows data without end, and stops reading once the first request is there; later ones answer.
struct Deaf {
    uri: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    /// Has the first connection read on.
    hear: Arc<Notify>,
}

async fn deaf() -> Deaf {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let hear = Arc::new(Notify::new());
    let (accepted, arrived, heard) = (Arc::clone(&connections), Arc::clone(&requests), Arc::clone(&hear));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let deaf = accepted.fetch_add(1, SeqCst) == 0;
            tokio::spawn(converse(tcp, deaf.then(|| Arc::clone(&heard)), Arc::clone(&arrived)));
        }
    });
    Deaf { uri, connections, requests, hear }
}

async fn converse(
    mut tcp: TcpStream,
    mut deaf: Option<Arc<Notify>>,
    requests: Arc<AtomicUsize>,
) -> Option<()> {
    tcp.read_exact(&mut [0; 24]).await.ok()?;
    // Windows of 2^31 - 1 bytes.
    let window = frame(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
    let more = frame(WINDOW_UPDATE, 0, 0, &(0x7fff_ffff_u32 - 65_535).to_be_bytes());
    tcp.write_all(&[window, more].concat()).await.ok()?;
    loop {
        let mut head = [0; 9];
        tcp.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        tcp.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let answer = match (head[3], head[4]) {
            (SETTINGS, 0) => frame(SETTINGS, 1, 0, &[]),
            (crate::raw::PING, 0) => frame(crate::raw::PING, 1, 0, &payload),
            (HEADERS, flags) => {
                requests.fetch_add(1, SeqCst);
                if let Some(hear) = deaf.take() {
                    hear.notified().await;
                }
                if flags & 1 == 1 { ok(stream) } else { vec![] }
            }
            (DATA, 1) => ok(stream),
            _ => vec![],
        };
        tcp.write_all(&answer).await.ok()?;
    }
}

#[tokio::test]
async fn a_peer_that_stops_reading_gets_no_more() {
    let server = deaf().await;
    let client = Client::builder().protocol(Protocol::Http2).trace(|_| true).build();
    let told = |fact: &str| client.trace(&server.uri.parse().unwrap()).unwrap().to_string().contains(fact);
    let upload = Request::post(&server.uri).body(Full::new(Bytes::from(vec![b'x'; 64 << 20]))).unwrap();
    let upload = tokio::spawn(client.request(upload));
    eventually("the upload has begun", async || server.requests.load(SeqCst) == 1).await;
    // Requests that may not be repeated, so that none is where it was not sent at first.
    let get = || Request::get(&server.uri).extension(Idempotent(false)).body(Body::empty()).unwrap();
    let mut stuck = tokio::task::JoinSet::new();
    for _ in 0..20 {
        stuck.spawn(client.request(get()));
    }
    eventually("the pool is told", async || told("> blocked c")).await;
    let piled_up = client.counts().1;
    assert!(piled_up <= 100, "{piled_up} are out: as many as a connection may carry, at most");
    for _ in 0..100 {
        assert_eq!(client.request(get()).await.unwrap().status(), 200);
    }
    // It takes bytes again: nothing is lost.
    server.hear.notify_one();
    assert_eq!(upload.await.unwrap().unwrap().status(), 200);
    for answer in stuck.join_all().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    at_rest(&client).await;
    assert!(told("> writable c"));
    assert!(server.connections.load(SeqCst) > 1);
}
