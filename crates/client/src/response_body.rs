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
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
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
pub struct ResponseBody(Content);

enum Content {
    /// All that is left, in memory: it came with the head, and the request has ended.
    Whole(Bytes),
    /// Boxed: a response goes from hand to hand.
    Open(Box<Open>),
}

/// What is read from a connection.
struct Open {
    stream: Stream,
    deadline: Deadline,
    /// `None` once the request has ended.
    claim: Option<Claim>,
}

/// Where the bytes come from.
pub(crate) enum Stream {
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
    pub(crate) unsent: Option<Unsent>,
}

/// What has become of a request's body that was not sent before the response began.
pub(crate) enum Unsent {
    /// It is still on its way.
    Upload(UploadTask),
    /// It was held back and will never be sent, so the peer can't see the request's end.
    Withheld,
}

impl ResponseBody {
    /// Of a request that has ended.
    pub(crate) fn whole(data: Bytes) -> Self {
        Self(Content::Whole(data))
    }

    pub(crate) fn open(stream: Stream, deadline: Deadline, claim: Claim) -> Self {
        let mut open = Open { stream, deadline, claim: Some(claim) };
        if open.stream.is_end() {
            open.complete();
        }
        Self(Content::Open(Box::new(open)))
    }

    /// What the response is the beginning of, if it is no message.
    pub(crate) fn into_tunnel(self) -> Option<(Tunnel, Claim)> {
        let Content::Open(open) = self.0 else { return None };
        match (open.stream, open.claim) {
            (Stream::Tunnel(tunnel), Some(claim)) => Some((tunnel, claim)),
            _ => None,
        }
    }
}

impl Open {
    fn complete(&mut self) {
        let Some(Claim { ticket, attempt, unsent }) = self.claim.take() else { return };
        match unsent {
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

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.claim.is_none() {
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
                let unsent = self.claim.as_mut().and_then(|claim| claim.unsent.as_mut());
                let Some(Unsent::Upload(upload)) = unsent else { return Poll::Pending };
                let error = ready!(upload.poll_failed(cx));
                Poll::Ready(self.fail(|claim| claim.ticket.broken(claim.attempt, Fault::body(error))))
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Content::Whole(data) if data.is_empty() => Poll::Ready(None),
            Content::Whole(data) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(data))))),
            Content::Open(open) => open.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(data) => data.is_empty(),
            Content::Open(open) => matches!(open.stream, Stream::Tunnel(_)) || open.stream.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(data) => SizeHint::with_exact(data.len() as u64),
            Content::Open(open) => open.stream.size_hint(),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, ended) = match &self.0 {
            Content::Whole(_) => ("memory", true),
            Content::Open(open) => (open.stream.name(), open.claim.is_none()),
        };
        f.debug_struct("ResponseBody").field("from", &from).field("ended", &ended).finish()
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
            Self::Http1 { body, first, .. } => first.is_none() && body.is_end_stream(),
            Self::Http2 { body, first, .. } => first.is_none() && body.is_end_stream(),
            Self::Gone => true,
            Self::Tunnel(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1 { body, first: Some(Ok(first)), .. } => {
                let left = body.size_hint().exact().unwrap_or(0); // Only where it was announced.
                SizeHint::with_exact(first.len() as u64 + left)
            }
            Self::Http1 { body, .. } => body.size_hint(),
            Self::Http2 { .. } if self.is_end() => SizeHint::with_exact(0),
            Self::Gone | Self::Tunnel(_) => SizeHint::with_exact(0),
            Self::Http2 { length: Length::Unknown, .. } => SizeHint::default(),
            Self::Http2 { length: Length::Left(left), .. } => SizeHint::with_exact(*left),
            Self::Http2 { length: Length::None, .. } => SizeHint::with_exact(0),
        }
    }

    /// Where it comes from, in words.
    fn name(&self) -> &'static str {
        match self {
            Self::Http1 { .. } => "HTTP/1.1",
            Self::Http2 { .. } => "HTTP/2",
            Self::Tunnel(_) => "a tunnel",
            Self::Gone => "nowhere",
        }
    }

    /// Takes the first of the data if they are here; they are returned if they are all: of a small response, the pool need not be
    /// told twice, and the connection's handle is needed no more. Asked once, before anything is read.
    pub(crate) fn take_whole(&mut self, cx: &mut Context<'_>) -> Option<Bytes> {
        match self {
            // What was announced has no trailers, so what comes first is data, or an error.
            Self::Http1 { body, announced: true, first, .. } => {
                if !body.is_end_stream() {
                    if let Poll::Ready(Some(next)) = Pin::new(&mut *body).poll_frame(cx) {
                        *first = next.map(|frame| frame.into_data().ok()).transpose();
                    }
                }
                if !body.is_end_stream() {
                    return None;
                }
                match first.take() {
                    Some(Ok(data)) => Some(data),
                    None => Some(Bytes::new()),
                    error @ Some(Err(_)) => {
                        *first = error;
                        None
                    }
                }
            }
            Self::Http2 { body, length, first, .. } => {
                if *length != Length::None {
                    // An error comes again to whoever reads.
                    if let Poll::Ready(Some(Ok(data))) = poll_data(body, cx) {
                        *first = Some(data);
                    }
                }
                body.is_end_stream().then(|| first.take().unwrap_or_default())
            }
            Self::Http1 { .. } | Self::Gone | Self::Tunnel(_) => None,
        }
    }

    /// What the head announced of its length counts; none of it was given yet.
    pub(crate) fn expect(&mut self, head: &HeaderMap) {
        if let Self::Http2 { length: length @ Length::Unknown, .. } = self {
            let announced = head.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
            *length = announced.map_or(Length::Unknown, Length::Left);
        }
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
