//! Bodies that come whole, in two halves, in many pieces, or drop by drop without end.
//!
//! Invariant: a body of one piece says its length, and comes without a timer.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// What a long body is made of: as much as hyper writes at once.
static PIECE: [u8; 16 * 1024] = [b'.'; 16 * 1024];

/// A response's body.
pub(super) struct Drip {
    next: Option<&'static [u8]>,
    then: Then,
    every: Duration,
    wait: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
enum Then {
    End,
    Last(&'static str),
    Again(&'static str),
    /// So many bytes more, without a pause.
    More(usize),
}

impl Drip {
    pub(super) fn whole(text: &'static str) -> Self {
        Self { next: Some(text.as_bytes()), then: Then::End, every: Duration::ZERO, wait: None }
    }

    pub(super) fn halves(first: &'static str, second: &'static str, apart: Duration) -> Self {
        Self { next: Some(first.as_bytes()), then: Then::Last(second), every: apart, wait: None }
    }

    pub(super) fn endless(drop: &'static str, every: Duration) -> Self {
        Self { next: Some(drop.as_bytes()), then: Then::Again(drop), every, wait: None }
    }

    pub(super) fn long(bytes: usize) -> Self {
        let now = bytes.min(PIECE.len());
        Self { next: Some(&PIECE[..now]), then: Then::More(bytes - now), every: Duration::ZERO, wait: None }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(cx));
            self.wait = None;
        }
        let Some(piece) = self.next.take() else { return Poll::Ready(None) };
        match self.then {
            Then::End | Then::More(0) => {}
            Then::Last(last) => (self.next, self.then) = (Some(last.as_bytes()), Then::End),
            Then::Again(again) => self.next = Some(again.as_bytes()),
            Then::More(left) => {
                let now = left.min(PIECE.len());
                (self.next, self.then) = (Some(&PIECE[..now]), Then::More(left - now));
            }
        }
        // Not even the millisecond that a timer takes for no time at all.
        self.wait = self.next.filter(|_| !self.every.is_zero()).map(|_| Box::pin(sleep(self.every)));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let now = self.next.map_or(0, <[u8]>::len) as u64;
        match self.then {
            Then::End => SizeHint::with_exact(now),
            Then::Last(last) => SizeHint::with_exact(now + last.len() as u64),
            Then::More(left) => SizeHint::with_exact(now + left as u64),
            Then::Again(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use hyper::body::Body as _;

    use super::Drip;

    #[tokio::test(start_paused = true)]
    async fn halves_make_a_whole() {
        for body in
            [Drip::whole("here you are\n"), Drip::halves("here you", " are\n", Duration::from_secs(9))]
        {
            assert_eq!(body.size_hint().exact(), Some(13));
            assert_eq!(body.collect().await.unwrap().to_bytes(), "here you are\n");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn long_is_as_long_as_it_says() {
        for bytes in [1, 16_384, 16_385, 100_000] {
            let body = Drip::long(bytes);
            assert_eq!(body.size_hint().exact(), Some(bytes as u64));
            assert_eq!(body.collect().await.unwrap().to_bytes().len(), bytes);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn endless_is_endless() {
        let mut body = Drip::endless(".", Duration::from_millis(5));
        assert_eq!(body.size_hint().exact(), None);
        for _ in 0..1000 {
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), ".");
        }
    }
}
