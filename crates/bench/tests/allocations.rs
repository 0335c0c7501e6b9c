//! Allocations per request: counts, which depend on no machine and no load, so that CI can hold them.
//!
//! The server is a process of its own; a counting allocator counts what this process does for so many GETs. The bounds
//! stand in [`BOUNDS`], each with its reason. A change that raises a count on purpose raises its bound with it; one that
//! lowers a count lowers the bound, so that what was won is kept.

use std::alloc::System;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// GETs that are counted. Enough that what happens now and then (a buffer that grows) counts for nothing.
const REQUESTS: usize = 10_000;
/// GETs before: until tables and buffers have their size.
const WARM_UP: usize = 1_000;

/// At most so many allocations for one GET of 128 bytes, one after the other on one connection, counted with the locked
/// versions of the dependencies.
const BOUNDS: [(&str, f64); 2] = [
    // Raw h2's five, and one for the request, which is large and goes from hand to hand.
    ("outlive, HTTP/2", 6.5),
    // hyper's own, and the request; the future that hyper gives is boxed.
    ("outlive, HTTP/1.1", 10.5),
];

fn main() -> ExitCode {
    let server = Server::start();
    let uri = |host: &str| format!("http://{host}:{}/small", server.address.port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counts = runtime.block_on(async {
        [
            ("raw h2", raw_h2(server.address, &uri("127.0.0.1")).await),
            ("hyper-util, HTTP/2", hyper_util(&uri("127.0.0.1"), true).await),
            ("outlive, HTTP/2", outlive(&uri("127.0.0.1"), outlive::Protocol::Http2).await),
            ("hyper-util, HTTP/1.1", hyper_util(&uri("127.0.0.1"), false).await),
            ("outlive, HTTP/1.1", outlive(&uri("127.0.0.1"), outlive::Protocol::Http1).await),
        ]
    });
    let mut exceeded = false;
    println!("allocations per request (GET, 128 bytes, one at a time):");
    for (who, Count { allocations, bytes }) in counts {
        let bound = BOUNDS.iter().find(|(bound, _)| *bound == who).map(|(_, bound)| *bound);
        let verdict = match bound {
            Some(bound) if allocations > bound => {
                exceeded = true;
                format!("MORE than the bound, {bound}: see {}", file!())
            }
            Some(bound) => format!("bound: {bound}"),
            None => String::new(),
        };
        println!("{who:>22}: {allocations:6.2}, {bytes:6.0} bytes  {verdict}");
    }
    if exceeded { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// For each request.
struct Count {
    /// Reallocations among them.
    allocations: f64,
    bytes: f64,
}

/// Counts what `request` allocates, once it is warm.
async fn count(mut request: impl AsyncFnMut()) -> Count {
    for _ in 0..WARM_UP {
        request().await;
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..REQUESTS {
        request().await;
    }
    let change = region.change();
    let per_request = |count: usize| count as f64 / REQUESTS as f64;
    Count {
        allocations: per_request(change.allocations + change.reallocations),
        bytes: per_request(change.bytes_allocated),
    }
}

async fn outlive(uri: &str, protocol: outlive::Protocol) -> Count {
    let client = outlive::Client::builder().protocol(protocol).proxies(outlive::Proxies::none()).build();
    let uri: http::Uri = uri.parse().unwrap();
    count(async || {
        let request = Request::get(uri.clone()).body(Empty::<Bytes>::new()).unwrap();
        read(client.request(request).await.unwrap()).await;
    })
    .await
}

async fn hyper_util(uri: &str, http2: bool) -> Count {
    let client = legacy::Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let uri: http::Uri = uri.parse().unwrap();
    count(async || {
        let request = Request::get(uri.clone()).body(Empty::<Bytes>::new()).unwrap();
        read(client.request(request).await.unwrap()).await;
    })
    .await
}

async fn raw_h2(address: SocketAddr, uri: &str) -> Count {
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, connection) = h2::client::handshake(tcp).await.unwrap();
    tokio::spawn(connection);
    let uri: http::Uri = uri.parse().unwrap();
    count(async || {
        let request = Request::get(uri.clone()).body(()).unwrap();
        let mut sender = sender.clone().ready().await.unwrap();
        let (response, _) = sender.send_request(request, true).unwrap();
        let mut body = response.await.unwrap().into_body();
        let mut bytes = 0;
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            bytes += data.len();
        }
        assert_eq!(bytes, 128);
    })
    .await
}

async fn read<B>(response: http::Response<B>)
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug> + Unpin,
{
    let mut body = response.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    assert_eq!(bytes, 128);
}

/// Our own server, in a process that ends with it.
struct Server {
    address: SocketAddr,
    process: Child,
}

impl Server {
    fn start() -> Self {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_outlive-bench"))
            .args(["serve", &address.to_string(), "."])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { address, process };
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
