//! What [`crate::Client::request`] does: from a request to the head of its response.
//!
//! On a warm connection the first poll sends the request and the second has the answer; no task is in between.
//! Invariant: nothing happens before the first poll, and dropping the future at any point is safe: its ticket
//! tells the pool. Next: [`crate::response_body`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use outlive_core::{AttemptId, FailReason, Repeat};

use crate::attempt::Attempts;
use crate::connection::http1::{Persistence, persistence};
use crate::deadline::Deadline;
use crate::error::{Elapsed, Error, Phase};
use crate::informational::OnInformational;
use crate::origin::{Few, News, Origin, Request};
use crate::response_body::{Claim, Length, ResponseBody, Stream, Unsent};
use crate::sending::{Answer, Rest, Sending};
use crate::ticket::Ticket;
use crate::upgrade::Tunnel;
use crate::upload_task::UploadTask;
use crate::vet::Ask;

/// The future of a response. Dropping it gives the request up.
#[must_use = "nothing is sent before it is polled"]
pub struct ResponseFuture {
    // Before what follows it: a ticket that is dropped tells the pool.
    stage: Stage,
    wait: Wait,
}

/// How far the request has come.
enum Stage {
    /// It can't be sent.
    Refused(Error),
    /// Not polled yet: nobody knows of it.
    New {
        origin: Arc<Origin>,
        request: Box<Request>,
        repeat: Repeat,
    },
    /// Told to the pool.
    Open(Ticket),
    Over,
}

/// What its caller waits for, and how.
struct Wait {
    deadline: Deadline,
    /// The attempts that are out, oldest first; with none, it waits for a connection.
    sendings: Few<Sending>,
    manner: Manner,
}

/// A request that nobody knows of yet.
pub(crate) struct Wish {
    pub(crate) origin: Arc<Origin>,
    pub(crate) request: Box<Request>,
    pub(crate) repeat: Repeat,
    pub(crate) deadline: Deadline,
    pub(crate) manner: Manner,
}

/// How its caller wants it sent, and answered.
#[derive(Default)]
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

impl ResponseFuture {
    pub(crate) fn new(wish: Result<Wish, Error>) -> Self {
        let (stage, deadline, manner) = match wish {
            Ok(Wish { origin, request, repeat, deadline, manner }) => {
                (Stage::New { origin, request, repeat }, deadline, manner)
            }
            Err(error) => (Stage::Refused(error), Deadline::default(), Manner::default()),
        };
        Self { stage, wait: Wait { deadline, sendings: Few::new(), manner } }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // It is polled where it is: what is waited for is large, and stays.
        let Self { stage, wait } = &mut *self;
        let news = match stage {
            Stage::Open(_) => None,
            Stage::New { .. } | Stage::Refused(_) | Stage::Over => {
                match std::mem::replace(stage, Stage::Over) {
                    Stage::New { origin, request, repeat } => {
                        let patience = wait.deadline.begin();
                        let (ticket, news) = Ticket::open(origin, request, repeat, patience, cx.waker());
                        *stage = Stage::Open(ticket);
                        Some(news)
                    }
                    Stage::Refused(error) => return Poll::Ready(Err(error)),
                    Stage::Open(_) | Stage::Over => {
                        panic!("a ResponseFuture was polled after it had ended")
                    }
                }
            }
        };
        let Stage::Open(ticket) = stage else { return Poll::Pending };
        let end = ready!(wait.poll(ticket, news, cx));
        let Stage::Open(ticket) = std::mem::replace(stage, Stage::Over) else { return Poll::Pending };
        let error = match end {
            End::Won(winner) => return Poll::Ready(Ok(wait.receive(ticket, winner, cx))),
            End::Failed(why) => ticket.failure(why),
            End::Passed(phase, elapsed) => ticket.timed_out(phase, elapsed),
        };
        wait.end();
        Poll::Ready(Err(error))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Refused(_) => "refused",
            Stage::New { .. } => "new",
            Stage::Open(_) if self.wait.sendings.is_empty() => "waiting",
            Stage::Open(_) => "sent",
            Stage::Over => "over",
        };
        f.debug_tuple("ResponseFuture").field(&stage).finish()
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

impl Wait {
    /// Follows what is new until nothing is. `news` is what is known already; without, the attempts are looked at first.
    fn poll(&mut self, ticket: &Ticket, mut news: Option<News>, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let (verdict, is_more_known) = match news {
                None => (None, true),
                Some(News::Sent(sending, more)) => {
                    self.follow(sending);
                    (None, more)
                }
                // An answer may have come after it was looked for, and before its connection's end: it counts.
                Some(News::Failed(why)) => (Some(why), false),
                Some(News::Nothing) => break,
            };
            match (self.poll_sendings(ticket, cx), verdict) {
                (Poll::Ready(Some(winner)), _) => return Poll::Ready(End::Won(winner)),
                (Poll::Ready(None) | Poll::Pending, Some(why)) => return Poll::Ready(End::Failed(why)),
                // All was looked at; whatever comes wakes this task.
                (Poll::Pending, None) if !is_more_known => break,
                (Poll::Ready(None) | Poll::Pending, None) => news = Some(ticket.look(cx.waker())),
            }
        }
        let elapsed = ready!(self.deadline.poll_passed(cx));
        let phase = if self.sendings.is_empty() { Phase::Connection } else { Phase::Response };
        Poll::Ready(End::Passed(phase, elapsed))
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
    fn poll_sendings(&mut self, ticket: &Ticket, cx: &mut Context<'_>) -> Poll<Option<Winner>> {
        let mut failed = false;
        let mut place = 0;
        while let Some(sending) = self.sendings.get_mut(place) {
            let attempt = sending.attempt;
            let tell = |response: &Response<()>| {
                if let Some(told) = self.manner.interim.as_ref().and_then(|interim| interim.told.as_ref()) {
                    told.tell(response);
                }
            };
            match sending.poll(cx, || ticket.take_body(attempt), tell) {
                Poll::Pending => place += 1,
                Poll::Ready(Ok(answer)) => return Poll::Ready(Some((attempt, answer))),
                Poll::Ready(Err(fault)) => {
                    self.sendings.remove(place);
                    if self.sendings.is_empty() {
                        self.deadline.enter_connection();
                    }
                    ticket.faulted(attempt, fault);
                    failed = true;
                }
            }
        }
        if failed { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Its future may be kept, but not what it waited with: h2 resets no stream of which anyone has a handle.
    fn end(&mut self) {
        self.sendings.clear();
        self.deadline = Deadline::default();
        self.manner.interim = None;
    }

    /// The answer as its caller gets it. The other attempts are the pool's from here on.
    fn receive(
        &mut self,
        ticket: Ticket,
        (attempt, answer): Winner,
        cx: &mut Context<'_>,
    ) -> Response<ResponseBody> {
        let mut deadline = std::mem::take(&mut self.deadline);
        self.end();
        deadline.enter_body();
        let Answer { head, rest, most_fields, withheld } = answer;
        let line = (head.status, head.version);
        let (mut stream, upload, then) = match rest {
            Rest::Http1(body, gauge) => (Stream::http1(body, gauge), None, persistence(&head)),
            Rest::Http2(body, upload) => {
                let excludes_content = self.manner.ask.excludes_content(head.status);
                let length = if excludes_content { Length::None } else { Length::Unknown };
                (Stream::http2(body, length, most_fields), upload, Persistence::Stays)
            }
            Rest::Tunnel(tunnel) => {
                let then = match &tunnel {
                    Tunnel::Http1(_) => Persistence::Ends,
                    Tunnel::Http2(..) => Persistence::Stays,
                };
                (Stream::Tunnel(tunnel), None, then)
            }
        };
        let may_be_whole = upload.is_none() && !withheld && then == Persistence::Stays;
        let whole = if may_be_whole { stream.take_whole(cx) } else { None };
        let (attempts, body) = match whole {
            Some(data) => {
                drop(stream);
                (ticket.exchanged(attempt, line), ResponseBody::whole(data))
            }
            None => {
                stream.expect(&head.headers);
                let attempts = ticket.answered(attempt, line, then);
                let unsent = match upload {
                    Some(upload) => {
                        Some(Unsent::Upload(UploadTask::spawn(*upload, ticket.take_body(attempt))))
                    }
                    None => withheld.then_some(Unsent::Withheld),
                };
                let claim = Claim { ticket, attempt, unsent };
                (attempts, ResponseBody::open(stream, deadline, claim))
            }
        };
        let mut response = Response::from_parts(head, body);
        if let Some(attempts) = attempts {
            response.extensions_mut().insert(Attempts(attempts));
        }
        response
    }
}
