//! hyper-util's legacy client over hyper-rustls.

use std::convert::Infallible;
use std::future::Ready;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use http::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{HttpConnector, dns::Name};
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

use super::zeros::Zeros;
use super::{Client, SMALL_PATH, Spot, Uris, read, tls};
use crate::record::Task;
use crate::rows::{CONNECTION_WINDOW, STREAM_WINDOW, Wire};

pub(crate) struct HyperUtil {
    /// It has one connection of HTTP/2 per origin: for more, more clients.
    clients: Vec<legacy::Client<HttpsConnector<HttpConnector<To>>, Zeros>>,
    uris: Uris,
}

/// All names lead to one server.
#[derive(Clone)]
struct To(SocketAddr);

impl Service<Name> for To {
    type Response = std::iter::Once<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _name: Name) -> Self::Future {
        std::future::ready(Ok(std::iter::once(self.0)))
    }
}

impl HyperUtil {
    async fn send(&self, spot: Spot, request: Request<Zeros>) -> anyhow::Result<u64> {
        let client = &self.clients[spot.worker % self.clients.len()];
        read(client.request(request).await?).await
    }
}

impl Client for HyperUtil {
    fn new(task: &Task) -> anyhow::Result<Self> {
        let make = || {
            let mut tcp = HttpConnector::new_with_resolver(To(task.address));
            tcp.enforce_http(false);
            tcp.set_nodelay(true);
            let connector = HttpsConnectorBuilder::new().with_tls_config(tls(task)?).https_or_http();
            let mut builder = legacy::Client::builder(TokioExecutor::new());
            builder
                .http2_initial_stream_window_size(STREAM_WINDOW)
                .http2_initial_connection_window_size(CONNECTION_WINDOW);
            anyhow::Ok(match task.wire {
                Wire::Http1 => builder.build(connector.enable_http1().wrap_connector(tcp)),
                Wire::H2c | Wire::H2 => {
                    builder.http2_only(true).build(connector.enable_http2().wrap_connector(tcp))
                }
            })
        };
        let clients = (0..task.connections).map(|_| make()).collect::<Result<_, _>>()?;
        Ok(Self { clients, uris: Uris::new(task)? })
    }

    async fn get(&self, spot: Spot, path: &str) -> anyhow::Result<u64> {
        self.send(spot, Request::get(self.uris.at(spot, path)?).body(Zeros(0))?).await
    }

    async fn put(&self, spot: Spot, bytes: u64) -> anyhow::Result<u64> {
        let uri = self.uris.at(spot, SMALL_PATH)?;
        self.send(spot, Request::builder().method(Method::PUT).uri(uri).body(Zeros(bytes))?).await?;
        Ok(bytes)
    }
}
