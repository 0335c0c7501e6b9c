//! The request body that callers make: nothing, bytes, a stream, or something that can be made again.
//!
//! Invariant: whether a body can be sent more than once is decided when it is made, by the way in which it is made. Next:
//! [`crate::Rescue`], which needs that.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::outgoing::{BoxError, Outgoing, boxed};

/// A request's body.
///
/// [`Client::request`](crate::Client::request) takes any [`http_body::Body`]; this type is for those who have none at hand,
/// and for bodies that can be sent again when their connection dies: empty ones, those in memory (made with `From`), and those
/// that a function can make anew ([`Body::repeat_with`]). `String` and `http_body_util::Full<Bytes>` count as in memory
/// too; any other type can be sent once.
pub struct Body(Outgoing);

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self(Outgoing::Empty)
    }

    /// A body that is sent once, as it streams.
    pub fn once<B>(body: B) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Outgoing::new(body))
    }

    /// A body that `make` can make as often as it has to be sent, the same each time. It is called once more at first, to
    /// learn the size.
    ///
    /// ```
    /// let body = outlive::Body::repeat_with(|| String::from("the same each time"));
    /// ```
    pub fn repeat_with<B>(make: impl Fn() -> B + Send + Sync + 'static) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Outgoing::made(Arc::new(move || boxed(make()))))
    }

    /// Whether it can be sent more than once.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.0.is_repeatable()
    }

    /// Another one like it, if it can be sent more than once: for layers that send requests again.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        self.0.try_clone().map(Self)
    }

    pub(crate) fn into_outgoing(self) -> Outgoing {
        self.0
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() { Outgoing::Empty } else { Outgoing::Bytes(bytes) })
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

/// From what [`Bytes`] can be made of.
macro_rules! from_bytes {
    ($($source:ty),*) => {$(
        impl From<$source> for Body {
            fn from(bytes: $source) -> Self {
                Bytes::from(bytes).into()
            }
        }
    )*};
}

from_bytes!(String, Vec<u8>, &'static str, &'static [u8]);

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&self.0).finish()
    }
}
