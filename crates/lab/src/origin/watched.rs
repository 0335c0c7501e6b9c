//! A connection whose HTTP/2 frames are watched on their way between TLS and the server.
//!
//! The server does not tell how often it was asked (PING) or what it said in a GOAWAY; its bytes do.
//!
//! Invariant: every byte passes unchanged.
//! Next: `../frames.rs`, which reads them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    frames::Frames,
    record::{Side, WireId},
    wires::Wires,
};

pub(super) struct Watched<T> {
    io: T,
    wire: WireId,
    wires: Arc<Wires>,
    heard: Frames,
    said: Frames,
}

impl<T> Watched<T> {
    pub(super) fn new(io: T, wire: WireId, wires: Arc<Wires>) -> Self {
        Self { io, wire, wires, heard: Frames::from(Side::Client), said: Frames::from(Side::Origin) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let Self { wire, wires, heard, .. } = &mut *self;
        heard.read(&buf.filled()[before..], |frame| wires.frame(*wire, frame));
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        let Self { wire, wires, said, .. } = &mut *self;
        said.read(&buf[..n], |frame| wires.frame(*wire, frame));
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
