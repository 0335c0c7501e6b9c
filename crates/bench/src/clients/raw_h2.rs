//! The floor: h2 as its documentation shows it. No pool, no names, no limits, no errors told apart.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::{Method, Request};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::zeros::Zeros;
use super::{Client, SMALL_PATH, Spot, Uris, host, tls};
use crate::record::Task;
use crate::rows::{CONNECTION_WINDOW, STREAM_WINDOW, Wire};

pub(crate) struct RawH2 {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    connections: usize,
    senders: Vec<OnceLock<SendRequest<Bytes>>>,
    uris: Uris,
}

impl RawH2 {
    fn place(&self, spot: Spot) -> &OnceLock<SendRequest<Bytes>> {
        &self.senders[spot.origin * self.connections + spot.worker % self.connections]
    }

    fn sender(&self, spot: Spot) -> anyhow::Result<SendRequest<Bytes>> {
        self.place(spot).get().cloned().context("not connected")
    }

    async fn dial(&self, spot: Spot) -> anyhow::Result<SendRequest<Bytes>> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        match &self.tls {
            None => shake_hands(tcp).await,
            Some(tls) => {
                let name = ServerName::try_from(host(spot.origin))?;
                shake_hands(TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await?).await
            }
        }
    }
}

async fn shake_hands<T>(io: T) -> anyhow::Result<SendRequest<Bytes>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    let (sender, connection) = builder.enable_push(false).handshake(io).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn read(response: ResponseFuture) -> anyhow::Result<u64> {
    let response = response.await?;
    anyhow::ensure!(response.status().is_success(), "the server answered {}", response.status());
    let mut body = response.into_body();
    let mut bytes = 0;
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes += data.len() as u64;
    }
    Ok(bytes)
}

impl Client for RawH2 {
    fn new(task: &Task) -> anyhow::Result<Self> {
        let tls = match task.wire {
            Wire::H2 => {
                let mut tls = tls(task)?;
                tls.alpn_protocols = vec![b"h2".to_vec()];
                Some(Arc::new(tls))
            }
            Wire::H2c => None,
            Wire::Http1 => anyhow::bail!("h2 speaks HTTP/2 only"),
        };
        let senders = (0..task.work.origins() * task.connections).map(|_| OnceLock::new()).collect();
        let (address, connections) = (task.address, task.connections);
        Ok(Self { address, tls, connections, senders, uris: Uris::new(task)? })
    }

    async fn open(&self, spot: Spot) -> anyhow::Result<()> {
        let sender = self.dial(spot).await?;
        _ = self.place(spot).set(sender);
        self.get(spot, SMALL_PATH).await.map(drop)
    }

    async fn get(&self, spot: Spot, path: &str) -> anyhow::Result<u64> {
        let request = Request::get(self.uris.at(spot, path)?).body(())?;
        let mut sender = self.sender(spot)?.ready().await?;
        let (response, _) = sender.send_request(request, true)?;
        read(response).await
    }

    async fn put(&self, spot: Spot, bytes: u64) -> anyhow::Result<u64> {
        let uri = self.uris.at(spot, SMALL_PATH)?;
        let request = Request::builder().method(Method::PUT).uri(uri).body(())?;
        let mut sender = self.sender(spot)?.ready().await?;
        let (response, mut stream) = sender.send_request(request, false)?;
        let mut zeros = Zeros(bytes);
        while let Some(mut piece) = zeros.next() {
            while !piece.is_empty() {
                stream.reserve_capacity(piece.len());
                if stream.capacity() == 0 {
                    std::future::poll_fn(|cx| stream.poll_capacity(cx)).await.context("closed")??;
                }
                let part = piece.split_to(stream.capacity().min(piece.len()));
                stream.send_data(part, zeros.0 == 0 && piece.is_empty())?;
            }
        }
        read(response).await?;
        Ok(bytes)
    }
}
