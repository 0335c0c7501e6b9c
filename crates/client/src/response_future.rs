//! What [`crate::Client::request`] does: from a request to the head of its response.
//!
//! On a warm connection the first poll sends the request and the second has the answer; no task is in between.
//! Invariant: nothing happens before the first poll, and dropping the future at any point is safe: its ticket
//! tells the pool. Next: [`crate::response_body`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response};
use outlive_core::{AttemptId, FailReason, Repeat};

use crate::attempt::Attempts;
use crate::connection::http1::{Persistence, persistence};
use crate::deadline::{Deadline, Timeouts};
use crate::error::{Elapsed, Error, Phase};
use crate::informational::OnInformational;
use crate::origin::{Few, News, Origin, Request};
use crate::response_body::{Claim, Length, ResponseBody, Stream, Unsent};
use crate::sending::{Answer, Message, Sending};
use crate::ticket::Ticket;
use crate::upgrade::Tunnel;
use crate::upload_task::UploadTask;
use crate::vet::Ask;

/// The future of a response. Dropping it gives the request up.
#[must_use = "nothing is sent before it is polled"]
pub struct ResponseFuture(Stage);

/// How far the request has come.
enum Stage {
    /// It can't be sent.
    Refused(Error),
    /// Not polled yet.
    New(Wish),
    /// Told to the pool.
    Open(Open),
    Over,
}

/// A request that nobody knows of yet.
pub(crate) struct Wish {
    pub(crate) origin: Arc<Origin>,
    pub(crate) request: Box<Request>,
    pub(crate) timeouts: Timeouts,
    pub(crate) repeat: Repeat,
    pub(crate) manner: Manner,
}

/// How its caller wants it sent, and answered.
pub(crate) struct Manner {
    pub(crate) ask: Ask,
    /// Boxed: it is rare.
    pub(crate) interim: Option<Box<Interim>>,
}

/// What its caller makes of responses before the response.
pub(crate) struct Interim {
    /// How long its body waits for `100 Continue`, if it does.
    pub(crate) hold: Option<Duration>,
    pub(crate) told: Option<OnInformational>,
}

/// A request that the pool knows of.
struct Open {
    ticket: Ticket,
    deadline: Deadline,
    /// The attempts that are out, oldest first; with none, it waits for a connection.
    sendings: Few<Sending>,
    manner: Manner,
}

impl ResponseFuture {
    pub(crate) fn new(wish: Result<Wish, Error>) -> Self {
        Self(wish.map_or_else(Stage::Refused, Stage::New))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // It is polled where it is: an open request is large, and is moved once, when it ends.
        let end = match &mut self.0 {
            Stage::Open(open) => ready!(open.poll(cx)),
            Stage::New(_) | Stage::Refused(_) | Stage::Over => {
                let (open, news) = match std::mem::replace(&mut self.0, Stage::Over) {
                    Stage::Refused(error) => return Poll::Ready(Err(error)),
                    Stage::New(wish) => wish.open(cx.waker()),
                    Stage::Open(_) | Stage::Over => {
                        panic!("a ResponseFuture was polled after it had ended")
                    }
                };
                self.0 = Stage::Open(open);
                let Stage::Open(open) = &mut self.0 else { return Poll::Pending };
                ready!(open.hear(news, cx))
            }
        };
        let Stage::Open(open) = std::mem::replace(&mut self.0, Stage::Over) else { return Poll::Pending };
        Poll::Ready(match end {
            End::Won(winner) => Ok(open.receive(winner, cx)),
            End::Failed(why) => Err(open.ticket.failure(why)),
            End::Passed(phase, elapsed) => Err(open.ticket.timed_out(phase, elapsed)),
        })
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.0 {
            Stage::Refused(_) => "refused",
            Stage::New(_) => "new",
            Stage::Open(open) if open.sendings.is_empty() => "waiting",
            Stage::Open(_) => "sent",
            Stage::Over => "over",
        };
        f.debug_tuple("ResponseFuture").field(&stage).finish()
    }
}

impl Wish {
    /// Tells the pool.
    fn open(self, waker: &Waker) -> (Open, News) {
        let Self { origin, request, timeouts, repeat, manner } = self;
        let (ticket, news) = Ticket::open(origin, request, repeat, timeouts.patience(), waker);
        let mut deadline = Deadline::new(timeouts);
        deadline.enter_connection();
        (Open { ticket, deadline, sendings: Few::new(), manner }, news)
    }
}

/// An attempt, and its answer.
type Winner = (AttemptId, Answer);

/// How the wait for an answer ends.
enum End {
    Won(Winner),
    Failed(FailReason),
    /// The caller's limit of this phase.
    Passed(Phase, Elapsed),
}

impl Open {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        match self.poll_sendings(cx) {
            Poll::Ready(Some(winner)) => Poll::Ready(End::Won(winner)),
            Poll::Ready(None) | Poll::Pending => {
                let news = self.ticket.look(cx.waker());
                self.hear(news, cx)
            }
        }
    }

    /// Follows what is new until nothing is.
    fn hear(&mut self, mut news: News, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let is_more_known = match news {
                News::Failed(why) => {
                    // An answer may have come after it was looked for, and before its connection's end: it counts.
                    return Poll::Ready(match self.poll_sendings(cx) {
                        Poll::Ready(Some(winner)) => End::Won(winner),
                        Poll::Ready(None) | Poll::Pending => End::Failed(why),
                    });
                }
                News::Sent(sending, more) => {
                    self.follow(sending);
                    more
                }
                News::Nothing => {
                    let elapsed = ready!(self.deadline.poll_passed(cx));
                    let phase = if self.sendings.is_empty() { Phase::Connection } else { Phase::Response };
                    return Poll::Ready(End::Passed(phase, elapsed));
                }
            };
            news = match self.poll_sendings(cx) {
                Poll::Ready(Some(winner)) => return Poll::Ready(End::Won(winner)),
                Poll::Ready(None) => self.ticket.look(cx.waker()),
                Poll::Pending if is_more_known => self.ticket.look(cx.waker()),
                // All was looked at; whatever comes wakes this task.
                Poll::Pending => News::Nothing,
            };
        }
    }

    fn follow(&mut self, mut sending: Sending) {
        if self.sendings.is_empty() {
            self.deadline.enter_response();
        }
        if let Some(wait) = self.manner.interim.as_ref().and_then(|interim| interim.hold) {
            sending.hold(wait);
        }
        self.sendings.push(sending);
    }

    /// Polls all attempts. Ready with the first answer, or with `None` when one has failed, which makes news.
    fn poll_sendings(&mut self, cx: &mut Context<'_>) -> Poll<Option<Winner>> {
        let mut failed = false;
        let mut place = 0;
        while let Some(sending) = self.sendings.get_mut(place) {
            let attempt = sending.attempt;
            let tell = |response: &Response<()>| {
                if let Some(told) = self.manner.interim.as_ref().and_then(|interim| interim.told.as_ref()) {
                    told.tell(response);
                }
            };
            match sending.poll(cx, || self.ticket.take_body(attempt), tell) {
                Poll::Pending => place += 1,
                Poll::Ready(Ok(answer)) => return Poll::Ready(Some((attempt, answer))),
                Poll::Ready(Err(fault)) => {
                    self.sendings.remove(place);
                    if self.sendings.is_empty() {
                        self.deadline.enter_connection();
                    }
                    self.ticket.faulted(attempt, fault);
                    failed = true;
                }
            }
        }
        if failed { Poll::Ready(None) } else { Poll::Pending }
    }

    /// The answer as its caller gets it. The other attempts are the pool's from here on.
    fn receive(self, (attempt, answer): Winner, cx: &mut Context<'_>) -> Response<ResponseBody> {
        let Self { ticket, mut deadline, sendings, manner } = self;
        drop(sendings);
        deadline.enter_body();
        let Answer { message, most_fields, withheld } = answer;
        let line = message.line();
        let (response, upload, then, is_whole) = match message {
            Message::Http1(response, gauge) => {
                let then = persistence(&response);
                let mut response = response.map(|body| Stream::http1(body, gauge));
                let stays = then == Persistence::Stays && !withheld;
                let is_whole = stays && response.body_mut().is_whole(cx);
                (response, None, then, is_whole)
            }
            Message::Tunnel(response, tunnel) => {
                let then = match &tunnel {
                    Tunnel::Http1(_) => Persistence::Ends,
                    Tunnel::Http2(..) => Persistence::Stays,
                };
                (response.map(|()| Stream::Tunnel(tunnel)), None, then, false)
            }
            Message::Http2(response, upload) => {
                let length = if manner.ask.excludes_content(response.status()) {
                    Length::None
                } else {
                    Length::Unknown
                };
                let mut response = response.map(|body| Stream::http2(body, length, most_fields));
                let is_whole = upload.is_none() && !withheld && response.body_mut().is_whole(cx);
                if !is_whole {
                    let announced = announced_length(response.headers());
                    response.body_mut().expect(announced);
                }
                (response, upload, Persistence::Stays, is_whole)
            }
        };
        let (attempts, claim) = if is_whole {
            (ticket.exchanged(attempt, line), None)
        } else {
            let attempts = ticket.answered(attempt, line, then);
            let unsent = match upload {
                Some(upload) => Some(Unsent::Upload(UploadTask::spawn(*upload, ticket.take_body(attempt)))),
                None => withheld.then_some(Unsent::Withheld),
            };
            (attempts, Some(Claim { ticket, attempt, unsent: unsent.map(Box::new) }))
        };
        let mut response = response.map(|stream| ResponseBody::new(stream, deadline, claim));
        if let Some(attempts) = attempts {
            response.extensions_mut().insert(Attempts(attempts));
        }
        response
    }
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
