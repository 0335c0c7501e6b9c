//! A request's body on its way out.
//!
//! Callers bring any body type; the pool keeps one. Invariant: a body that is still [`Outgoing::Whole`] or
//! [`Outgoing::Empty`] has not been polled, so its request can be sent again if nobody processed it
//! (promise P4). Next: [`crate::upload`] (HTTP/2); over HTTP/1.1 hyper polls it.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};

/// Any error, as bodies and hooks bring them.
pub type BoxError = Box<dyn StdError + Send + Sync>;

type BoxBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// A request's body.
#[derive(Default)]
pub(crate) enum Outgoing {
    /// There is none.
    #[default]
    Empty,
    /// Untouched.
    Whole(BoxBody),
    /// Given away to be sent.
    Taken,
}

impl Outgoing {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() { Self::Empty } else { Self::Whole(Box::pin(Plain(Box::pin(body)))) }
    }

    /// Whether it can (still) be sent from its beginning.
    pub(crate) fn is_untouched(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(_) => true,
            Self::Taken => false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(_) | Self::Taken => false,
        }
    }

    /// Gives it away; an empty body can be given away any number of times.
    pub(crate) fn take(&mut self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Whole(_) | Self::Taken => std::mem::replace(self, Self::Taken),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Whole(body) => body.as_mut().poll_frame(cx),
            Self::Empty | Self::Taken => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Empty | Self::Taken => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Empty | Self::Taken => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Whole(_) => "Whole",
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
