//! A path with delay: bytes that come in go out a while later, in both directions.
//!
//! Invariant: it delays and does not throttle: more may be under way than all windows allow together.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Pieces under way in one direction: 64 MiB, eight times the largest window.
const PIECES: usize = 1024;
const PIECE: usize = 64 << 10;

/// Carries bytes between `listen` and `to` until it is killed.
pub(crate) fn run(listen: SocketAddr, to: SocketAddr, micros: u64) -> anyhow::Result<()> {
    let delay = Duration::from_micros(micros);
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        loop {
            let (near, _) = listener.accept().await?;
            let far = TcpStream::connect(to).await?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
            carry(near_read, far_write, delay);
            carry(far_read, near_write, delay);
        }
    })
}

fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    delay: Duration,
) {
    let (enter, mut leave) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    tokio::spawn(async move {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            match from.read_buf(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(_) if enter.send((Instant::now() + delay, piece)).await.is_err() => return,
                Ok(_) => {}
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, piece)) = leave.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        _ = to.shutdown().await;
    });
}
