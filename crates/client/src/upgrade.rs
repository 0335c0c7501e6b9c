//! Connections and streams that stop being HTTP: CONNECT, `Upgrade`, and extended CONNECT.
//!
//! An [`Upgraded`] keeps the request's place on its connection for as long as it lives: an HTTP/1.1 connection is then its own and
//! nobody else's, an HTTP/2 stream stays counted. Invariant: dropped at any point it tells the pool so, by the claim it
//! holds. Next: [`crate::response_body`], where it comes from.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use h2::{RecvStream, SendStream};
use http::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::error::Error;
use crate::response_body::{Claim, ResponseBody};
use crate::sending::Fault;
use crate::upload::poll_room;

/// The protocol that an extended CONNECT asks for (`:protocol`, RFC 8441 section 4), such as `websocket`: put it into the
/// extensions of a request with the method `CONNECT` and an ordinary URI. Needs HTTP/2 and a server that allows it
/// (`SETTINGS_ENABLE_CONNECT_PROTOCOL`); an [`ErrorKind::Request`](crate::ErrorKind::Request) says if either is not so.
///
/// ```
/// let mut request = http::Request::connect("https://example.com/chat").body(outlive::Body::empty())?;
/// request.extensions_mut().insert(outlive::ConnectProtocol::new("websocket"));
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectProtocol(Cow<'static, str>);

impl ConnectProtocol {
    /// A protocol by its name in IANA's list of upgrade tokens.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Takes over what a response has made of its connection (HTTP/1.1) or stream (HTTP/2): bytes both ways.
///
/// For the response to
/// - a request with `Connection: upgrade` and `Upgrade: ...` over HTTP/1.1, if its status is 101 (RFC 9110 section 7.8);
/// - a `CONNECT`, if its status is 2xx (RFC 9110 section 9.3.6). Its URI says whom to connect to, which is a proxy usually, and
///   its `Host` header field whom the proxy is to connect to, with a port; without one, the URI's own host;
/// - a `CONNECT` with [`ConnectProtocol`] over HTTP/2, if its status is 2xx (RFC 8441).
///
/// The timeouts end with the response's head. A response with such a status that is dropped gives the connection or stream up.
///
/// # Errors
///
/// [`ErrorKind::Request`](crate::ErrorKind::Request) for any other response; [`ErrorKind::Lost`](crate::ErrorKind::Lost)
/// if the connection ends before it is handed over.
pub async fn upgrade(response: Response<ResponseBody>) -> Result<Upgraded, Error> {
    let status = response.status();
    let (tunnel, claim) = response.into_body().into_tunnel().ok_or_else(|| {
        Error::request(format!("a response with status {status} to this request changes no protocol"))
    })?;
    let io = match tunnel {
        Tunnel::Http2(send, recv) => Io::Http2 { send, recv, unread: Bytes::new() },
        Tunnel::Http1(handed_over) => match handed_over.await {
            Ok(io) => Io::Http1(TokioIo::new(io)),
            Err(error) => return Err(claim.ticket.broken(claim.attempt, Fault::http1(error))),
        },
    };
    Ok(Upgraded { io, claim: Some(claim), said_all: false, heard_all: false })
}

/// What was HTTP: bytes both ways. Made by [`upgrade`].
///
/// Writing is done when the bytes are on their way; over HTTP/2 no faster than the peer's windows allow. Shutting it down ends this
/// side's bytes only. Dropping it closes the HTTP/1.1 connection, or resets the HTTP/2 stream unless both sides had ended.
pub struct Upgraded {
    io: Io,
    /// `None` once both sides have ended, or it broke.
    claim: Option<Claim>,
    said_all: bool,
    heard_all: bool,
}

/// A response's end of it, before it is taken over.
pub(crate) enum Tunnel {
    Http1(OnUpgrade),
    Http2(SendStream<Bytes>, RecvStream),
}

enum Io {
    Http1(TokioIo<hyper::upgrade::Upgraded>),
    Http2 {
        send: SendStream<Bytes>,
        recv: RecvStream,
        unread: Bytes,
    },
    /// It broke. (A stream that is still held could not be reset.)
    Gone,
}

/// More than this is not copied into one write.
const CHUNK: usize = 64 << 10;

impl Upgraded {
    /// The error that ends it, told to the pool.
    fn broke(&mut self, fault: Fault) -> io::Error {
        self.io = Io::Gone;
        match self.claim.take() {
            Some(claim) => {
                io::Error::new(io::ErrorKind::ConnectionReset, claim.ticket.broken(claim.attempt, fault))
            }
            None => io::ErrorKind::BrokenPipe.into(),
        }
    }

    /// One side has ended. After the second the request is complete.
    fn side_ended(&mut self) {
        if self.said_all && self.heard_all {
            if let Some(claim) = self.claim.take() {
                claim.ticket.completed(claim.attempt);
            }
        }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        match &mut this.io {
            Io::Gone => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Io::Http1(io) => ready!(Pin::new(io).poll_read(cx, into))?,
            Io::Http2 { recv, unread, .. } => {
                while unread.is_empty() {
                    match ready!(recv.poll_data(cx)) {
                        Some(Ok(data)) => *unread = data,
                        Some(Err(error)) => return Poll::Ready(Err(this.broke(Fault::http2_body(error)))),
                        None => break,
                    }
                }
                let taken = unread.len().min(into.remaining());
                into.put_slice(&unread[..taken]);
                unread.advance(taken);
                // Fails only for a stream that has ended.
                _ = recv.flow_control().release_capacity(taken);
            }
        }
        if into.filled().len() == before && into.remaining() > 0 {
            this.heard_all = true;
            this.side_ended();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Http1(io) => Pin::new(io).poll_write(cx, bytes),
            _ if bytes.is_empty() => Poll::Ready(Ok(0)),
            Io::Http2 { send, .. } => {
                let room = ready!(poll_room(send, bytes.len().min(CHUNK), cx)).min(bytes.len());
                let part = Bytes::copy_from_slice(&bytes[..room]);
                if room == 0 || send.send_data(part, false).is_err() {
                    // Why, reading tells.
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
                Poll::Ready(Ok(room))
            }
            Io::Gone => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Http1(io) => Pin::new(io).poll_flush(cx),
            // The connection's task writes as soon as it can.
            Io::Http2 { .. } => Poll::Ready(Ok(())),
            Io::Gone => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match &mut this.io {
            Io::Http1(io) => ready!(Pin::new(io).poll_shutdown(cx))?,
            Io::Http2 { send, .. } if !this.said_all => {
                if send.send_data(Bytes::new(), true).is_err() {
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
            }
            Io::Http2 { .. } | Io::Gone => {}
        }
        this.said_all = true;
        this.side_ended();
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = match self.io {
            Io::Http1(_) => "HTTP/1.1",
            Io::Http2 { .. } => "HTTP/2",
            Io::Gone => "nothing",
        };
        f.debug_struct("Upgraded").field("over", &over).finish()
    }
}
