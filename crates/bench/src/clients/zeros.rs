//! A request's body: so many zeros, in pieces that were made before.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const PIECE: usize = 64 << 10;
static ZEROS: [u8; PIECE] = [0; PIECE];

/// So many of them are left.
pub(super) struct Zeros(pub(super) u64);

impl Zeros {
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let length = self.0.min(PIECE as u64);
        self.0 -= length;
        (length > 0).then(|| Bytes::from_static(&ZEROS[..length as usize]))
    }
}

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0 == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}
