//! One attempt in its owner's hands: what the request's future polls until the response's head is there.
//!
//! Invariant: a [`Fault`] claims that a request was not processed only on proof: hyper gave the message back, or
//! the peer said so (RFC 9113 section 8.7). Next: [`crate::response_future`], which polls it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use h2::{Reason, RecvStream};
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use outlive_core::AttemptId;

use crate::error::ErrorKind;
use crate::outgoing::{BoxError, Outgoing};
use crate::upload::Upload;

/// An attempt, and the means to follow it.
pub(crate) struct Sending {
    pub(crate) attempt: AttemptId,
    pub(crate) wire: Wire,
}

type Http1Response =
    Pin<Box<dyn Future<Output = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>> + Send>>;

pub(crate) enum Wire {
    Http1(Http1Response),
    Http2 { response: h2::client::ResponseFuture, upload: Option<Upload> },
}

/// A response's head, and the means to read the rest.
pub(crate) enum Answer {
    Http1(Response<Incoming>),
    /// With the rest of the request's body, if it is still on its way.
    Http2(Response<RecvStream>, Option<Upload>),
}

impl Answer {
    /// What its first line says.
    pub(crate) fn line(&self) -> (StatusCode, Version) {
        match self {
            Self::Http1(response) => (response.status(), response.version()),
            Self::Http2(response, _) => (response.status(), response.version()),
        }
    }
}

/// Why an attempt failed.
pub(crate) struct Fault {
    pub(crate) fact: Fact,
    /// The blame, should the pool know no more than that it failed.
    pub(crate) kind: ErrorKind,
    pub(crate) source: BoxError,
}

/// What the pool is to be told of it.
pub(crate) enum Fact {
    /// Nothing of it was written; here is its body.
    Unwritten(Outgoing),
    /// The peer says that it did not process it.
    Refused,
    /// The same, and the peer takes no new streams.
    GoneAway,
    /// It alone failed.
    Failed,
    /// The caller can't go on with it.
    GivenUp,
    /// Its connection did.
    ConnectionLost,
}

impl Sending {
    /// Polls for the response's head, and sends the request's body meanwhile. `body` gives that away, once.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        body: impl FnOnce() -> Option<Outgoing>,
    ) -> Poll<Result<Answer, Fault>> {
        match &mut self.wire {
            Wire::Http1(response) => {
                let answer = response.as_mut().poll(cx);
                answer.map(|answer| answer.map(Answer::Http1).map_err(Fault::unanswered_http1))
            }
            Wire::Http2 { response, upload } => {
                if let Poll::Ready(answer) = Pin::new(response).poll(cx) {
                    let answer = answer.map(|answer| Answer::Http2(answer, upload.take()));
                    return Poll::Ready(answer.map_err(Fault::http2));
                }
                if let Some(Poll::Ready(end)) = upload.as_mut().map(|upload| upload.poll(cx, body)) {
                    *upload = None;
                    if let Err(error) = end {
                        return Poll::Ready(Err(Fault::body(error)));
                    }
                }
                Poll::Pending
            }
        }
    }
}

impl Fault {
    /// The request's own body failed.
    pub(crate) fn body(source: BoxError) -> Self {
        Self { fact: Fact::GivenUp, kind: ErrorKind::Body, source }
    }

    pub(crate) fn http2(error: h2::Error) -> Self {
        let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        let (fact, kind) = if error.is_io() {
            (Fact::ConnectionLost, ErrorKind::Lost)
        } else if error.is_go_away() && error.is_remote() {
            // h2 says this of streams above the GOAWAY's last one, whatever its code; of others it says `is_io`.
            (Fact::GoneAway, ErrorKind::Refused)
        } else if refused && error.is_remote() {
            (Fact::Refused, ErrorKind::Refused)
        } else {
            (Fact::Failed, ErrorKind::Peer)
        };
        Self { fact, kind, source: error.into() }
    }

    fn unanswered_http1(mut error: TrySendError<Request<Outgoing>>) -> Self {
        match error.take_message() {
            Some(request) => {
                let fact = Fact::Unwritten(request.into_body());
                Self { fact, kind: ErrorKind::Lost, source: error.into_error().into() }
            }
            None => Self::http1(error.into_error()),
        }
    }

    pub(crate) fn http1(error: hyper::Error) -> Self {
        let (fact, kind) = if error.is_user() {
            (Fact::Failed, ErrorKind::Body)
        } else if error.is_parse() {
            (Fact::Failed, ErrorKind::Peer)
        } else {
            (Fact::ConnectionLost, ErrorKind::Lost)
        };
        Self { fact, kind, source: error.into() }
    }
}
