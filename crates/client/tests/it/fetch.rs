//! Does it fetch, over every kind of connection?

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Full};
use outlive::{Client, ErrorKind, Protocol, Sent};
use tower_service::Service as _;

use crate::fixture::{Server, Speech, at_rest, text};

#[tokio::test]
async fn get_and_post_over_one_connection() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        for _ in 0..3 {
            assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
            let post = Request::post(server.uri("/echo")).body(Full::<Bytes>::from("from me")).unwrap();
            assert_eq!(text(client.request(post).await.unwrap()).await, "from me");
        }
        assert_eq!(server.connections(), 1, "{speech:?}");
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn alpn_finds_the_best_that_both_speak() {
    for (speech, version) in [(Speech::Http1Tls, "HTTP/1.1"), (Speech::Http2Tls, "HTTP/2.0")] {
        let server = Server::start(speech).await;
        let client = server.trusting(Client::builder()).build();
        assert_eq!(text(client.request(server.get("/version")).await.unwrap()).await, version);
    }
    // The client may want less than the server offers.
    let server = Server::start(Speech::Http2Tls).await;
    let client = server.trusting(Client::builder().protocol(Protocol::Http1)).build();
    assert_eq!(text(client.request(server.get("/version")).await.unwrap()).await, "HTTP/1.1");
}

#[tokio::test]
async fn the_server_is_told_its_name() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        let host = text(client.request(server.get("/host")).await.unwrap()).await;
        assert_eq!(host, format!("localhost:{}", server.address.port()), "{speech:?}");
        let request = Request::get(server.uri("/host")).header("host", "example.com");
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(text(client.request(request).await.unwrap()).await, "example.com", "{speech:?}");
    }
}

#[tokio::test]
async fn an_empty_answer_is_an_answer() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.client();
        for _ in 0..3 {
            let head = Request::head(server.uri("/hello")).body(Empty::<Bytes>::new()).unwrap();
            let response = client.request(head).await.unwrap();
            assert_eq!(
                (response.status().as_u16(), &response.headers()["content-length"]),
                (200, &"5".parse().unwrap())
            );
            assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
            assert_eq!(client.request(server.get("/nowhere")).await.unwrap().status(), 404);
        }
        at_rest(&client).await;
        assert_eq!(server.connections(), 1, "{speech:?}");
    }
}

#[tokio::test]
async fn it_is_a_tower_service() {
    let server = Server::start(Speech::Http2).await;
    let mut client = server.client();
    std::future::poll_fn(|cx| tower_service::Service::<Request<Empty<Bytes>>>::poll_ready(&mut client, cx))
        .await
        .unwrap();
    assert_eq!(text(client.call(server.get("/hello")).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_says_why() {
    let client = Client::new();
    let request = Request::get("/relative").body(Empty::<Bytes>::new()).unwrap();
    let error = client.request(request).await.unwrap_err();
    assert_eq!((error.kind(), error.sent(), error.attempts()), (ErrorKind::Request, Sent::Never, &[][..]));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("absolute"));
}

#[test]
fn roots_that_are_none_are_refused() {
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = Client::builder().add_root_pem(pem.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings, "{pem}: {error:?}");
    }
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let server = Server::start(Speech::Http2Tls).await;
    let error = Client::new().request(server.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Tls, Sent::Never), "{error:?}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_server_without_http2_is_an_error_where_only_http2_will_do() {
    let server = Server::start(Speech::Http1Tls).await;
    let client = server.trusting(Client::builder().protocol(Protocol::Http2)).build();
    let error = client.request(server.get("/hello")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Dial), "{error:?}");
}
