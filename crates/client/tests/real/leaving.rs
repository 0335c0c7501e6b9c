//! Is anything lost when a server leaves: an idle connection closed, GOAWAY, a restart under load?
//!
//! Over HTTP/1.1 a server can't say which request it will not process: a POST that crosses its close may be lost, once, and
//! says so. Over HTTP/2 it can (RFC 9113 section 6.8), and nothing may be.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::load::{Bench, Load, Tally};
use crate::server::eventually;

/// Forty clients send again just when the server's patience with their connection ends, so that some requests cross its close.
pub async fn idle_connections_close(bench: Bench) {
    let bench = Arc::new(bench);
    let mut clients = JoinSet::new();
    for number in 0..40 {
        let bench = Arc::clone(&bench);
        clients.spawn(async move {
            let client = bench.another_client();
            let mut tally = Tally::default();
            for round in 0..3 {
                tally.get(&client, &bench).await;
                // The pace of the load, not something waited for: 960 to 1,040 ms.
                tokio::time::sleep(Duration::from_millis(960 + 2 * number)).await;
                if (number + round) % 2 == 0 {
                    tally.get(&client, &bench).await;
                } else {
                    tally.post(&client, &bench, "/once").await;
                }
            }
            tally
        });
    }
    let mut all = Tally::default();
    while let Some(tally) = clients.join_next().await {
        all.add(tally.unwrap());
    }
    check(&bench, &all);
}

/// nginx says GOAWAY after 1,000 requests (keepalive_requests); 10,000 are sent.
pub async fn a_thousand_requests_each(bench: Bench) {
    let bench = Arc::new(bench);
    let mut load = Load::start(&bench);
    load.goes_on(10_000).await;
    let tally = load.end().await;
    assert_eq!(tally.check(&bench), 0, "{:?}", tally.errors());
    assert!(bench.trace_lines("> connected").len() >= 10);
}

pub async fn renewed_under_load(bench: Bench) {
    let bench = Arc::new(bench);
    let mut load = Load::start(&bench);
    for _ in 0..3 {
        load.goes_on(500).await;
        bench.running.renew();
    }
    load.goes_on(500).await;
    let tally = load.end().await;
    check(&bench, &tally);
}

/// A new server takes the old one's socket, and the old one finishes what it began.
pub async fn replaced_under_load(bench: Bench) {
    let bench = Arc::new(bench);
    let mut load = Load::start(&bench);
    let mut successors = Vec::new();
    for _ in 0..3 {
        load.goes_on(500).await;
        let successor = bench.place.start().await;
        successors.last().unwrap_or(&bench.running).terminate();
        successors.push(successor);
    }
    load.goes_on(500).await;
    let tally = load.end().await;
    check(&bench, &tally);
    let last = successors.pop();
    for old in &mut successors {
        eventually("what was replaced has ended", || old.has_ended()).await;
    }
    drop(last);
}

/// No GET is lost, no POST is processed twice, and over HTTP/2 no POST is lost that the server does not lose itself.
fn check(bench: &Bench, tally: &Tally) {
    let lost = tally.check(bench);
    let posts = tally.posts.len();
    if lost > 0 {
        println!("    {lost} of {posts} POSTs may be lost, and say so");
    }
    let kind = &bench.place.kind;
    let may_lose = !kind.speech.is_http2() || kind.can("abrupt");
    assert!(lost == 0 || may_lose, "{lost} of {posts} POSTs are lost: {:?}", tally.errors());
}
