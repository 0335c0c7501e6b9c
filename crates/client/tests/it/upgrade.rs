//! Do connections and streams become something else for those who ask, and only for them?

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outlive::{Body, Client, ConnectProtocol, ErrorKind, Protocol, Sent, upgrade};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, protocol::Role};

use crate::fixture::{at_rest, eventually, text};

/// A server that tunnels, and how many of its tunnels are open.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    tunnels: Arc<AtomicUsize>,
}

impl Server {
    async fn start(http2: bool, extended: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, tunnels) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, open) = (Arc::clone(&connections), Arc::clone(&tunnels));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                let open = Arc::clone(&open);
                let service = service_fn(move |request| answer(request, Arc::clone(&open)));
                let io = TokioIo::new(tcp);
                if http2 {
                    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    if extended {
                        builder.enable_connect_protocol();
                    }
                    tokio::spawn(builder.serve_connection(io, service));
                } else {
                    let connection = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
                    tokio::spawn(connection.with_upgrades());
                }
            }
        });
        Self { address, connections, tunnels }
    }

    fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn tunnels(&self) -> usize {
        self.tunnels.load(SeqCst)
    }
}

fn client(http2: bool) -> Client {
    Client::builder().protocol(if http2 { Protocol::Http2 } else { Protocol::Http1 }).build()
}

/// A web socket that echoes, a tunnel that echoes, or a message.
async fn answer(
    mut request: Request<Incoming>,
    open: Arc<AtomicUsize>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let protocol = request.extensions().get::<hyper::ext::Protocol>().cloned();
    let is_socket = protocol.is_some_and(|protocol| protocol.as_str() == "websocket")
        || request.headers().get("upgrade").is_some_and(|upgrade| upgrade == "websocket");
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    let is_tunnel = request.method() == Method::CONNECT && authority == "inside:22";
    if !is_socket && !is_tunnel {
        let mut response = Response::new(Full::from("a message"));
        if request.method() == Method::CONNECT {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        return Ok(response);
    }
    let status = match request.method() {
        &Method::CONNECT => StatusCode::OK,
        _ => StatusCode::SWITCHING_PROTOCOLS,
    };
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        open.fetch_add(1, SeqCst);
        let io = TokioIo::new(upgraded);
        if is_socket {
            let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() && socket.send(message).await.is_err() {
                    break;
                }
            }
        } else {
            let (mut from, mut to) = tokio::io::split(io);
            _ = tokio::io::copy(&mut from, &mut to).await;
            _ = to.shutdown().await;
        }
        open.fetch_sub(1, SeqCst);
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert("connection", "upgrade".parse().unwrap());
        response.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    }
    Ok(response)
}

fn socket_request(server: &Server, http2: bool) -> Request<Body> {
    let request = Request::builder().uri(server.uri("/chat"));
    let request = if http2 {
        request.method(Method::CONNECT).extension(ConnectProtocol::new("websocket"))
    } else {
        request.header("connection", "Upgrade").header("upgrade", "websocket")
    };
    request.header("sec-websocket-version", "13").body(Body::empty()).unwrap()
}

fn tunnel_request(server: &Server, host: &str) -> Request<Body> {
    Request::connect(server.uri("/")).header("host", host).body(Body::empty()).unwrap()
}

async fn message(server: &Server, client: &Client) {
    let get = Request::get(server.uri("/")).body(Body::empty()).unwrap();
    assert_eq!(text(client.request(get).await.unwrap()).await, "a message");
}

#[tokio::test]
async fn a_web_socket_on_both_versions() {
    for http2 in [false, true] {
        let server = Server::start(http2, true).await;
        let client = client(http2);
        let response = client.request(socket_request(&server, http2)).await.unwrap();
        let stream = upgrade(response).await.unwrap();
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        for text in ["hello", "again", &"long".repeat(100_000)] {
            socket.send(Message::text(text)).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
            // Others are not held up.
            message(&server, &client).await;
        }
        assert_eq!(client.counts().1, 1, "it keeps its place, http2 {http2}");
        assert_eq!(server.connections.load(SeqCst), if http2 { 1 } else { 2 });
        socket.close(None).await.unwrap();
        while socket.next().await.is_some() {}
        drop(socket);
        at_rest(&client).await;
        eventually("the server has ended it too", async || server.tunnels() == 0).await;
        message(&server, &client).await;
    }
}

#[tokio::test]
async fn a_tunnel_on_both_versions() {
    for http2 in [false, true] {
        let server = Server::start(http2, false).await;
        let client = client(http2);
        let response = client.request(tunnel_request(&server, "inside:22")).await.unwrap();
        assert_eq!(response.status(), 200);
        let stream = upgrade(response).await.unwrap();
        // Five megabytes there and back, more than all buffers and windows between.
        let (mut from, mut to) = tokio::io::split(stream);
        let sent = tokio::spawn(async move {
            to.write_all(&vec![b'x'; 5_000_000]).await.unwrap();
            to.shutdown().await.unwrap();
        });
        let mut back = Vec::new();
        from.read_to_end(&mut back).await.unwrap();
        sent.await.unwrap();
        assert_eq!(back.len(), 5_000_000, "http2 {http2}");
        // Both sides have ended: that is complete, whatever is still held.
        at_rest(&client).await;
        drop(from);
        message(&server, &client).await;
    }
}

#[tokio::test]
async fn dropping_it_ends_it() {
    for http2 in [false, true] {
        let server = Server::start(http2, false).await;
        let client = client(http2);
        for taken_over in [true, false] {
            let response = client.request(tunnel_request(&server, "inside:22")).await.unwrap();
            if taken_over {
                let mut stream = upgrade(response).await.unwrap();
                stream.write_all(b"ping").await.unwrap();
                let mut back = [0; 4];
                stream.read_exact(&mut back).await.unwrap();
                assert_eq!(&back, b"ping");
                assert_eq!(server.tunnels(), 1);
            } else {
                drop(response);
            }
            // What was not taken over goes too.
            at_rest_soon(&server, &client).await;
        }
        message(&server, &client).await;
    }
}

async fn at_rest_soon(server: &Server, client: &Client) {
    at_rest(client).await;
    eventually("the server has ended it too", async || server.tunnels() == 0).await;
}

#[tokio::test]
async fn a_server_that_declines_answers() {
    for http2 in [false, true] {
        let server = Server::start(http2, false).await;
        let client = client(http2);
        let response = client.request(tunnel_request(&server, "elsewhere:22")).await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "a message");
        at_rest(&client).await;
        // A message is no tunnel.
        let get = Request::get(server.uri("/")).body(Body::empty()).unwrap();
        let error = upgrade(client.request(get).await.unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{error:?}");
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn what_a_version_does_not_have_is_refused() {
    let error_of = async |server: &Server, client: &Client, request| {
        let error = client.request(request).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Request, Sent::Never), "{error:?}");
        message(server, client).await;
        format!("{error:?}")
    };
    // An Upgrade over HTTP/2, an extended CONNECT over HTTP/1.1, and one that the server does not take.
    for (http2, as_http2, why) in
        [(true, false, "HTTP/1.1"), (false, true, "needs HTTP/2"), (true, true, "RFC 8441")]
    {
        let server = Server::start(http2, false).await;
        let client = client(http2);
        let error = error_of(&server, &client, socket_request(&server, as_http2)).await;
        assert!(error.contains(why), "{error}");
        at_rest(&client).await;
    }
    // Without the connection's upgrade, the field is about another hop, and is removed.
    let server = Server::start(false, false).await;
    let get = Request::get(server.uri("/")).header("upgrade", "websocket").body(Body::empty()).unwrap();
    let response = client(false).request(get).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "a message");
}
