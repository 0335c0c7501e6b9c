//! A request's body over HTTP/2: sent as fast as the peer's windows allow, and no faster.
//!
//! Invariant: the body is asked for data only when there is room to send some, and is given away only once its
//! stream has room; until then the request is whole (promise P4). Next: [`crate::sending`], which polls it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;
use http_body::Body as _;

use crate::outgoing::{BoxError, Outgoing};

/// The sending half of a stream, and the body that goes there.
pub(crate) struct Upload {
    stream: SendStream<Bytes>,
    stage: Stage,
    /// Data that found no room yet.
    chunk: Bytes,
}

enum Stage {
    /// The request still has its body.
    Held,
    Open(Outgoing),
    /// The chunk is the last.
    Ending,
}

impl Upload {
    pub(crate) fn new(stream: SendStream<Bytes>) -> Self {
        Self { stream, stage: Stage::Held, chunk: Bytes::new() }
    }

    /// Sends what there is room for. Ready when nothing is left to do: all was sent, or the stream has closed, of
    /// which the response tells. An error is the body's own. `body` gives the body away, when it is time; `None`
    /// if the request has no use for this attempt any more.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        body: impl FnOnce() -> Option<Outgoing>,
    ) -> Poll<Result<(), BoxError>> {
        if let Stage::Held = self.stage {
            if ready!(self.poll_room(1, cx)) == 0 {
                return Poll::Ready(Ok(()));
            }
            let Some(body) = body() else { return Poll::Ready(Ok(())) };
            self.stage = Stage::Open(body);
        }
        loop {
            if !self.chunk.is_empty() {
                let room = ready!(self.poll_room(self.chunk.len(), cx));
                let part = self.chunk.split_to(room.min(self.chunk.len()));
                let end = self.chunk.is_empty() && matches!(self.stage, Stage::Ending);
                if room == 0 || self.stream.send_data(part, end).is_err() || end {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            let Stage::Open(body) = &mut self.stage else {
                _ = self.stream.send_data(Bytes::new(), true);
                return Poll::Ready(Ok(()));
            };
            let Poll::Ready(frame) = poll_body(&mut self.stream, body, cx) else { return Poll::Pending };
            match frame.transpose()?.map(|frame| frame.into_data().map_err(http_body::Frame::into_trailers)) {
                Some(Ok(data)) => {
                    if body.is_end_stream() {
                        self.stage = Stage::Ending;
                    }
                    self.chunk = data;
                }
                Some(Err(Ok(trailers))) => {
                    _ = self.stream.send_trailers(trailers);
                    return Poll::Ready(Ok(()));
                }
                Some(Err(Err(_unknown))) => {}
                None => self.stage = Stage::Ending,
            }
        }
    }

    fn poll_room(&mut self, wanted: usize, cx: &mut Context<'_>) -> Poll<usize> {
        poll_room(&mut self.stream, wanted, cx)
    }
}

/// The body's next frame, once there is room for it. A body that is silent on a closed stream has ended.
fn poll_body(
    stream: &mut SendStream<Bytes>,
    body: &mut Outgoing,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
    if ready!(poll_room(stream, 1, cx)) == 0 {
        return Poll::Ready(None);
    }
    match Pin::new(body).poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(frame),
        Poll::Pending => stream.poll_reset(cx).map(|_| None),
    }
}

/// How much of `wanted` can be sent now: at least one byte, or zero if the stream has closed.
pub(crate) fn poll_room(stream: &mut SendStream<Bytes>, wanted: usize, cx: &mut Context<'_>) -> Poll<usize> {
    stream.reserve_capacity(wanted);
    loop {
        if stream.capacity() > 0 {
            return Poll::Ready(stream.capacity());
        }
        match ready!(stream.poll_capacity(cx)) {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Poll::Ready(0),
        }
    }
}
