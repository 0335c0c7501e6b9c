//! Instructions per request, on a machine that is too busy, or too noisy, to tell times.
//!
//! `instructions CLIENT WIRE CONCURRENCY REQUESTS SERVER [ORIGINS]` sends so many GETs of `/small` (128 bytes), spread over so many
//! origins (1). Run it twice under `valgrind --tool=callgrind` with different numbers of requests; the difference of the instructions
//! collected, divided by that of the requests, is what a request costs, and callgrind_annotate says what for. CLIENT is `outlive`,
//! `hyper-util` or `h2` (which knows one origin); WIRE `h2c` or `http1`; SERVER an address: nghttpd's, nginx's, or that of
//! `outlive-bench serve`.
//!
//! `instructions CLIENT idle CONNECTIONS SERVER` opens so many connections of HTTP/2, each to an origin of its own, and prints
//! what one keeps: bytes allocated, which depend on no allocator, as resident memory does.
//!
//! Each origin is an address: for several, the server has to listen on all of 127.0.0.0/8, as `nghttpd --address 0.0.0.0` does.

use std::alloc::System;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
            [client, wire, concurrency, requests, server, ref origins @ ..] => {
                let client = Client::new(client, wire == "h2c", server.parse()?).await?;
                let origins = origins.first().map_or(Ok(1), |origins| origins.parse())?;
                load(client, concurrency.parse()?, requests.parse()?, &uris(origins, server.parse()?)?).await
            }
            _ => anyhow::bail!("the head of {} tells what to say", file!()),
        }
    })
}

/// One of each origin.
fn uris(origins: u16, server: SocketAddr) -> anyhow::Result<Vec<Uri>> {
    let [a, b, c, d] = match server.ip() {
        IpAddr::V4(first) => first.octets(),
        IpAddr::V6(_) => anyhow::bail!("origins are addresses of IPv4"),
    };
    let first = u32::from_be_bytes([a, b, c, d]);
    let addresses = (0..origins).map(|origin| Ipv4Addr::from(first + u32::from(origin)));
    addresses.map(|address| Ok(format!("http://{address}:{}/small", server.port()).parse()?)).collect()
}

/// So many requests, so many at a time, after one to each origin.
async fn load(client: Client, concurrency: usize, requests: usize, uris: &[Uri]) -> anyhow::Result<()> {
    for uri in uris {
        client.get(uri).await?;
    }
    let client = Arc::new(client);
    let region = Region::new(ALLOCATOR);
    let workers = (0..concurrency).map(|worker| {
        let (client, uris) = (Arc::clone(&client), uris.to_vec());
        tokio::spawn(async move {
            for turn in 0..(requests + worker) / concurrency {
                client.get(&uris[(worker + turn * concurrency) % uris.len()]).await?;
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
