//! What [`crate::Client::request`] does: from a request to the head of its response.
//!
//! On a warm connection the first poll sends the request and the second has the answer; no task is in between.
//! Invariant: nothing happens before the first poll, and dropping the future at any point is safe: its ticket
//! tells the pool. Next: [`crate::response_body`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Response;
use http::header::CONTENT_LENGTH;
use outlive_core::AttemptId;

use crate::connection::http1::keeps_alive;
use crate::deadline::Deadline;
use crate::error::{Error, Phase};
use crate::head::Head;
use crate::origin::{News, Origin};
use crate::outgoing::Outgoing;
use crate::response_body::{Claim, ResponseBody, Stream};
use crate::sending::{Answer, Sending};
use crate::ticket::Ticket;
use crate::upload_task::UploadTask;

/// The future of a response. Dropping it gives the request up.
#[must_use = "nothing is sent before it is polled"]
pub struct ResponseFuture(Stage);

/// How far the request has come.
enum Stage {
    /// It can't be sent.
    Refused(Error),
    /// Not polled yet.
    New(Wish),
    /// Told to the pool; not sent, or to be sent again.
    Waiting(Ticket, Deadline),
    /// Sent.
    Sent(Ticket, Deadline, Sending),
    Over,
}

/// A request that nobody knows of yet.
pub(crate) struct Wish {
    pub(crate) origin: Arc<Origin>,
    pub(crate) head: Head,
    pub(crate) body: Outgoing,
    pub(crate) timeout: Option<Duration>,
}

impl ResponseFuture {
    pub(crate) fn new(wish: Result<Wish, Error>) -> Self {
        Self(wish.map_or_else(Stage::Refused, Stage::New))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            self.0 = match std::mem::replace(&mut self.0, Stage::Over) {
                Stage::Refused(error) => return Poll::Ready(Err(error)),
                Stage::New(wish) => match wish.open(cx.waker()) {
                    Ok(stage) => stage,
                    Err(error) => return Poll::Ready(Err(error)),
                },
                Stage::Waiting(ticket, mut deadline) => match ticket.look(cx.waker()) {
                    News::Failed(error) => return Poll::Ready(Err(error)),
                    News::Sent(sending) => Stage::Sent(ticket, deadline, sending),
                    News::Nothing => {
                        if deadline.poll_passed(cx).is_ready() {
                            return Poll::Ready(Err(ticket.timed_out(Phase::Connection)));
                        }
                        self.0 = Stage::Waiting(ticket, deadline);
                        return Poll::Pending;
                    }
                },
                Stage::Sent(ticket, mut deadline, mut sending) => {
                    let attempt = sending.attempt;
                    match sending.poll(cx, || ticket.take_body(attempt)) {
                        Poll::Ready(Ok(answer)) => {
                            return Poll::Ready(Ok(receive(ticket, deadline, attempt, answer)));
                        }
                        Poll::Ready(Err(fault)) => match ticket.faulted(attempt, fault, cx.waker()) {
                            News::Failed(error) => return Poll::Ready(Err(error)),
                            News::Sent(again) => Stage::Sent(ticket, deadline, again),
                            News::Nothing => Stage::Waiting(ticket, deadline),
                        },
                        Poll::Pending => {
                            if deadline.poll_passed(cx).is_ready() {
                                return Poll::Ready(Err(ticket.timed_out(Phase::Response)));
                            }
                            self.0 = Stage::Sent(ticket, deadline, sending);
                            return Poll::Pending;
                        }
                    }
                }
                Stage::Over => panic!("a ResponseFuture was polled after it had ended"),
            }
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.0 {
            Stage::Refused(_) => "refused",
            Stage::New(_) => "new",
            Stage::Waiting(..) => "waiting",
            Stage::Sent(..) => "sent",
            Stage::Over => "over",
        };
        f.debug_tuple("ResponseFuture").field(&stage).finish()
    }
}

impl Wish {
    /// Tells the pool.
    fn open(self, waker: &Waker) -> Result<Stage, Error> {
        let Self { origin, head, body, timeout } = self;
        let (ticket, news) = Ticket::open(origin, head, body, timeout, waker);
        let deadline = Deadline::after(timeout);
        match news {
            News::Failed(error) => Err(error),
            News::Sent(sending) => Ok(Stage::Sent(ticket, deadline, sending)),
            News::Nothing => Ok(Stage::Waiting(ticket, deadline)),
        }
    }
}

fn receive(ticket: Ticket, deadline: Deadline, attempt: AttemptId, answer: Answer) -> Response<ResponseBody> {
    match answer {
        Answer::Http1(response) => {
            ticket.answered(attempt, !keeps_alive(&response));
            let claim = Claim { ticket, attempt, upload: None };
            response.map(|body| ResponseBody::new(Stream::Http1(body), deadline, claim))
        }
        Answer::Http2(response, upload) => {
            ticket.answered(attempt, false);
            let upload = upload.map(|upload| UploadTask::spawn(upload, ticket.take_body(attempt)));
            let length =
                response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
            let claim = Claim { ticket, attempt, upload };
            response.map(|body| ResponseBody::new(Stream::Http2(body, length), deadline, claim))
        }
    }
}
