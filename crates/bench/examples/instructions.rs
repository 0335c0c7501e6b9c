//! Instructions per request, on a machine that is too busy, or too noisy, to tell times.
//!
//! `instructions CLIENT WIRE CONCURRENCY REQUESTS SERVER` sends so many GETs of `/small` (128 bytes). Run it twice under
//! `valgrind --tool=callgrind` with different numbers of requests; the difference of the instructions collected, divided by that of
//! the requests, is what a request costs, and callgrind_annotate says what for. CLIENT is `outlive`, `hyper-util` or
//! `h2`; WIRE `h2c` or `http1`; SERVER an address: nghttpd's, nginx's, or that of `outlive-bench serve`.
//!
//! `instructions CLIENT idle CONNECTIONS SERVER` opens so many connections of HTTP/2, each to an origin of its own, and prints
//! what one keeps: bytes allocated, which depend on no allocator, as resident memory does. (The server has to listen on all of
//! 127.0.0.0/8, as `nghttpd --address 0.0.0.0` does.)

use std::alloc::System;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use outlive::{Protocol, Proxies};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments[..] {
            [client, "idle", connections, server] => {
                idle(client, connections.parse()?, server.parse()?).await
            }
            [client, wire, concurrency, requests, server] => {
                load(client, wire == "h2c", concurrency.parse()?, requests.parse()?, server.parse()?).await
            }
            _ => anyhow::bail!("the head of {} tells what to say", file!()),
        }
    })
}

/// So many requests, so many at a time.
async fn load(
    client: &str,
    http2: bool,
    concurrency: usize,
    requests: usize,
    server: SocketAddr,
) -> anyhow::Result<()> {
    let client = Arc::new(Client::new(client, http2, server).await?);
    let uri: Uri = format!("http://{server}/small").parse()?;
    client.get(&uri).await?;
    let region = Region::new(ALLOCATOR);
    let workers = (0..concurrency).map(|worker| {
        let (client, uri) = (Arc::clone(&client), uri.clone());
        tokio::spawn(async move {
            for _ in 0..(requests + worker) / concurrency {
                client.get(&uri).await?;
            }
            anyhow::Ok(())
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await??;
    }
    let change = region.change();
    let each = (change.allocations + change.reallocations) as f64 / requests as f64;
    println!("{each:.2} allocations per request");
    Ok(())
}

/// So many connections, which have had a request each.
async fn idle(who: &str, connections: u8, server: SocketAddr) -> anyhow::Result<()> {
    let mut clients = vec![Client::new(who, true, server).await?];
    clients[0].get(&format!("http://{server}/small").parse()?).await?;
    let region = Region::new(ALLOCATOR);
    for origin in 1..=connections {
        if matches!(clients[0], Client::H2(_)) {
            clients.push(Client::new(who, true, server).await?);
        }
        let uri = format!("http://127.0.0.{origin}:{}/small", server.port()).parse()?;
        clients.last().context("there is one")?.get(&uri).await?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let change = region.change();
    let kept = change.bytes_allocated as f64 - change.bytes_deallocated as f64;
    println!("{:.0} bytes per connection", kept / f64::from(connections));
    Ok(())
}

enum Client {
    Outlive(outlive::Client),
    HyperUtil(Box<legacy::Client<HttpConnector, Empty<Bytes>>>),
    H2(h2::client::SendRequest<Bytes>),
}

impl Client {
    async fn new(who: &str, http2: bool, server: SocketAddr) -> anyhow::Result<Self> {
        Ok(match who {
            "outlive" => {
                let protocol = if http2 { Protocol::Http2 } else { Protocol::Http1 };
                Self::Outlive(outlive::Client::builder().protocol(protocol).proxies(Proxies::none()).build())
            }
            "hyper-util" => {
                let mut builder = legacy::Client::builder(TokioExecutor::new());
                Self::HyperUtil(Box::new(builder.http2_only(http2).build_http()))
            }
            "h2" => {
                let tcp = tokio::net::TcpStream::connect(server).await?;
                tcp.set_nodelay(true)?;
                let (sender, connection) =
                    h2::client::Builder::new().enable_push(false).handshake(tcp).await?;
                tokio::spawn(connection);
                Self::H2(sender)
            }
            _ => anyhow::bail!("{who} is no client"),
        })
    }

    async fn get(&self, uri: &Uri) -> anyhow::Result<()> {
        let request = Request::get(uri.clone());
        match self {
            Self::Outlive(client) => {
                let response = client.request(request.body(Empty::<Bytes>::new())?).await?;
                read(response.into_body()).await
            }
            Self::HyperUtil(client) => {
                let response = client.request(request.body(Empty::new())?).await?;
                read(response.into_body()).await
            }
            Self::H2(sender) => {
                let mut sender = sender.clone().ready().await?;
                let (response, _) = sender.send_request(request.body(())?, true)?;
                let mut body = response.await?.into_body();
                while let Some(data) = body.data().await.transpose()? {
                    body.flow_control().release_capacity(data.len())?;
                }
                Ok(())
            }
        }
    }
}

async fn read<B>(mut body: B) -> anyhow::Result<()>
where
    B: http_body::Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static> + Unpin,
{
    while body.frame().await.transpose()?.is_some() {}
    Ok(())
}
