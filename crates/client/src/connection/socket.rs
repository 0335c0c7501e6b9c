//! A TCP connection whose kernel can be asked about it, by the origin, while its task moves the bytes.
//!
//! The task owns the socket; the origin has a [`Socket`], which keeps it open for no longer than a look. tokio's halves make that
//! cost nothing: the reading half reads as a whole stream would, and writing needs no exclusive reference. Invariant: what the kernel
//! says is about the connection whose other end speaks HTTP with us; where a proxy stands between, nobody is asked. Next:
//! [`crate::kernel`], what is made of it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use outlive_tcp_info::TcpInfo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::kernel::Kernel;

/// The task's end.
#[derive(Debug)]
pub(super) struct Tcp {
    reading: OwnedReadHalf,
    writing: Arc<OwnedWriteHalf>,
}

/// The origin's end.
#[derive(Debug)]
pub(super) struct Socket(Weak<OwnedWriteHalf>);

impl Tcp {
    pub(super) fn new(stream: TcpStream) -> (Self, Socket) {
        let (reading, writing) = stream.into_split();
        let writing = Arc::new(writing);
        let socket = Socket(Arc::downgrade(&writing));
        (Self { reading, writing }, socket)
    }

    fn socket(&self) -> &TcpStream {
        (*self.writing).as_ref()
    }

    /// Writes when there is room.
    fn poll_with(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket().poll_write_ready(cx))?;
            match write(self.socket()) {
                // There was room once; now its next coming is waited for.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl Socket {
    /// Asks the kernel: one system call. `None` when the connection is gone, or the kernel does not say.
    pub(super) fn look(&self) -> Option<Kernel> {
        let socket = self.0.upgrade()?;
        TcpInfo::of((*socket).as_ref()).ok().map(Kernel::from)
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reading).poll_read(cx, into)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |socket| socket.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |socket| socket.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A peer that has reset the connection has done that already.
        Poll::Ready(match SockRef::from(self.socket()).shutdown(std::net::Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            done => done,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    async fn pair() -> (Tcp, Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, socket) = Tcp::new(near);
        (tcp, socket, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_also_where_there_is_no_room_at_first() {
        let (mut near, _, far) = pair().await;
        let (mut coming, mut going) = far.into_split();
        // More than both kernels keep.
        let much = vec![b'x'; 32 << 20];
        let echo = tokio::spawn(async move { tokio::io::copy(&mut coming, &mut going).await.unwrap() });
        let (mut read, mut write) = tokio::io::split(&mut near);
        let sent = async {
            let (head, tail) = much.split_at(16 << 20);
            write.write_all(head).await.unwrap();
            let mut slices = [IoSlice::new(&tail[..1000]), IoSlice::new(&tail[1000..])];
            let mut slices = &mut slices[..];
            while !slices.is_empty() {
                let written = write.write_vectored(slices).await.unwrap();
                IoSlice::advance_slices(&mut slices, written);
            }
            write.shutdown().await.unwrap();
        };
        let mut back = Vec::new();
        let (_, length) = tokio::join!(sent, read.read_to_end(&mut back));
        assert_eq!((length.unwrap(), echo.await.unwrap()), (much.len(), much.len() as u64));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_is_asked_as_long_as_there_is_a_connection() {
        let (near, socket, mut far) = pair().await;
        let kernel = socket.look().unwrap();
        assert_eq!((kernel.unacked, kernel.retransmits, kernel.held_back), (0, 0, false));
        drop(near);
        assert_eq!(socket.look(), None);
        assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0, "who may look keeps nothing open");
    }
}
