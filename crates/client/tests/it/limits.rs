//! Are the limits of streams kept, the server's and the user's?

use tokio::task::JoinSet;

use crate::fixture::{Server, Speech, at_rest, eventually, text};

/// Starts `count` requests to `/gate` at a time.
fn crowd(server: &Server, client: &outlive::Client, count: usize) -> JoinSet<String> {
    let mut requests = JoinSet::new();
    for _ in 0..count {
        let request = client.request(server.get("/gate"));
        requests.spawn(async move { text(request.await.unwrap()).await });
    }
    requests
}

async fn all_open(server: &Server, mut crowd: JoinSet<String>) {
    let mut answered = 0;
    let total = crowd.len();
    eventually("all are answered", async || {
        server.open_gate();
        while let Some(answer) = crowd.try_join_next() {
            assert_eq!(answer.unwrap(), "open");
            answered += 1;
        }
        answered == total
    })
    .await;
}

#[tokio::test]
async fn sixty_four_at_a_time_share_one_connection() {
    for speech in [Speech::Http2, Speech::Http2Tls] {
        let server = Server::start(speech).await;
        let client = server.client();
        let crowd = crowd(&server, &client, 64);
        eventually("all have arrived", async || server.busy() == 64).await;
        assert_eq!((server.connections(), server.peak()), (1, 64), "{speech:?}");
        all_open(&server, crowd).await;
        at_rest(&client).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_many_requests() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let mut workers = JoinSet::new();
        for _ in 0..32 {
            let (client, request) = (client.clone(), server.get("/hello"));
            workers.spawn(async move {
                for _ in 0..50 {
                    assert_eq!(text(client.request(request.clone()).await.unwrap()).await, "hello");
                }
            });
        }
        workers.join_all().await;
        assert_eq!(server.requests(), 32 * 50, "{speech:?}: each was sent once");
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn the_users_limit_opens_more_connections() {
    let server = Server::start(Speech::Http2Tls).await;
    let client = server.builder().max_streams_per_connection(10).build();
    let crowd = crowd(&server, &client, 30);
    eventually("all have arrived", async || server.busy() == 30).await;
    assert_eq!(server.peak(), 10, "the most on one connection");
    assert!(server.connections() >= 3);
    all_open(&server, crowd).await;
    at_rest(&client).await;
}

#[tokio::test]
async fn the_servers_limit_is_kept_and_costs_no_request() {
    let server = Server::at(Speech::Http2, "127.0.0.1:0".parse().unwrap(), 5).await;
    let client = server.client();
    let crowd = crowd(&server, &client, 20);
    eventually("all have arrived", async || server.busy() == 20).await;
    assert!(server.peak() <= 5, "{} on one connection", server.peak());
    all_open(&server, crowd).await;
    at_rest(&client).await;
}

#[tokio::test]
async fn http1_has_one_stream() {
    let server = Server::start(Speech::Http1Tls).await;
    let client = server.client();
    let crowd = crowd(&server, &client, 8);
    eventually("all have arrived", async || server.busy() == 8).await;
    assert_eq!(server.peak(), 1);
    assert!(server.connections() >= 8);
    all_open(&server, crowd).await;
    at_rest(&client).await;
}
