//! A response's body on its way in.
//!
//! It reads from the connection directly, and only as fast as the caller reads (HTTP/2's windows open as data is
//! taken; the first data are taken with the head, if they are there). Invariant: the request is told complete as soon as its
//! last byte was taken, without waiting to be polled once more; dropped earlier, it is given up. Next: [`crate::ticket`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use outlive_core::AttemptId;

use crate::deadline::Deadline;
use crate::error::{Error, Phase};
use crate::meter::Gauge;
use crate::offence::Offence;
use crate::sending::Fault;
use crate::ticket::Ticket;
use crate::upgrade::Tunnel;
use crate::upload_task::UploadTask;
use crate::vet;

/// A response's body: data as it arrives, then trailers, if any. Dropping it gives the rest up.
pub struct ResponseBody {
    stream: Stream,
    deadline: Deadline,
    /// `None` once the request has ended.
    claim: Option<Claim>,
}

/// Where the bytes come from.
pub(crate) enum Stream {
    /// From memory: all of it came with the head.
    Whole(Option<Bytes>),
    /// With whether the head announced the length, and the first of its data, if they came with the head.
    Http1 { body: Incoming, announced: bool, first: Option<Result<Bytes, hyper::Error>>, gauge: Arc<Gauge> },
    /// The same, and how many fields its trailers may have.
    Http2 { body: RecvStream, length: Length, first: Option<Bytes>, most_fields: u32 },
    /// It is no message.
    Tunnel(Tunnel),
    /// From nowhere: the rest was given up. (A stream that is still held could not be reset.)
    Gone,
}

/// How much of a response's body is still to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Length {
    Unknown,
    /// So much is left of what the head announced; h2 sees to it.
    Left(u64),
    /// There can't be any.
    None,
}

/// What is left to be told of the request.
pub(crate) struct Claim {
    pub(crate) ticket: Ticket,
    pub(crate) attempt: AttemptId,
    /// Boxed: it is rare, and a response goes from hand to hand.
    pub(crate) unsent: Option<Box<Unsent>>,
}

/// What has become of a request's body that was not sent before the response began.
pub(crate) enum Unsent {
    /// It is still on its way.
    Upload(UploadTask),
    /// It was held back and will never be sent, so the peer can't see the request's end.
    Withheld,
}

impl ResponseBody {
    pub(crate) fn new(stream: Stream, deadline: Deadline, claim: Option<Claim>) -> Self {
        let mut body = Self { stream, deadline, claim };
        if body.stream.is_end() {
            body.complete();
        }
        body
    }

    /// What the response is the beginning of, if it is no message.
    pub(crate) fn into_tunnel(self) -> Option<(Tunnel, Claim)> {
        match (self.stream, self.claim) {
            (Stream::Tunnel(tunnel), Some(claim)) => Some((tunnel, claim)),
            _ => None,
        }
    }

    fn complete(&mut self) {
        let Some(Claim { ticket, attempt, unsent }) = self.claim.take() else { return };
        match unsent.map(|unsent| *unsent) {
            None => ticket.completed(attempt),
            Some(Unsent::Upload(upload)) => upload.leave_to(ticket, attempt),
            // Given up: a reset tells the peer (HTTP/2), or the connection's end does (HTTP/1.1).
            Some(Unsent::Withheld) => drop(ticket),
        }
    }

    /// The error that ends the request, if it has not ended before.
    fn fail(&mut self, error: impl FnOnce(Claim) -> Error) -> Option<Result<Frame<Bytes>, Error>> {
        self.stream = Stream::Gone;
        self.claim.take().map(|claim| Err(error(claim)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.claim.is_none() && !self.stream.holds_data() {
            return Poll::Ready(None); // There is nothing more to ask for.
        }
        match self.stream.poll_frame(cx) {
            Poll::Ready(None) if matches!(self.stream, Stream::Tunnel(_)) => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => {
                self.deadline.stir();
                if self.stream.is_end() {
                    self.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(fault))) => {
                Poll::Ready(self.fail(|claim| claim.ticket.broken(claim.attempt, fault)))
            }
            Poll::Ready(None) => {
                self.complete();
                Poll::Ready(None)
            }
            Poll::Pending => {
                if let Poll::Ready(elapsed) = self.deadline.poll_passed(cx) {
                    return Poll::Ready(self.fail(|claim| claim.ticket.timed_out(Phase::Body, elapsed)));
                }
                let unsent = self.claim.as_mut().and_then(|claim| claim.unsent.as_deref_mut());
                let Some(Unsent::Upload(upload)) = unsent else { return Poll::Pending };
                let error = ready!(upload.poll_failed(cx));
                Poll::Ready(self.fail(|claim| claim.ticket.broken(claim.attempt, Fault::body(error))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.stream, Stream::Tunnel(_)) || self.stream.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.stream {
            Stream::Whole(data) => SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64)),
            Stream::Http1 { body, first: Some(Ok(first)), .. } => {
                let left = body.size_hint().exact().unwrap_or(0); // Only where it was announced.
                SizeHint::with_exact(first.len() as u64 + left)
            }
            Stream::Http1 { body, .. } => body.size_hint(),
            Stream::Http2 { .. } if self.stream.is_end() => SizeHint::with_exact(0),
            Stream::Gone | Stream::Tunnel(_) => SizeHint::with_exact(0),
            Stream::Http2 { length: Length::Unknown, .. } => SizeHint::default(),
            Stream::Http2 { length: Length::Left(left), .. } => SizeHint::with_exact(*left),
            Stream::Http2 { length: Length::None, .. } => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match self.stream {
            Stream::Whole(_) => "memory",
            Stream::Http1 { .. } => "HTTP/1.1",
            Stream::Http2 { .. } => "HTTP/2",
            Stream::Tunnel(_) => "a tunnel",
            Stream::Gone => "nowhere",
        };
        f.debug_struct("ResponseBody").field("from", &from).field("ended", &self.claim.is_none()).finish()
    }
}

impl Stream {
    pub(crate) fn http2(body: RecvStream, length: Length, most_fields: u32) -> Self {
        Self::Http2 { body, length, first: None, most_fields }
    }

    pub(crate) fn http1(body: Incoming, gauge: Arc<Gauge>) -> Self {
        let announced = body.size_hint().exact().is_some();
        Self::Http1 { body, announced, first: None, gauge }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match self {
            Self::Whole(data) => Poll::Ready(data.take().map(|data| Ok(Frame::data(data)))),
            Self::Http1 { body, announced, first, gauge } => {
                let next = match first.take() {
                    Some(first) => Some(first.map(Frame::data)),
                    None => ready!(Pin::new(body).poll_frame(cx)),
                };
                let short = || *announced && gauge.has_ended();
                Poll::Ready(next.map(|frame| frame.map_err(|error| Fault::http1_body(error, short()))))
            }
            Self::Http2 { body, length, first, most_fields } => match ready!(next_data(first, body, cx)) {
                Some(Ok(data)) => {
                    match length {
                        Length::None if !data.is_empty() => {
                            return Poll::Ready(Some(Err(Fault::offence(Offence::Content))));
                        }
                        Length::Left(left) => *left = left.saturating_sub(data.len() as u64),
                        Length::None | Length::Unknown => {}
                    }
                    Poll::Ready(Some(Ok(Frame::data(data))))
                }
                Some(Err(error)) => Poll::Ready(Some(Err(Fault::http2_body(error)))),
                None => {
                    let trailers = ready!(body.poll_trailers(cx)).map_err(Fault::http2_body).transpose();
                    Poll::Ready(trailers.map(|trailers| {
                        let trailers = trailers?;
                        vet::fields(&trailers, *most_fields).map_err(Fault::offence)?;
                        Ok(Frame::trailers(trailers))
                    }))
                }
            },
            Self::Gone | Self::Tunnel(_) => Poll::Ready(None),
        }
    }

    /// Whether nothing more comes.
    fn is_end(&self) -> bool {
        match self {
            Self::Whole(data) => data.is_none(),
            Self::Http1 { body, first, .. } => first.is_none() && body.is_end_stream(),
            Self::Http2 { body, first, .. } => first.is_none() && body.is_end_stream(),
            Self::Gone => true,
            Self::Tunnel(_) => false,
        }
    }

    /// Takes the first of the data if they are here, and says whether the response is complete with them: for a small one, the
    /// pool need not be told twice, and the connection's handle is needed no more. Asked once, before anything is read.
    pub(crate) fn is_whole(&mut self, cx: &mut Context<'_>) -> bool {
        let all = match self {
            // What was announced has no trailers, so what comes first is data, or an error.
            Self::Http1 { body, announced: true, first, .. } => {
                if !body.is_end_stream() {
                    if let Poll::Ready(Some(next)) = Pin::new(&mut *body).poll_frame(cx) {
                        *first = next.map(|frame| frame.into_data().ok()).transpose();
                    }
                }
                match first {
                    Some(Err(_)) => None,
                    Some(Ok(_)) | None if !body.is_end_stream() => None,
                    Some(Ok(data)) => Some(Some(std::mem::take(data))),
                    None => Some(None),
                }
            }
            Self::Http2 { body, length, first, .. } => {
                if *length != Length::None {
                    // An error comes again to whoever reads.
                    if let Poll::Ready(Some(Ok(data))) = poll_data(body, cx) {
                        *first = Some(data);
                    }
                }
                body.is_end_stream().then(|| first.take())
            }
            Self::Whole(_) | Self::Http1 { .. } | Self::Gone | Self::Tunnel(_) => None,
        };
        let is_whole = all.is_some();
        if let Some(all) = all {
            *self = Self::Whole(all);
        }
        is_whole
    }

    /// The head announced this length, none of which was given yet.
    pub(crate) fn expect(&mut self, announced: Option<u64>) {
        if let (Self::Http2 { length: length @ Length::Unknown, .. }, Some(announced)) = (self, announced) {
            *length = Length::Left(announced);
        }
    }

    /// Whether there is something to give that was taken before.
    fn holds_data(&self) -> bool {
        matches!(self, Self::Whole(Some(_)))
    }
}

fn next_data(
    first: &mut Option<Bytes>,
    body: &mut RecvStream,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, h2::Error>>> {
    match first.take() {
        Some(first) => Poll::Ready(Some(Ok(first))),
        None => poll_data(body, cx),
    }
}

/// Takes data, and lets the peer send as much more.
fn poll_data(body: &mut RecvStream, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let next = body.poll_data(cx);
    if let Poll::Ready(Some(Ok(data))) = &next {
        // Fails only for a stream that has ended.
        _ = body.flow_control().release_capacity(data.len());
    }
    next
}
