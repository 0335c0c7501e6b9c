//! Bodies that come whole, in two halves, or drop by drop without end.
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

/// A response's body.
pub(super) struct Drip {
    next: Option<&'static str>,
    then: Then,
    every: Duration,
    wait: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
enum Then {
    End,
    Last(&'static str),
    Again(&'static str),
}

impl Drip {
    pub(super) fn whole(text: &'static str) -> Self {
        Self { next: Some(text), then: Then::End, every: Duration::ZERO, wait: None }
    }

    pub(super) fn halves(first: &'static str, second: &'static str, apart: Duration) -> Self {
        Self { next: Some(first), then: Then::Last(second), every: apart, wait: None }
    }

    pub(super) fn endless(drop: &'static str, every: Duration) -> Self {
        Self { next: Some(drop), then: Then::Again(drop), every, wait: None }
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
        let Some(text) = self.next.take() else { return Poll::Ready(None) };
        match self.then {
            Then::End => {}
            Then::Last(last) => (self.next, self.then) = (Some(last), Then::End),
            Then::Again(again) => self.next = Some(again),
        }
        self.wait = self.next.map(|_| Box::pin(sleep(self.every)));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let now = self.next.map_or(0, str::len) as u64;
        match self.then {
            Then::End => SizeHint::with_exact(now),
            Then::Last(last) => SizeHint::with_exact(now + last.len() as u64),
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
    async fn endless_is_endless() {
        let mut body = Drip::endless(".", Duration::from_millis(5));
        assert_eq!(body.size_hint().exact(), None);
        for _ in 0..1000 {
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), ".");
        }
    }
}
