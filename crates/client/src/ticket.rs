//! A caller's claim on its request: as long as the ticket lives, the pool cares.
//!
//! Futures and bodies can be dropped at any point. Whoever holds the ticket need not think of it: a dropped ticket
//! tells the fact that the caller gave up, and the pool decides what that means. Invariant: a request that was
//! opened ends exactly once: completed, failed, or given up (promise P7). Next: [`crate::origin`].

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use http::{StatusCode, Version};
use outlive_core::{AttemptId, FailReason, Repeat, RequestId};

use crate::attempt::Attempt;
use crate::connection::http1::Persistence;
use crate::error::{Elapsed, Error, Phase};
use crate::origin::{News, Origin, Request};
use crate::outgoing::Outgoing;
use crate::sending::Fault;

/// An open request.
pub(crate) struct Ticket {
    origin: Arc<Origin>,
    /// `None` once the request has ended.
    request: Option<RequestId>,
}

impl Ticket {
    /// Opens a request, and says what became of it at once: with a warm connection it has been sent.
    pub(crate) fn open(
        origin: Arc<Origin>,
        mut request: Box<Request>,
        repeat: Repeat,
        timeout: Option<Duration>,
        waker: &Waker,
    ) -> (Self, News) {
        let id = origin.name_request();
        origin.propagate(id, request.head_mut());
        let news = origin.with(|ledger| {
            ledger.rouse(&origin.alarms, origin.alarm_name);
            ledger.open(id, request, repeat, timeout);
            ledger.look(id, waker)
        });
        (Self { origin, request: Some(id) }, news)
    }

    /// What is new; later news wake `waker`.
    pub(crate) fn look(&self, waker: &Waker) -> News {
        self.request.map_or(News::Nothing, |request| self.origin.with(|ledger| ledger.look(request, waker)))
    }

    /// The body, to be sent in `attempt`.
    pub(crate) fn take_body(&self, attempt: AttemptId) -> Option<Outgoing> {
        let request = self.request?;
        self.origin.with(|ledger| ledger.take_body(request, attempt))
    }

    /// The response's head arrived; `then` is what becomes of its connection. All that was sent, if it was more than this.
    pub(crate) fn answered(
        &self,
        attempt: AttemptId,
        line: (StatusCode, Version),
        then: Persistence,
    ) -> Option<Vec<Attempt>> {
        let request = self.request?;
        self.origin.with(|ledger| ledger.answered(request, attempt, line, then))
    }

    /// The same of a response that is here as a whole, and with it the request's end.
    pub(crate) fn exchanged(
        mut self,
        attempt: AttemptId,
        line: (StatusCode, Version),
    ) -> Option<Vec<Attempt>> {
        let request = self.request.take()?;
        let (attempts, ended) = self.origin.with(|ledger| ledger.exchanged(request, attempt, line));
        drop(ended);
        attempts
    }

    /// The attempt failed; what the pool makes of it is news.
    pub(crate) fn faulted(&self, attempt: AttemptId, fault: Fault) {
        if let Some(request) = self.request {
            self.origin.with(|ledger| ledger.faulted(request, attempt, fault));
        }
    }

    /// The response broke off after its head.
    pub(crate) fn broken(self, attempt: AttemptId, fault: Fault) -> Error {
        self.end_with(|ledger, request| {
            ledger.faulted(request, attempt, fault);
            let why = ledger.verdict(request).unwrap_or(FailReason::Failed);
            ledger.failure(request, why)
        })
    }

    /// The pool gave this verdict.
    pub(crate) fn failure(self, why: FailReason) -> Error {
        self.end_with(|ledger, request| ledger.failure(request, why))
    }

    /// The caller's timeout passed.
    pub(crate) fn timed_out(self, phase: Phase, elapsed: Elapsed) -> Error {
        self.end_with(|ledger, request| ledger.timed_out(request, phase, elapsed))
    }

    /// Request and response are complete.
    pub(crate) fn completed(mut self, attempt: AttemptId) {
        if let Some(request) = self.request.take() {
            drop(self.origin.with(|ledger| ledger.completed(request, attempt)));
        }
    }

    fn end_with(self, error: impl FnOnce(&mut crate::origin::Ledger, RequestId) -> Error) -> Error {
        match self.request {
            Some(request) => self.origin.with(|ledger| error(ledger, request)).at(&self.origin.name),
            None => Error::request("the request has ended already"),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            drop(self.origin.with(|ledger| ledger.give_up(request)));
        }
    }
}
