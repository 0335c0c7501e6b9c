//! Our own server, for want of another, and for answers that are to wait: hyper's, one thread, in a process of its own.

use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::args::Serve;
use crate::clients::{HOLD_PATH, SMALL_PATH};
use crate::rows::{CONNECTION_WINDOW, STREAM_WINDOW};

/// How long an answer is held back: longer than anybody measures.
const HOLD: Duration = Duration::from_secs(30);

/// Serves until it is killed.
pub(crate) fn serve(args: &Serve) -> anyhow::Result<()> {
    let tls = match &args.tls[..] {
        [certificate, key] => Some(TlsAcceptor::from(Arc::new(tls(certificate, key)?))),
        _ => None,
    };
    let big = std::fs::metadata(args.files.join("big")).map_or(0, |big| big.len());
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(args.listen).await?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tcp.set_nodelay(true)?;
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => serve_connection(tcp, big).await,
                    Some(tls) => {
                        if let Ok(io) = tls.accept(tcp).await {
                            serve_connection(io, big).await;
                        }
                    }
                }
            });
        }
    })
}

fn tls(certificate: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = vec![CertificateDer::from_pem_file(certificate)?];
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_file(key)?)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

async fn serve_connection<T>(io: T, big: u64)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let answer = service_fn(move |request| answer(request, big));
    // Clients end as they please.
    _ = builder.serve_connection(TokioIo::new(io), answer).await;
}

async fn answer(request: Request<Incoming>, big: u64) -> Result<Response<Chunks>, Infallible> {
    let bytes = match request.uri().path() {
        SMALL_PATH => 128,
        HOLD_PATH => {
            tokio::time::sleep(HOLD).await;
            128
        }
        _ => big,
    };
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    Ok(Response::new(Chunks(bytes)))
}

/// So many bytes are left.
struct Chunks(u64);

const CHUNK: u64 = 16 << 10;
static BYTES: [u8; CHUNK as usize] = [b'x'; CHUNK as usize];

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.0.min(CHUNK);
        self.0 -= length;
        let chunk = (length > 0).then(|| Bytes::from_static(&BYTES[..length as usize]));
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.0 == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}
