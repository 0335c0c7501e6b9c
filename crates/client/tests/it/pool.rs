//! Are the limits of the pool kept: connections, age, the queue?

use std::time::Duration;

use outlive::{ErrorKind, Sent};
use tokio::task::JoinSet;

use crate::fixture::{Server, Speech, at_rest, eventually, text};

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let server = Server::start(Speech::Http1).await;
    let client = server.builder().max_connections_per_origin(2).build();
    let mut requests = JoinSet::new();
    for _ in 0..8 {
        requests.spawn(client.request(server.get("/gate")));
    }
    let mut answered = 0;
    eventually("all are answered", async || {
        server.open_gate();
        while let Some(response) = requests.try_join_next() {
            assert_eq!(text(response.unwrap().unwrap()).await, "open");
            answered += 1;
        }
        answered == 8
    })
    .await;
    assert_eq!(server.connections(), 2);
    at_rest(&client).await;
}

#[tokio::test]
async fn some_are_kept_warm() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.builder().min_connections_per_origin(3).build();
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        // Or more: a dial that is late gets company.
        eventually("three are open", async || server.open() >= 3).await;
        eventually("they were replaced", async || {
            server.say_goodbye(); // One that the server has just accepted may not hear it.
            server.connections() >= 6
        })
        .await;
        eventually("three are open again", async || server.open() >= 3).await;
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn the_queue_has_a_length() {
    let server = Server::start(Speech::Http1).await;
    let client = server.builder().max_connections_per_origin(1).max_waiting_requests(1).build();
    let out = tokio::spawn(client.request(server.get("/gate")));
    eventually("it arrived", async || server.busy() == 1).await;
    let waits = tokio::spawn(client.request(server.get("/hello")));
    eventually("one waits", async || client.counts().0 == 2).await;
    let error = client.request(server.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Limit, Sent::Never), "{error:?}");
    server.open_gate();
    assert_eq!(text(out.await.unwrap().unwrap()).await, "open");
    assert_eq!(text(waits.await.unwrap().unwrap()).await, "hello");
}

#[tokio::test]
async fn waiting_has_a_limit() {
    let server = Server::start(Speech::Http1).await;
    let client = server.builder().max_connections_per_origin(1).max_wait(Duration::from_millis(20)).build();
    // On a busy machine the dial alone may take longer.
    eventually("there is a connection", async || client.request(server.get("/hello")).await.is_ok()).await;
    let out = tokio::spawn(client.request(server.get("/gate")));
    eventually("it arrived", async || server.busy() == 1).await;
    let error = client.request(server.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Limit, Sent::Never), "{error:?}");
    server.open_gate();
    assert_eq!(text(out.await.unwrap().unwrap()).await, "open");
}

#[tokio::test]
async fn an_old_connection_is_replaced_and_no_request_is_lost() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.builder().max_connection_age(Duration::from_millis(20)).build();
        eventually("there was a successor", async || {
            assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
            server.connections() >= 3
        })
        .await;
        eventually("the old ones are gone", async || server.open() <= 2).await;
    }
}
