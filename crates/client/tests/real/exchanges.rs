//! Do requests and responses pass as they are, with servers that nobody here wrote?

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use outlive::ResponseBody;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::load::{Bench, text};

pub async fn small(bench: Bench) {
    for _ in 0..100 {
        assert_eq!(text(bench.client.request(bench.get("/hello")).await.unwrap()).await.unwrap(), "hello");
    }
    // A machine that is busy makes dials late, which get company, and connections silent.
    let reasons = 1 + bench.trace_lines("< suspect").len();
    assert!(bench.trace_lines("> connected").len() <= 2 * reasons);
}

pub async fn ten_megabytes_down(bench: Bench) {
    for _ in 0..2 {
        // HAProxy has no files; what is behind it does.
        let big = bench.client.request(bench.get("/big")).await.unwrap();
        assert_eq!(text(big).await.unwrap().len(), 10_000_000);
    }
}

pub async fn five_megabytes_up(bench: Bench) {
    for _ in 0..2 {
        let body = Full::<Bytes>::from(vec![b'x'; 5_000_000]);
        let post = Request::post(bench.uri("/count")).body(body).unwrap();
        assert_eq!(text(bench.client.request(post).await.unwrap()).await.unwrap(), "5000000");
    }
}

pub async fn crowd_of_200(bench: Bench) {
    let mut crowd = JoinSet::new();
    for _ in 0..200 {
        let request = bench.client.request(bench.get("/hello"));
        crowd.spawn(async move { text(request.await.unwrap()).await.unwrap() });
    }
    assert_eq!(crowd.join_all().await, vec!["hello"; 200]);
}

pub async fn status_and_headers(bench: Bench) {
    let response = bench.client.request(bench.get("/status")).await.unwrap();
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()["x-one"], "1");
    let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "short and stout");
}

/// A body that says what it is told, as long as there is somebody to tell it.
struct Told(mpsc::Receiver<Frame<Bytes>>);

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

fn sum() -> Frame<Bytes> {
    Frame::trailers(HeaderMap::from_iter([("sum".parse().unwrap(), "6".parse().unwrap())]))
}

/// Go drops trailers that were not announced (RFC 9110 section 6.6.2), hypercorn sends them only to who asked.
fn announced(bench: &Bench) -> http::request::Builder {
    let post = Request::post(bench.uri("/echo"));
    if bench.place.kind.can("trailers") {
        post.header("trailer", "sum").header("te", "trailers")
    } else {
        post
    }
}

/// A body of unknown length, up and down.
pub async fn echo(bench: Bench) {
    for _ in 0..3 {
        let (say, told) = mpsc::channel(1);
        let post = announced(&bench).body(Told(told)).unwrap();
        let has_trailers = bench.place.kind.can("trailers");
        tokio::spawn(async move {
            for length in [1, 20_000, 70_000, 3] {
                say.send(Frame::data(vec![b'x'; length].into())).await.unwrap();
            }
            if has_trailers {
                say.send(sum()).await.unwrap();
            }
        });
        let response = bench.client.request(post).await.unwrap();
        assert_eq!(response.status(), 200);
        let echo = response.into_body().collect().await.unwrap();
        let trailers = echo.trailers().cloned();
        assert_eq!(echo.to_bytes().len(), 90_004);
        assert_eq!(has_trailers, trailers.is_some_and(|trailers| trailers["sum"] == "6"));
    }
}

/// Each word is answered before the next is said.
pub async fn conversation(bench: Bench) {
    let (say, told) = mpsc::channel(1);
    let post = announced(&bench).body(Told(told)).unwrap();
    let response = bench.client.request(post);
    // Some proxies pass a request's head on only with the first of its body.
    say.send(Frame::data("one".into())).await.unwrap();
    let mut echo = response.await.unwrap().into_body();
    assert_eq!(hear(&mut echo).await.unwrap().into_data().unwrap(), "one");
    for word in ["two", "three"] {
        say.send(Frame::data(word.into())).await.unwrap();
        assert_eq!(hear(&mut echo).await.unwrap().into_data().unwrap(), word);
    }
    if bench.place.kind.can("trailers") {
        say.send(sum()).await.unwrap();
        drop(say);
        assert_eq!(hear(&mut echo).await.unwrap().into_trailers().unwrap()["sum"], "6");
    } else {
        drop(say);
    }
    assert!(hear(&mut echo).await.is_none());
}

/// The next frame that means something: not an empty one.
async fn hear(body: &mut ResponseBody) -> Option<Frame<Bytes>> {
    loop {
        let frame = body.frame().await?.unwrap();
        if frame.data_ref().is_none_or(|data| !data.is_empty()) {
            return Some(frame);
        }
    }
}
