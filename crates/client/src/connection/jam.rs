//! Notices when a connection's socket takes no bytes: the peer has stopped reading, or the path is dead or full.
//!
//! What is sent meanwhile only piles up, so the pool is told, and gives new requests to others. Invariant: it is told in turns,
//! jammed and clear; a timer runs only while the socket is blocked; bytes that pass cost nothing. Next: [`super::http2`].

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Sleep;

use crate::meter::Gauge;
use crate::settings::BLOCKED;

/// Whether a socket takes bytes.
#[derive(Default)]
pub(super) enum Jam {
    /// It does.
    #[default]
    Clear,
    /// It has not for a moment; this is when that is too long.
    Doubtful(Pin<Box<Sleep>>),
    /// It does not.
    Jammed,
}

impl Jam {
    /// Ready with whether it takes bytes, when that is news. Call it after the connection was polled, which tries to write.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, gauge: &Gauge) -> Poll<bool> {
        match (gauge.blocked_since(), &mut *self) {
            (None, Self::Jammed) => {
                *self = Self::Clear;
                Poll::Ready(true)
            }
            (None, Self::Clear | Self::Doubtful(_)) => {
                *self = Self::Clear;
                Poll::Pending
            }
            (Some(_), Self::Jammed) => Poll::Pending,
            (Some(_), Self::Clear) => {
                *self = Self::Doubtful(Box::pin(tokio::time::sleep(BLOCKED)));
                self.poll(cx, gauge)
            }
            (Some(_), Self::Doubtful(sleep)) => {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                *self = Self::Jammed;
                Poll::Ready(false)
            }
        }
    }
}
