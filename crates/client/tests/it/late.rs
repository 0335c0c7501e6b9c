//! What becomes of streams whose requests are given up a little too soon?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use outlive::{Builder, Client, Connect, Connecting, Destination, Protocol};
use tokio::task::JoinSet;

/// Answers `/slow` after 50 ms and all else after one, over HTTP/2 and in memory.
#[derive(Default)]
struct Sluggish {
    connections: AtomicUsize,
}

impl Connect for Sluggish {
    fn connect<'a>(&'a self, _to: &'a Destination) -> Connecting<'a> {
        self.connections.fetch_add(1, SeqCst);
        let (near, far) = tokio::io::duplex(1 << 20);
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(far).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let wait = if request.uri().path() == "/slow" { 50 } else { 1 };
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    if let Ok(mut body) = respond.send_response(Response::new(()), false) {
                        _ = body.send_data(Bytes::from_static(b"ok"), true);
                    }
                });
            }
        });
        Box::pin(async { Ok(Box::new(near) as _) })
    }
}

fn sluggish() -> (Arc<Sluggish>, Builder) {
    let server = Arc::new(Sluggish::default());
    let builder = Client::builder().protocol(Protocol::Http2).connector(Arc::clone(&server));
    (server, builder)
}

/// In virtual time. About 200 streams are taken at a time, by requests whose answers come 40 ms late, and three connections have
/// room for them: resets alone, which are paced, could not keep up.
#[tokio::test(start_paused = true)]
async fn late_answers_free_their_streams() {
    let (server, builder) = sluggish();
    let client = builder.request_timeout(Duration::from_millis(10)).build();
    let mut workers = JoinSet::new();
    for worker in 0..64 {
        let client = client.clone();
        workers.spawn(async move {
            for request in worker..worker + 100 {
                let path = if request % 4 == 0 { "slow" } else { "fast" };
                let response = client.get(format!("http://localhost/{path}")).send().await;
                assert_eq!(response.is_ok(), path == "fast");
            }
        });
    }
    workers.join_all().await;
    let connections = server.connections.load(SeqCst);
    assert!(connections <= 4, "{connections} connections");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(client.counts(), (0, 0, connections), "nothing is left of them");
}
