//! The contestants that are Rust libraries, behind one face.
//!
//! Invariant: each is used as its documentation says, with its defaults, but for the windows (`rows.rs`), Nagle's
//! algorithm (off), and proxies (none); names resolve to the server's address by the client's own hook.

mod hyper_util;
mod outlive;
mod raw_h2;
mod reqwest;
mod zeros;

pub(crate) use self::hyper_util::HyperUtil;
pub(crate) use self::outlive::Outlive;
pub(crate) use self::raw_h2::RawH2;
pub(crate) use self::reqwest::Reqwest;

use std::sync::Arc;

use anyhow::Context as _;
use http::Uri;
use http_body_util::BodyExt as _;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};

use crate::record::Task;
use crate::rows::Wire;

/// 128 bytes.
pub(crate) const SMALL_PATH: &str = "/small";
/// What a row about bulk downloads.
pub(crate) const BIG_PATH: &str = "/big";
/// What our own server answers too late.
pub(crate) const HOLD_PATH: &str = "/hold";

/// Which request it is: the worker's, to this origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) origin: usize,
    pub(crate) worker: usize,
}

/// A client at work.
pub(crate) trait Client: Send + Sync + Sized + 'static {
    fn new(task: &Task) -> anyhow::Result<Self>;

    /// Bytes of the answer's body, once it is complete.
    fn get(&self, spot: Spot, path: &str) -> impl Future<Output = anyhow::Result<u64>> + Send;

    /// Bytes sent, once the answer is complete.
    fn put(&self, spot: Spot, bytes: u64) -> impl Future<Output = anyhow::Result<u64>> + Send;

    /// Has a connection open.
    fn open(&self, spot: Spot) -> impl Future<Output = anyhow::Result<()>> + Send {
        async move { self.get(spot, SMALL_PATH).await.map(drop) }
    }
}

/// The host of an origin (`.test` is nobody's: RFC 6761).
pub(crate) fn host(origin: usize) -> String {
    format!("o{origin}.test")
}

/// The URIs of one path at all origins, made before anything is measured.
struct Uris(Vec<[(&'static str, Uri); 3]>);

impl Uris {
    fn new(task: &Task) -> anyhow::Result<Self> {
        let scheme = if task.wire == Wire::H2 { "https" } else { "http" };
        let of = |origin, path| {
            let uri = format!("{scheme}://{}:{}{path}", host(origin), task.address.port());
            uri.parse().map(|uri| (path, uri))
        };
        let all = (0..task.work.origins())
            .map(|origin| Ok([of(origin, SMALL_PATH)?, of(origin, HOLD_PATH)?, of(origin, BIG_PATH)?]));
        Ok(Self(all.collect::<Result<_, http::uri::InvalidUri>>()?))
    }

    /// A copy, as a caller makes one who keeps his own.
    fn at(&self, spot: Spot, path: &str) -> anyhow::Result<Uri> {
        let uris = self.0.get(spot.origin).context("no such origin")?;
        uris.iter().find(|(known, _)| *known == path).map(|(_, uri)| uri.clone()).context("no such path")
    }
}

/// TLS that trusts the server of this run.
fn tls(task: &Task) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&task.authority)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// Reads a response to its end; bytes of its body.
async fn read<B>(response: http::Response<B>) -> anyhow::Result<u64>
where
    B: http_body::Body<Data = bytes::Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    anyhow::ensure!(response.status().is_success(), "the server answered {}", response.status());
    let mut body = response.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| anyhow::Error::from_boxed(error.into()))?;
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(bytes)
}
