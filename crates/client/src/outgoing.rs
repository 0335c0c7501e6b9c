//! A request's body on its way out.
//!
//! Callers bring any body type; the pool keeps one. Invariant: a body that is still [`Outgoing::Once`] has not been
//! polled, so its request can be sent again if nobody processed it; one that is kept in memory or can be made again
//! can be sent any number of times (promise P4). Next: [`crate::upload`] (HTTP/2); over HTTP/1.1 hyper polls it.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use crate::expect::Gate;

/// Any error, as bodies and hooks bring them.
pub type BoxError = Box<dyn StdError + Send + Sync>;

pub(crate) type BoxBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// What makes a body, each time it has to be sent.
pub(crate) type Maker = Arc<dyn Fn() -> BoxBody + Send + Sync>;

/// A request's body.
#[derive(Default)]
pub(crate) enum Outgoing {
    /// There is none.
    #[default]
    Empty,
    /// In memory.
    Bytes(Bytes),
    /// Made anew each time, to this size.
    Made(Maker, SizeHint),
    /// Untouched, and good for one time.
    Once(BoxBody),
    /// Waits at the gate before it may be sent.
    Gated(Gate, Box<Self>),
    /// Given away to be sent.
    Taken,
}

impl Outgoing {
    /// Takes any body. Those that are known to be in memory are kept so that they can be sent again.
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::Empty;
        }
        let mut body = Some(body);
        if let Some(body) = taken_as::<crate::Body>(&mut body) {
            return body.into_outgoing();
        }
        if let Some(text) = taken_as::<String>(&mut body) {
            return Self::Bytes(text.into());
        }
        if let Some(mut full) = taken_as::<Full<Bytes>>(&mut body) {
            return Self::Bytes(data_of(&mut full));
        }
        body.map_or(Self::Empty, |body| Self::Once(boxed(body)))
    }

    /// Takes a body that `make` can make again. It is called at once, to learn the size.
    pub(crate) fn made(make: Maker) -> Self {
        let hint = make().size_hint();
        Self::Made(make, hint)
    }

    /// Whether it can (still) be sent from its beginning.
    pub(crate) fn is_untouched(&self) -> bool {
        match self {
            Self::Empty | Self::Bytes(_) | Self::Made(..) | Self::Once(_) => true,
            Self::Gated(_, body) => body.is_untouched(),
            Self::Taken => false,
        }
    }

    /// Whether it can be sent any number of times.
    pub(crate) fn is_repeatable(&self) -> bool {
        match self {
            Self::Empty | Self::Bytes(_) | Self::Made(..) => true,
            Self::Gated(_, body) => body.is_repeatable(),
            Self::Once(_) | Self::Taken => false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(_) | Self::Made(..) | Self::Once(_) | Self::Gated(..) | Self::Taken => false,
        }
    }

    /// Has it wait at `gate`.
    pub(crate) fn gated(self, gate: Gate) -> Self {
        Self::Gated(gate, Box::new(self))
    }

    /// Without its gate.
    pub(crate) fn ungated(self) -> Self {
        match self {
            Self::Gated(_, body) => *body,
            Self::Empty | Self::Bytes(_) | Self::Made(..) | Self::Once(_) | Self::Taken => self,
        }
    }

    /// Another one like it, if it is repeatable.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            Self::Made(make, hint) => Some(Self::Made(Arc::clone(make), *hint)),
            Self::Gated(_, body) => body.try_clone(),
            Self::Once(_) | Self::Taken => None,
        }
    }

    /// Gives it away; one that is repeatable can be given away any number of times. Runs nobody's code.
    pub(crate) fn take(&mut self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Self::Made(make, hint) => Self::Made(Arc::clone(make), *hint),
            Self::Once(_) | Self::Gated(..) | Self::Taken => std::mem::replace(self, Self::Taken),
        }
    }
}

/// Any body, as the one type.
pub(crate) fn boxed<B>(body: B) -> BoxBody
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    Box::pin(Plain(Box::pin(body)))
}

/// What is in `place`, if that is a `T`.
fn taken_as<T: 'static>(place: &mut (impl Any + Send)) -> Option<T> {
    (place as &mut dyn Any).downcast_mut::<Option<T>>()?.take()
}

/// The data of a body that has it all at hand.
fn data_of(full: &mut Full<Bytes>) -> Bytes {
    match Pin::new(full).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        Poll::Ready(Some(Err(never))) => match never {},
        Poll::Ready(None) | Poll::Pending => Bytes::new(),
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Self::Made(make, _) = this {
            *this = Self::Once(make());
        }
        if let Self::Gated(gate, body) = this {
            ready!(gate.poll_open(cx));
            *this = std::mem::take(body);
            return Pin::new(this).poll_frame(cx);
        }
        match this {
            Self::Once(body) => body.as_mut().poll_frame(cx),
            Self::Bytes(bytes) => {
                let data = std::mem::take(bytes);
                *this = Self::Taken;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Self::Empty | Self::Taken | Self::Made(..) | Self::Gated(..) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Once(body) => body.is_end_stream(),
            Self::Bytes(_) | Self::Made(..) => false,
            Self::Gated(_, body) => body.is_end_stream(),
            Self::Empty | Self::Taken => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Once(body) => body.size_hint(),
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Made(_, hint) => *hint,
            Self::Gated(_, body) => body.size_hint(),
            Self::Empty | Self::Taken => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Bytes(_) => "Bytes",
            Self::Made(..) => "Made",
            Self::Once(_) => "Once",
            Self::Gated(..) => "Gated",
            Self::Taken => "Taken",
        })
    }
}

/// A caller's body with its data as [`Bytes`] (no copy where they are `Bytes` already) and its error boxed.
struct Plain<B>(Pin<Box<B>>);

impl<B> Body for Plain<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.as_mut().poll_frame(cx).map(|next| {
            next.map(|frame| {
                frame
                    .map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    .map_err(Into::into)
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Empty};

    #[test]
    fn what_is_in_memory_is_repeatable() {
        assert!(Outgoing::new(Empty::<Bytes>::new()).is_empty());
        assert!(Outgoing::new(Full::new(Bytes::new())).is_empty());
        assert!(Outgoing::new(Full::new(Bytes::from("x"))).is_repeatable());
        assert!(Outgoing::new(String::from("x")).is_repeatable());
        assert!(Outgoing::new(crate::Body::from("x")).is_repeatable());
        assert!(Outgoing::new(crate::Body::repeat_with(|| String::from("x"))).is_repeatable());
        assert!(!Outgoing::new(Full::new(Bytes::from("x")).boxed()).is_repeatable());
        assert!(!Outgoing::new(crate::Body::once(String::from("x").boxed())).is_repeatable());
    }

    #[tokio::test]
    async fn each_time_it_is_whole() {
        for mut body in [
            Outgoing::new(Full::new(Bytes::from("twice"))),
            Outgoing::new(crate::Body::repeat_with(|| String::from("twice"))),
        ] {
            assert_eq!(body.size_hint().exact(), Some(5));
            for _ in 0..2 {
                let sent = body.take();
                assert_eq!(sent.size_hint().exact(), Some(5));
                assert_eq!(sent.collect().await.unwrap().to_bytes(), "twice");
            }
        }
    }

    #[tokio::test]
    async fn what_was_given_away_is_gone() {
        let mut body = Outgoing::new(Full::new(Bytes::from("once")).boxed());
        assert_eq!(body.take().collect().await.unwrap().to_bytes(), "once");
        assert!(!body.is_untouched());
    }
}
