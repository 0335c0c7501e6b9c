//! Which way do requests go through proxies, and what do these get to know?

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use outlive::{Builder, Client, ErrorKind, Protocol, Proxies, Proxy, Sent};

use crate::fixture::{Server, Speech, at_rest, in_environment, logged, text};
use crate::proxy::{Kind, ProxyServer, Speaks};
use crate::trust::acceptor;

/// `Aladdin` with `open sesame`, in the Basic scheme (RFC 7617).
const LOGIN: &str = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

fn proxy(scheme: &str, server: &ProxyServer) -> Proxy {
    // By name, so that it has to be resolved; the port says who is meant.
    Proxy::new(&format!("{scheme}://localhost:{}", server.address.port())).unwrap()
}

#[tokio::test]
async fn plain_http_is_forwarded_in_absolute_form() {
    let server = Server::start(Speech::Http1).await;
    let asked = ProxyServer::start(Speaks::Http(Some(LOGIN)), server.address).await;
    let chosen = Proxies::all(proxy("http", &asked).login("Aladdin", "open sesame"));
    let client = Client::builder().proxies(chosen).build();
    let forwarded = client.request(get("http://nowhere.test:81/a?b")).await.unwrap();
    assert_eq!(text(forwarded).await, "forwarded");
    let mut other = get("http://nowhere.test/");
    other.headers_mut().insert("host", "elsewhere.test".parse().unwrap());
    assert_eq!(text(client.request(other).await.unwrap()).await, "forwarded");
    let told = asked.told();
    let first: Vec<_> = told[0].lines().collect();
    assert_eq!(first[0], "get http://nowhere.test:81/a?b http/1.1");
    assert_eq!(first[1], "host: nowhere.test:81");
    assert!(told[0].contains(&format!("proxy-authorization: {}\r\n", LOGIN.to_lowercase())));
    // Where to is the URI's to say, whatever the caller's Host is.
    assert!(
        told[1].starts_with("get http://nowhere.test/ http/1.1\r\nhost: elsewhere.test\r\n"),
        "{}",
        told[1]
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn everything_else_is_tunnelled() {
    for speech in [Speech::Http1Tls, Speech::Http2Tls, Speech::Http2] {
        let server = Server::start(speech).await;
        let asked = ProxyServer::start(Speaks::Http(Some(LOGIN)), server.address).await;
        let chosen = Proxies::all(proxy("http", &asked).login("Aladdin", "open sesame"));
        let client = server.builder().proxies(chosen).build();
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello", "{speech:?}");
        let told = asked.told();
        assert_eq!(told.len(), 1);
        let to = format!("localhost:{}", server.address.port());
        assert!(told[0].starts_with(&format!("connect {to} http/1.1\r\nhost: {to}\r\n")), "{}", told[0]);
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn the_origin_never_sees_the_proxys_login() {
    // The origin behind the tunnel is a proxy too, which notes what it is told.
    let origin = ProxyServer::start(Speaks::Http(None), "127.0.0.1:1".parse().unwrap()).await;
    let acceptor = acceptor(None, &[b"http/1.1"]);
    let kind = Kind { tls: Some(acceptor.1), speaks: Speaks::Http(None) };
    let secure_origin = ProxyServer::with(kind, "127.0.0.1:1".parse().unwrap()).await;
    let asked = ProxyServer::start(Speaks::Http(Some(LOGIN)), secure_origin.address).await;
    let chosen = Proxies::none().https(proxy("http", &asked).login("Aladdin", "open sesame"));
    let trusting = Client::builder().add_root_pem(acceptor.0.as_bytes()).unwrap().only_added_roots();
    let client = trusting.proxies(chosen).build();
    let mut request = get("https://localhost/");
    request.headers_mut().insert("proxy-authorization", "Basic mine".parse().unwrap());
    text(client.request(request.clone()).await.unwrap()).await;
    *request.uri_mut() = format!("http://{}/", origin.address).parse().unwrap();
    text(client.request(request).await.unwrap()).await;
    for told in [secure_origin.told(), origin.told()] {
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("get / http/1.1") && !told[0].contains("proxy-authorization"),
            "{}",
            told[0]
        );
    }
}

#[tokio::test]
async fn a_proxy_that_is_spoken_to_over_tls() {
    for speech in [Speech::Http1Tls, Speech::Http2Tls, Speech::Http1] {
        let server = Server::start(speech).await;
        let (ca, tls) = acceptor(None, &[b"http/1.1"]);
        let kind = Kind { tls: Some(tls), speaks: Speaks::Http(None) };
        let asked = ProxyServer::with(kind, server.address).await;
        let chosen = Proxies::all(proxy("https", &asked));
        let client =
            server.builder().add_root_pem(ca.as_bytes()).unwrap().only_added_roots().proxies(chosen).build();
        let expected = if speech.is_tls() { "hello" } else { "forwarded" };
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, expected, "{speech:?}");
        assert_eq!(asked.told().len(), 1);
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_to_blame() {
    let server = Server::start(Speech::Http2Tls).await;
    let asked = ProxyServer::start(Speaks::Http(Some(LOGIN)), server.address).await;
    let logins = [
        (proxy("http", &asked), "wants a login (407)"),
        (proxy("http", &asked).login("Aladdin", "wrong-secret"), "refused the login (407)"),
        (Proxy::new(&format!("http://u:wrong-secret@{}", asked.address)).unwrap(), "refused the login (407)"),
    ];
    for (proxy, expected) in logins {
        let client = server.builder().proxies(Proxies::all(proxy)).build();
        let error = client.request(server.get("/hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Proxy, Sent::Never));
        let log = logged(&error);
        assert!(log.contains(expected) && log.contains(&asked.address.port().to_string()), "{log}");
        assert!(!log.contains("secret") && !log.contains("Basic"), "{log}");
    }
    // Forwarded, a refusal is a response like others.
    let client = Client::builder().proxies(Proxies::all(proxy("http", &asked))).build();
    assert_eq!(client.request(get("http://nowhere.test/")).await.unwrap().status(), 407);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn socks_with_and_without_names_and_logins() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        for login in [None, Some(("me", "secret"))] {
            for (scheme, host) in [("socks5", "127.0.0.1"), ("socks5h", "localhost")] {
                let asked = ProxyServer::start(Speaks::Socks(login), server.address).await;
                let mut proxy = proxy(scheme, &asked);
                if let Some((user, password)) = login {
                    proxy = proxy.login(user, password);
                }
                let client = server.builder().proxies(Proxies::all(proxy)).build();
                let got = text(client.request(server.get("/hello")).await.unwrap()).await;
                assert_eq!(got, "hello", "{speech:?} {scheme}");
                assert_eq!(asked.told(), [format!("{host} {}", server.address.port())]);
            }
        }
    }
}

#[tokio::test]
async fn socks_that_refuses_the_login() {
    let server = Server::start(Speech::Http1).await;
    let asked = ProxyServer::start(Speaks::Socks(Some(("me", "right"))), server.address).await;
    for proxy in [proxy("socks5h", &asked), proxy("socks5h", &asked).login("me", "wrong-secret")] {
        let client = server.builder().proxies(Proxies::all(proxy)).build();
        let error = client.request(server.get("/hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Proxy, Sent::Never));
        assert!(!logged(&error).contains("secret"), "{}", logged(&error));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn exceptions_go_straight() {
    let server = Server::start(Speech::Http1).await;
    let asked = ProxyServer::start(Speaks::Http(None), server.address).await;
    let port = server.address.port();
    let table = [
        ("localhost", "hello"),
        ("*", "hello"),
        ("127.0.0.1", "forwarded"),
        (&format!("localhost:{port}"), "hello"),
        (&format!("localhost:{}", port ^ 1), "forwarded"),
    ];
    for (list, expected) in table {
        let chosen = Proxies::all(proxy("http", &asked)).except(list);
        let client = server.builder().proxies(chosen).build();
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, expected, "{list}");
    }
}

#[test]
fn the_environment_is_asked_by_default() {
    let variables = [("HTTP_PROXY", "ftp://me:secret@a"), ("NO_PROXY", "127.0.0.1"), ("ALL_PROXY", "")];
    if !in_environment("proxies::the_environment_is_asked_by_default", &variables) {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let server = Server::start(Speech::Http1).await;
        // What can't be understood is not ignored,
        let error = Client::new().request(server.get("/hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Proxy, Sent::Never));
        let log = logged(&error);
        assert!(log.contains("HTTP_PROXY") && !log.contains("secret"), "{log}");
        // unless it is not meant,
        let uri = format!("http://127.0.0.1:{}/hello", server.address.port());
        assert_eq!(text(Client::new().request(get(&uri)).await.unwrap()).await, "hello");
        // or another choice is made.
        let builders: [Builder; 2] = [
            Client::builder().proxies(Proxies::none()),
            Client::builder().protocol(Protocol::Http1).proxies(Proxies::none()),
        ];
        for builder in builders {
            assert_eq!(text(builder.build().request(server.get("/hello")).await.unwrap()).await, "hello");
        }
    });
}
