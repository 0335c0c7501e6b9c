//! Does the front door lead to the same place as an `http::Request`, alone and behind tower's layers?

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Version};
use outlive::{Body, Client, ErrorKind, Front, Rescue, Response, ResponseBody, Sent};
use tower::retry::{Policy, RetryLayer};
use tower::timeout::TimeoutLayer;
use tower::{Layer as _, ServiceBuilder};

use crate::fixture::{FLOOD, Server, Speech, at_rest};
use crate::raw::{HEADERS, Raw, ok, reset};

#[tokio::test]
async fn there_and_back() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let response = client.get(server.uri("/hello")).send().await.unwrap().error_for_status().unwrap();
        assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(5)));
        assert_eq!(response.version() == Version::HTTP_2, speech.is_http2());
        assert!(response.attempts().is_empty());
        assert_eq!(response.text().await.unwrap(), "hello", "{speech:?}");
        let sent = client.post(server.uri("/echo")).body("as it is").send().await.unwrap();
        assert_eq!(sent.bytes().await.unwrap(), "as it is");
        let other = client.build_request(Method::OPTIONS, server.uri("/hello"));
        assert_eq!(other.send().await.unwrap().text().await.unwrap(), "hello");
        let head = client.head(server.uri("/hello")).send().await.unwrap();
        assert_eq!(head.bytes().await.unwrap(), "");
        at_rest(&client).await;
    }
}

#[cfg(feature = "json")]
#[tokio::test]
async fn json_there_and_back() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Order {
        name: String,
        count: u32,
    }
    let server = Server::start(Speech::Http2).await;
    let client = server.client();
    let order = Order { name: "two \"halves\"".to_owned(), count: 2 };
    let response = client.put(server.uri("/echo")).json(&order).send().await.unwrap();
    assert_eq!(response.json::<Order>().await.unwrap(), order);
    let hello = client.get(server.uri("/hello")).send().await.unwrap();
    let error = hello.json::<Order>().await.unwrap_err();
    assert!(error.is_decode() && std::error::Error::source(&error).unwrap().is::<serde_json::Error>());
    assert!(error.origin().is_some() && error.uri().is_some(), "{error:?}");
    let request = client.put("http://a/").json(&order).build().unwrap();
    assert_eq!(request.headers()["content-type"], "application/json");
}

#[cfg(feature = "form")]
#[test]
fn queries_and_forms_are_encoded() {
    let client = Client::new();
    let request =
        client.get("http://a/b?c=d").query(&[("e f", "g&h"), ("i", "ü")]).query(&()).build().unwrap();
    assert_eq!(request.uri(), "http://a/b?c=d&e+f=g%26h&i=%C3%BC");
    let request = client.post("http://a").form(&[("a b", "=")]).build().unwrap();
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(http_body::Body::size_hint(request.body()).exact(), Some("a+b=%3D".len() as u64));
}

#[test]
fn what_is_built_is_an_http_request() {
    let client = Client::new();
    let mut more = HeaderMap::new();
    more.insert("x-a", "3".parse().unwrap());
    more.append("x-a", "4".parse().unwrap());
    let request = client
        .get("http://a/")
        .header("x-a", "1")
        .header("x-b", "2")
        .headers(more)
        .bearer_auth("token")
        .timeout(Duration::from_secs(1))
        .rescue(Rescue::Never)
        .idempotent(true)
        .build()
        .unwrap();
    let all = |name: &str| request.headers().get_all(name).iter().cloned().collect::<Vec<_>>();
    assert_eq!(
        (all("x-a"), all("x-b")),
        (vec!["3".parse().unwrap(), "4".parse().unwrap()], vec!["2".parse().unwrap()])
    );
    assert_eq!(request.headers()["authorization"], "Bearer token");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.extensions().get(), Some(&Rescue::Never));
    let request = client.get("http://a/").basic_auth("me", Some("secret")).build().unwrap();
    assert_eq!(request.headers()["authorization"], "Basic bWU6c2VjcmV0");
}

#[tokio::test]
async fn what_is_wrong_is_told_when_it_is_sent() {
    let client = Client::new();
    for request in [
        client.get("no url"),
        client.get("/path"),
        client.get("ftp://a/"),
        client.get("http://a/").header("no name", "x"),
        client.get("http://a/").header("x", "no\nvalue"),
    ] {
        let error = request.send().await.unwrap_err();
        assert!(error.is_request() && error.sent() == Sent::Never, "{error:?}");
    }
}

#[tokio::test]
async fn a_status_is_an_error_where_it_is_asked_for() {
    let server = Server::start(Speech::Http1).await;
    let response = server.client().get(server.uri("/nothing")).send().await.unwrap();
    let error = response.error_for_status().unwrap_err();
    assert_eq!((error.kind().as_str(), error.status().unwrap().as_u16()), ("status", 404));
    assert!(error.to_string().contains("404"), "{error}");
}

#[tokio::test]
async fn a_body_is_read_as_its_caller_likes() {
    let server = Server::start(Speech::Http2).await;
    let client = server.client();
    let mut response = client.get(server.uri("/flood")).send().await.unwrap();
    let mut read = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        read += chunk.len();
    }
    assert_eq!(read, FLOOD);
    let error =
        client.get(server.uri("/flood")).send().await.unwrap().limit(1_000_000).bytes().await.unwrap_err();
    assert!(error.kind() == ErrorKind::TooLarge && error.is_body(), "{error:?}");
    let mut stream = client.get(server.uri("/hello")).send().await.unwrap().stream();
    let first =
        std::future::poll_fn(|cx| futures_core::Stream::poll_next(std::pin::Pin::new(&mut stream), cx));
    assert_eq!(first.await.unwrap().unwrap(), "hello");
    drop(stream);
    at_rest(&client).await;
    assert_eq!(server.connections(), 1, "what was cut short cost no connection");
}

#[tokio::test]
async fn responses_are_https_responses() {
    let server = Server::start(Speech::Http1).await;
    let response = server.client().get(server.uri("/hello")).send().await.unwrap();
    let response: http::Response<ResponseBody> = response.into();
    let response: Response = response.into();
    assert_eq!(response.text().await.unwrap(), "hello");
}

/// Sends again what failed in any way, as often as it says.
#[derive(Clone)]
struct Again(usize);

impl Policy<Request<Body>, http::Response<ResponseBody>, outlive::Error> for Again {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _request: &mut Request<Body>,
        result: &mut Result<http::Response<ResponseBody>, outlive::Error>,
    ) -> Option<Ready<()>> {
        self.0 = self.0.checked_sub(1)?;
        result.is_err().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut clone = Request::new(request.body().try_clone()?);
        (*clone.method_mut(), *clone.uri_mut()) = (request.method().clone(), request.uri().clone());
        (*clone.headers_mut(), *clone.extensions_mut()) =
            (request.headers().clone(), request.extensions().clone());
        Some(clone)
    }
}

#[tokio::test]
async fn towers_retry_stacks_on_it() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&tries);
    // The first two are reset, in a way that the client itself does not repeat.
    let raw = Raw::answering(move |_, frame| {
        Some(match frame.kind {
            HEADERS if counts.fetch_add(1, SeqCst) < 2 => reset(frame.stream, 2),
            HEADERS => ok(frame.stream),
            _ => vec![],
        })
    })
    .await;
    let front = Front::new(RetryLayer::new(Again(3)).layer(raw.client()));
    assert_eq!(front.get(raw.uri()).send().await.unwrap().status(), 200);
    assert_eq!(tries.load(SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn towers_timeout_stacks_on_it() {
    let server = Server::in_memory(Speech::Http2);
    let client = server.client();
    let stack = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_millis(20)))
        .concurrency_limit(8)
        .service(client.clone());
    let front = Front::new(stack);
    assert_eq!(front.get(server.uri("/hello")).send().await.unwrap().text().await.unwrap(), "hello");
    let error = front.get(server.uri("/gate")).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Layer);
    assert!(std::error::Error::source(&error).unwrap().is::<tower::timeout::error::Elapsed>());
    // What the layer dropped, the pool gives up.
    at_rest(&client).await;
    let hello = front.get(server.uri("/hello")).send().await.unwrap();
    assert_eq!(hello.bytes().await.unwrap(), "hello");
}
