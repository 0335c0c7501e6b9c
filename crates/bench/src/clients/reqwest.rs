//! reqwest.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{RequestBuilder, Url};

use super::zeros::Zeros;
use super::{Client, SMALL_PATH, Spot, Uris, tls};
use crate::record::Task;
use crate::rows::{CONNECTION_WINDOW, STREAM_WINDOW, Wire};

pub(crate) struct Reqwest {
    /// It has one connection of HTTP/2 per origin: for more, more clients.
    clients: Vec<reqwest::Client>,
    urls: Vec<Vec<(&'static str, Url)>>,
}

/// All names lead to one server.
#[derive(Clone)]
struct To(SocketAddr);

impl Resolve for To {
    fn resolve(&self, _name: Name) -> Resolving {
        let address: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(address)))
    }
}

impl Reqwest {
    fn client(&self, spot: Spot) -> &reqwest::Client {
        &self.clients[spot.worker % self.clients.len()]
    }

    /// A copy, as a caller makes one who keeps his own.
    fn url(&self, spot: Spot, path: &str) -> anyhow::Result<Url> {
        let url = self.urls[spot.origin].iter().find(|(known, _)| *known == path);
        url.map(|(_, url)| url.clone()).ok_or_else(|| anyhow::anyhow!("no such path"))
    }
}

async fn send(request: RequestBuilder) -> anyhow::Result<u64> {
    let mut response = request.send().await?.error_for_status()?;
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await? {
        bytes += chunk.len() as u64;
    }
    Ok(bytes)
}

impl Client for Reqwest {
    fn new(task: &Task) -> anyhow::Result<Self> {
        let make = || {
            let builder = reqwest::Client::builder()
                .no_proxy()
                .tcp_nodelay(true)
                .dns_resolver(To(task.address))
                .http2_initial_stream_window_size(STREAM_WINDOW)
                .http2_initial_connection_window_size(CONNECTION_WINDOW);
            let mut tls = tls(task)?;
            let builder = match task.wire {
                Wire::Http1 => builder.http1_only(),
                Wire::H2c => builder.http2_prior_knowledge(),
                Wire::H2 => {
                    tls.alpn_protocols = vec![b"h2".to_vec()];
                    builder
                }
            };
            anyhow::Ok(builder.tls_backend_preconfigured(tls).build()?)
        };
        let clients = (0..task.connections).map(|_| make()).collect::<Result<_, _>>()?;
        let urls = Uris::new(task)?.0.into_iter().map(|paths| {
            paths.into_iter().map(|(path, uri)| Ok((path, Url::parse(&uri.to_string())?))).collect()
        });
        Ok(Self { clients, urls: urls.collect::<anyhow::Result<_>>()? })
    }

    async fn get(&self, spot: Spot, path: &str) -> anyhow::Result<u64> {
        send(self.client(spot).get(self.url(spot, path)?)).await
    }

    async fn put(&self, spot: Spot, bytes: u64) -> anyhow::Result<u64> {
        let body = reqwest::Body::wrap(Zeros(bytes));
        send(self.client(spot).put(self.url(spot, SMALL_PATH)?).body(body)).await?;
        Ok(bytes)
    }
}
