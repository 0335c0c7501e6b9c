//! Is a request sent again that could not be written, because its connection takes nothing any more?

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use outlive::{Client, Connect, Connecting, Destination, Protocol};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::fixture::{at_rest, eventually};
use crate::raw::{HEADERS, Raw, ok};

/// Its first connection takes one HEADERS; from then on writing fails as after a peer's RST, reading goes on.
struct Half {
    to: std::net::SocketAddr,
    dials: AtomicUsize,
    broken: Arc<AtomicBool>,
}

impl Connect for Half {
    fn connect<'a>(&'a self, _: &'a Destination) -> Connecting<'a> {
        let breaks = self.dials.fetch_add(1, SeqCst) == 0;
        Box::pin(async move {
            let tcp = TcpStream::connect(self.to).await?;
            let broken = if breaks { Arc::clone(&self.broken) } else { Arc::default() };
            Ok(Box::new(Wire { tcp, armed: breaks, broken, refused: false, reader: None }) as _)
        })
    }
}

struct Wire {
    tcp: TcpStream,
    armed: bool,
    broken: Arc<AtomicBool>,
    /// Whether a write was refused: what is to be read is read only then.
    refused: bool,
    reader: Option<Waker>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.broken.load(SeqCst) && !self.refused {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.tcp).poll_read(cx, to)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken.load(SeqCst) {
            self.refused = true;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        // The frame behind the preface and SETTINGS that is HEADERS (type 1) of stream 1 is the last to pass.
        if self.armed && from.windows(9).any(|head| head[3] == 1 && head[5..9] == [0, 0, 0, 1]) {
            self.broken.store(true, SeqCst);
        }
        Pin::new(&mut self.tcp).poll_write(cx, from)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn what_could_not_be_written_goes_elsewhere() {
    let raw = Raw::answering(|connection, frame| match (connection, frame.kind) {
        (0, HEADERS) => Some(ok(frame.stream)),
        (_, HEADERS) => Some(ok(frame.stream)),
        _ => Some(vec![]),
    })
    .await;
    let broken = Arc::new(AtomicBool::new(false));
    let half = Half { to: raw.address, dials: AtomicUsize::new(0), broken: Arc::clone(&broken) };
    let client = Client::builder().protocol(Protocol::Http2).connector(half).build();
    let post = || Request::post(raw.uri()).body(Full::<Bytes>::from("once")).unwrap();
    let first = tokio::spawn(client.request(Request::get(raw.uri()).body(Full::<Bytes>::default()).unwrap()));
    eventually("the first is written", async || broken.load(SeqCst)).await;
    let second = client.request(post()).await;
    let first = first.await.unwrap();
    assert_eq!((first.unwrap().status().as_u16(), second.unwrap().status().as_u16()), (200, 200));
    assert_eq!(raw.connections(), 2);
    at_rest(&client).await;
}
