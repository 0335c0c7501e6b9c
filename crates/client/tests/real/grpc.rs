//! Does gRPC's C core bear with us? Its policy of pings is the strictest that is common (promise P9).
//!
//! A unary call is a POST with a message of five bytes of head and its data; how it went is in the trailers.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use tokio::task::JoinSet;

use crate::load::Bench;

fn call(bench: &Bench, method: &str, message: &str) -> Request<Full<Bytes>> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed = [&[0], &length[..], message.as_bytes()].concat();
    Request::post(bench.uri(&format!("/real.Real/{method}")))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(Full::from(framed))
        .unwrap()
}

async fn answered(bench: &Bench, method: &str, message: &str) {
    let response = bench.client.request(call(bench, method, message)).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(body.to_bytes().slice(5..), message);
}

/// The server never complained of pings, nor closed anything. How often it was asked.
fn check(bench: &Bench) -> usize {
    assert!(bench.trace_lines("goaway").is_empty(), "{:?}", bench.trace_lines("goaway"));
    assert!(bench.trace_lines("> closed").is_empty(), "{:?}", bench.trace_lines("> closed"));
    assert_eq!(bench.trace_lines("> connected").len(), 1);
    bench.trace_lines("< probe").len()
}

pub async fn unary_calls(bench: Bench) {
    let bench = std::sync::Arc::new(bench);
    let mut callers = JoinSet::new();
    for caller in 0..16 {
        let bench = std::sync::Arc::clone(&bench);
        callers.spawn(async move {
            for number in 0..50 {
                answered(&bench, "Echo", &format!("{caller} {number}")).await;
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    check(&bench);
}

/// A stream that says nothing, next to calls that come and go.
pub async fn an_idle_stream(bench: Bench) {
    let stream = bench.client.request(call(&bench, "Wait", "")).await.unwrap();
    assert_eq!(stream.status(), 200);
    for number in 0..3 {
        answered(&bench, "Slow", &number.to_string()).await;
        answered(&bench, "Echo", &number.to_string()).await;
    }
    check(&bench);
    drop(stream);
    answered(&bench, "Echo", "after it").await;
}

pub async fn slow_calls(bench: Bench) {
    slow(&bench, 4).await;
}

pub async fn slow_calls_for_a_minute(bench: Bench) {
    slow(&bench, 60).await;
}

/// After a quick call, which teaches the client patience of milliseconds, calls of a second each.
async fn slow(bench: &Bench, calls: usize) {
    answered(bench, "Echo", "quick").await;
    for number in 0..calls {
        answered(bench, "Slow", &number.to_string()).await;
    }
    let probes = check(bench);
    println!("    {probes} probes in {calls} calls of a second each");
    assert!(probes > 0, "a call of a second makes the client ask");
}
