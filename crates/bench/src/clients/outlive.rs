//! Ours, with its defaults: rescue is on, the pool judges, limits count.

use std::net::SocketAddr;

use http::{Method, Request};
use outlive::{Protocol, Proxies, Resolve, Resolving};

use super::zeros::Zeros;
use super::{Client, SMALL_PATH, Spot, Uris, read, tls};
use crate::record::Task;
use crate::rows::Wire;

pub(crate) struct Outlive {
    client: outlive::Client,
    uris: Uris,
}

/// All names lead to one server.
struct To(SocketAddr);

impl Resolve for To {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolving<'a> {
        Box::pin(async { Ok(vec![self.0]) })
    }
}

impl Client for Outlive {
    fn new(task: &Task) -> anyhow::Result<Self> {
        let mut builder = outlive::Client::builder()
            .resolver(To(task.address))
            .proxies(Proxies::none())
            .tls(tls(task)?)
            .protocol(match task.wire {
                Wire::Http1 => Protocol::Http1,
                Wire::H2c | Wire::H2 => Protocol::Http2,
            });
        if task.connections > 1 {
            // So the pool has as many as the others are given.
            let streams = task.work.concurrency().div_ceil(task.connections);
            builder = builder.max_streams_per_connection(u32::try_from(streams)?);
        }
        Ok(Self { client: builder.build(), uris: Uris::new(task)? })
    }

    async fn get(&self, spot: Spot, path: &str) -> anyhow::Result<u64> {
        let request = Request::get(self.uris.at(spot, path)?).body(Zeros(0))?;
        read(self.client.request(request).await?).await
    }

    async fn put(&self, spot: Spot, bytes: u64) -> anyhow::Result<u64> {
        let request =
            Request::builder().method(Method::PUT).uri(self.uris.at(spot, SMALL_PATH)?).body(Zeros(bytes))?;
        read(self.client.request(request).await?).await?;
        Ok(bytes)
    }
}
