//! One request in the origin's table: what is needed to send it again, and to tell how it went.
//!
//! Invariant: as long as its body is untouched it can be sent (again), and only this entry knows whether it is
//! (promise P4). Next: [`super::ledger`].

use std::task::Waker;

use outlive_core::{AttemptId, FailReason};

use super::Aftermath;
use crate::error::{Attempt, ErrorKind, Fate, Sent, Source};
use crate::head::Head;
use crate::outgoing::{BoxError, Outgoing};
use crate::sending::Sending;

/// A request whose future (or response body) is alive.
pub(crate) struct Request {
    pub(super) head: Head,
    pub(super) body: Outgoing,
    /// Whom to wake with the next news; nobody while its future is running.
    waker: Option<Waker>,
    /// Its latest attempt, if that has not failed.
    pub(super) current: Option<(AttemptId, Attempt)>,
    /// The means to follow the attempt, until the request's future picks them up.
    pub(super) sending: Option<Sending>,
    pub(super) verdict: Option<FailReason>,
    earlier: Vec<Attempt>,
    /// The last error that the glue saw for it.
    seen: Option<(ErrorKind, Option<Source>)>,
}

impl Request {
    pub(super) fn new(head: Head, body: Outgoing) -> Self {
        Self {
            head,
            body,
            waker: None,
            current: None,
            sending: None,
            verdict: None,
            earlier: Vec::new(),
            seen: None,
        }
    }

    /// Has `waker` woken with the next news.
    pub(super) fn await_news(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Gives the news to its future.
    pub(super) fn wake(&mut self, aftermath: &mut Aftermath) {
        aftermath.wakers.extend(self.waker.take());
    }

    /// Notes an error that the glue saw for it.
    pub(super) fn saw(&mut self, kind: ErrorKind, source: Option<Source>) {
        self.seen = Some((kind, source));
    }

    /// Notes an error of an attempt whose connection was closed before: what was noted then says more.
    pub(super) fn heard_echo(&mut self, kind: ErrorKind, source: BoxError) {
        let (known, cause) = self.seen.take().unwrap_or((kind, None));
        self.seen = Some((known, cause.or(Some(Source::Own(source)))));
    }

    pub(super) fn take_seen(&mut self) -> (Option<ErrorKind>, Option<Source>) {
        self.seen.take().map_or((None, None), |(kind, source)| (Some(kind), source))
    }

    pub(super) fn is_current(&self, attempt: AttemptId) -> bool {
        self.current.as_ref().is_some_and(|(current, _)| *current == attempt)
    }

    /// The current attempt is over.
    pub(super) fn retire(&mut self, fate: Fate) {
        self.sending = None;
        if let Some((_, mut attempt)) = self.current.take() {
            attempt.fate = fate;
            self.earlier.push(attempt);
        }
    }

    /// All attempts, and whether one of them may have been processed.
    pub(super) fn history(&mut self) -> (Vec<Attempt>, Sent) {
        let mut attempts = std::mem::take(&mut self.earlier);
        attempts.extend(self.current.take().map(|(_, attempt)| attempt));
        let never = attempts.iter().all(|attempt| attempt.fate == Fate::Refused);
        (attempts, if never { Sent::Never } else { Sent::Maybe })
    }
}
