//! Servers and waiting: what the tests stand on. The test at the end is its tutorial.

use std::convert::Infallible;
use std::error::Error as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outlive::{Builder, Client, Connect, Connecting, Destination, Error, Protocol, Proxies, ResponseBody};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::wires::Wires;

/// How client and server speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speech {
    Http1,
    Http2,
    Http1Tls,
    Http2Tls,
}

impl Speech {
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::Http1Tls, Self::Http2Tls];

    pub fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }

    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }
}

/// What the server saw.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicUsize,
    /// Connections that are open.
    pub open: AtomicUsize,
    pub requests: AtomicUsize,
    /// Requests being handled, and the most there ever were at a time on one connection.
    pub busy: AtomicUsize,
    pub peak: AtomicUsize,
    /// Bytes that `/flood` has produced.
    pub flooded: AtomicUsize,
    /// Lets `/gate` answer.
    pub gate: Notify,
}

/// A server on the loopback. It ends when it is dropped.
pub struct Server {
    pub speech: Speech,
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    ca: Option<String>,
    task: JoinHandle<()>,
    /// Carries connections to it, where no socket does.
    memory: Option<Arc<Memory>>,
    /// Tells all connections to say goodbye (GOAWAY, `Connection: close`).
    goodbye: watch::Sender<bool>,
}

/// How many bytes `/flood` is.
pub const FLOOD: usize = 32 << 20;

/// The most streams a server allows on one connection.
pub const SERVER_STREAMS: u32 = 200;

impl Server {
    pub async fn start(speech: Speech) -> Self {
        Self::at(speech, "127.0.0.1:0".parse().unwrap(), SERVER_STREAMS).await
    }

    pub async fn at(speech: Speech, address: SocketAddr, streams: u32) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ca, tls) = if speech.is_tls() { certificate(speech) } else { (None, None) };
        let seen = Arc::new(Seen::default());
        let (goodbye, leaving) = watch::channel(false);
        let task = tokio::spawn(accept(listener, tls, speech, streams, Arc::clone(&seen), leaving));
        Self { speech, address, seen, ca, task, memory: None, goodbye }
    }

    /// One without a socket: where tokio's time is paused, nothing takes time but what is waited for.
    pub fn in_memory(speech: Speech) -> Self {
        let (ca, tls) = if speech.is_tls() { certificate(speech) } else { (None, None) };
        let seen = Arc::new(Seen::default());
        let (goodbye, leaving) = watch::channel(false);
        let memory = Memory { tls, speech, seen: Arc::clone(&seen), leaving };
        let (address, task) = ("127.0.0.1:1".parse().unwrap(), tokio::spawn(async {}));
        Self { speech, address, seen, ca, task, memory: Some(Arc::new(memory)), goodbye }
    }

    /// A client that speaks with it.
    pub fn client(&self) -> Client {
        self.builder().build()
    }

    pub fn builder(&self) -> Builder {
        let protocol = if self.speech.is_http2() { Protocol::Http2 } else { Protocol::Http1 };
        // Whatever proxies the tests' environment names.
        let builder = self.trusting(Client::builder().protocol(protocol).proxies(Proxies::none()));
        match &self.memory {
            Some(memory) => builder.connector(Arc::clone(memory)),
            None => builder,
        }
    }

    /// Trusts this server's certificate and no other.
    pub fn trusting(&self, builder: Builder) -> Builder {
        match &self.ca {
            Some(pem) => builder.add_root_pem(pem.as_bytes()).unwrap().only_added_roots(),
            None => builder,
        }
    }

    pub fn uri(&self, path: &str) -> String {
        self.uri_at(self.address, path)
    }

    /// The same, through something that forwards to it.
    pub fn uri_at(&self, address: SocketAddr, path: &str) -> String {
        let scheme = if self.speech.is_tls() { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", address.port())
    }

    pub fn get(&self, path: &str) -> Request<Empty<Bytes>> {
        Request::get(self.uri(path)).body(Empty::new()).unwrap()
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(SeqCst)
    }

    pub fn open(&self) -> usize {
        self.seen.open.load(SeqCst)
    }

    pub fn flooded(&self) -> usize {
        self.seen.flooded.load(SeqCst)
    }

    pub fn busy(&self) -> usize {
        self.seen.busy.load(SeqCst)
    }

    pub fn peak(&self) -> usize {
        self.seen.peak.load(SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.seen.requests.load(SeqCst)
    }

    /// Answers everybody who waits at `/gate`.
    pub fn open_gate(&self) {
        self.seen.gate.notify_waiters();
    }

    pub fn say_goodbye(&self) {
        self.goodbye.send_replace(true);
        self.goodbye.send_replace(false);
    }

    /// Ends it, and with it all its connections; its address is free again.
    pub async fn stop(self) -> SocketAddr {
        self.task.abort();
        let address = self.address;
        drop(self);
        eventually("the address is free", async || TcpListener::bind(address).await.is_ok()).await;
        address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn certificate(speech: Speech) -> (Option<String>, Option<tokio_rustls::TlsAcceptor>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let http2 = speech.is_http2().then(|| b"h2".to_vec());
    config.alpn_protocols = http2.into_iter().chain([b"http/1.1".to_vec()]).collect();
    (Some(made.cert.pem()), Some(tokio_rustls::TlsAcceptor::from(Arc::new(config))))
}

async fn accept(
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    speech: Speech,
    streams: u32,
    seen: Arc<Seen>,
    leaving: watch::Receiver<bool>,
) {
    // Dropped with this task, it ends the connections' tasks too.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        tcp.set_nodelay(true).unwrap();
        connections.spawn(shake_hands(tcp, tls.clone(), speech, streams, Arc::clone(&seen), leaving.clone()));
    }
}

async fn shake_hands<T>(
    stream: T,
    tls: Option<tokio_rustls::TlsAcceptor>,
    speech: Speech,
    streams: u32,
    seen: Arc<Seen>,
    leaving: watch::Receiver<bool>,
) where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    seen.connections.fetch_add(1, SeqCst);
    let _open = Open::new(&seen);
    match tls {
        None => serve(stream, speech.is_http2(), streams, seen, leaving).await,
        Some(tls) => {
            let Ok(stream) = tls.accept(stream).await else { return };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            serve(stream, http2, streams, seen, leaving).await;
        }
    }
}

/// Carries connections to a server in the same runtime.
struct Memory {
    tls: Option<tokio_rustls::TlsAcceptor>,
    speech: Speech,
    seen: Arc<Seen>,
    leaving: watch::Receiver<bool>,
}

impl Connect for Memory {
    fn connect<'a>(&'a self, _to: &'a Destination) -> Connecting<'a> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (tls, seen, leaving) = (self.tls.clone(), Arc::clone(&self.seen), self.leaving.clone());
        tokio::spawn(shake_hands(far, tls, self.speech, SERVER_STREAMS, seen, leaving));
        Box::pin(async { Ok(Box::new(near) as _) })
    }
}

async fn serve<T>(stream: T, http2: bool, streams: u32, seen: Arc<Seen>, mut leaving: watch::Receiver<bool>)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let on_this = Arc::new(AtomicUsize::new(0));
    let service = service_fn(move |request| handle(request, Arc::clone(&seen), Arc::clone(&on_this)));
    let io = TokioIo::new(stream);
    leaving.mark_unchanged();
    if http2 {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let connection = builder.max_concurrent_streams(streams).serve_connection(io, service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = &mut connection => return,
            _ = leaving.changed() => connection.as_mut().graceful_shutdown(),
        }
        _ = connection.await;
    } else {
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = &mut connection => return,
            _ = leaving.changed() => connection.as_mut().graceful_shutdown(),
        }
        _ = connection.await;
    }
}

type AnyBody = BoxBody<Bytes, hyper::Error>;

/// Counts a connection while it lives.
struct Open(Arc<Seen>);

impl Open {
    fn new(seen: &Arc<Seen>) -> Self {
        seen.open.fetch_add(1, SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, SeqCst);
    }
}

/// Counts a request while it lives.
struct Visit(Arc<Seen>, Arc<AtomicUsize>);

impl Visit {
    fn new(seen: Arc<Seen>, on_this: Arc<AtomicUsize>) -> Self {
        seen.requests.fetch_add(1, SeqCst);
        seen.busy.fetch_add(1, SeqCst);
        seen.peak.fetch_max(on_this.fetch_add(1, SeqCst) + 1, SeqCst);
        Self(seen, on_this)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, SeqCst);
        self.1.fetch_sub(1, SeqCst);
    }
}

/// What the server answers, by path.
async fn handle(
    request: Request<Incoming>,
    seen: Arc<Seen>,
    on_this: Arc<AtomicUsize>,
) -> Result<Response<AnyBody>, Infallible> {
    let visit = Visit::new(Arc::clone(&seen), on_this);
    let version = format!("{:?}", request.version());
    let path = request.uri().path().to_owned();
    let body: AnyBody = match path.as_str() {
        // hyper's HTTP/2 server would send the body even so.
        "/hello" if request.method() == "HEAD" => {
            let response = Response::builder().header("content-length", 5);
            return Ok(response.body(full("")).unwrap());
        }
        "/hello" => full("hello"),
        "/version" => full(version),
        "/host" => {
            let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
            full(host.or_else(|| request.uri().authority().map(ToString::to_string)).unwrap_or_default())
        }
        // A header of the request.
        path if path.starts_with("/header/") => {
            let value = request.headers().get(&path["/header/".len()..]);
            full(value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default())
        }
        // Waits until the gate is opened.
        "/gate" => {
            seen.gate.notified().await;
            full("open")
        }
        // Sends the body back as it comes, trailers too.
        "/echo" => request.into_body().boxed(),
        // Reads the whole body, and says how long it was.
        "/count" => {
            let mut body = request.into_body();
            let mut length = 0;
            while let Some(Ok(frame)) = body.frame().await {
                length += frame.data_ref().map_or(0, Bytes::len);
            }
            full(length.to_string())
        }
        // Ten megabytes.
        "/big" => full(vec![b'x'; 10_000_000]),
        // Thirty-two megabytes, made only as fast as they are taken.
        "/flood" => {
            let (feed, body) = feed();
            tokio::spawn(async move {
                for _ in 0..FLOOD / 65_536 {
                    if feed.send(Ok(Frame::data(Bytes::from(vec![b'x'; 65_536])))).await.is_err() {
                        return;
                    }
                    seen.flooded.fetch_add(65_536, SeqCst);
                }
                drop(visit);
            });
            return Ok(Response::new(body.map_err(|never| match never {}).boxed()));
        }
        // A head and one byte, and the rest never.
        "/endless" => {
            let (feed, body) = feed();
            feed.send(Ok(Frame::data(Bytes::from_static(b"x")))).await.unwrap();
            tokio::spawn(async move {
                feed.closed().await;
                drop(visit);
            });
            return Ok(Response::new(body.map_err(|never| match never {}).boxed()));
        }
        _ => {
            let response = Response::builder().status(StatusCode::NOT_FOUND);
            return Ok(response.body(full("")).unwrap());
        }
    };
    drop(visit);
    Ok(Response::new(body))
}

fn full(text: impl Into<Bytes>) -> AnyBody {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

type Feed = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;
type Fed =
    StreamBody<Pin<Box<dyn futures_core::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync>>>;

/// A body that says what it is fed, and ends when its feed is dropped.
pub fn feed() -> (Feed, Fed) {
    let (feed, frames) = mpsc::channel(1);
    (feed, StreamBody::new(Box::pin(tokio_stream(frames))))
}

/// A channel's receiver as a stream.
fn tokio_stream<T: Send + 'static>(
    frames: mpsc::Receiver<T>,
) -> impl futures_core::Stream<Item = T> + Send + Sync {
    struct Frames<T>(mpsc::Receiver<T>);
    impl<T> futures_core::Stream for Frames<T> {
        type Item = T;
        fn poll_next(
            mut self: Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<T>> {
            self.0.poll_recv(cx)
        }
    }
    Frames(frames)
}

/// The text of a response with status 200.
pub async fn text(response: Response<ResponseBody>) -> String {
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Data frames, then perhaps trailers, as a body whose length is not known.
pub fn frames(
    data: &[&'static str],
    trailers: Option<HeaderMap>,
) -> impl Body<Data = Bytes, Error = Infallible> + Send + 'static {
    let (feed, body) = feed();
    let data: Vec<_> = data.to_vec();
    tokio::spawn(async move {
        for piece in data {
            _ = feed.send(Ok(Frame::data(Bytes::from(piece)))).await;
        }
        if let Some(trailers) = trailers {
            _ = feed.send(Ok(Frame::trailers(trailers))).await;
        }
    });
    body
}

/// Waits until something is so; fails after ten seconds.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..5_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it never came about that {what}");
}

/// Waits until a number has stopped changing, as far as tasks that are ready can tell; returns it.
pub async fn settled(what: &str, mut number: impl FnMut() -> usize) -> usize {
    let (mut last, mut same) = (number(), 0);
    eventually(&format!("{what} has settled"), async || {
        same = if number() == last { same + 1 } else { 0 };
        last = number();
        same == 25
    })
    .await;
    last
}

/// Waits until a client holds nothing but idle connections.
pub async fn at_rest(client: &Client) {
    eventually(&format!("{client:?} is at rest"), async || {
        let (requests, attempts, _) = client.counts();
        (requests, attempts) == (0, 0)
    })
    .await;
}

/// An error as a user may log it, with all its sources.
pub fn logged(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    text
}

/// Runs this test again in a process with these variables. Says whether we are that process.
pub fn in_environment(test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var_os("OUTLIVE_TEST_CHILD").is_some() {
        return true;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env("OUTLIVE_TEST_CHILD", "1");
    let output = child.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{test} is not this test's name");
    false
}

#[tokio::test]
async fn tutorial() {
    // A server, a wire to it, a client, a request through the wire.
    let server = Server::start(Speech::Http2Tls).await;
    let wires = Wires::to(server.address).await;
    let client = server.client();
    let request = Request::get(server.uri_at(wires.address, "/hello")).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(text(client.request(request.clone()).await.unwrap()).await, "hello");
    assert_eq!((wires.count(), server.connections(), server.requests()), (1, 1, 1));
    // After that nothing is left but an idle connection.
    at_rest(&client).await;
    assert_eq!(client.counts(), (0, 0, 1));
    // A stalled wire carries nothing, and nobody is told.
    wires.stall();
    let stuck = tokio::spawn(client.request(request));
    tokio::task::yield_now().await;
    assert!(!stuck.is_finished());
    assert_eq!(server.requests(), 1);
    stuck.abort();
}
