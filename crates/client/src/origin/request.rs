//! One request in the origin's table: what is needed to send it again, and to tell how it went.
//!
//! Invariant: as long as its body is untouched or repeatable it can be sent (again), and only this entry knows whether it
//! is (promise P4). Next: [`super::ledger`].

use std::task::Waker;

use http::request::Parts;
use http::{StatusCode, Version};
use outlive_core::{AttemptId, ConnectionId, FailReason, IdMap, Time};
use smallvec::SmallVec;

use super::Aftermath;
use crate::attempt::{Attempt, Fate};
use crate::connection::Connection;
use crate::error::{ErrorKind, Sent, Source};
use crate::head::Head;
use crate::outgoing::{BoxError, Outgoing};
use crate::sending::Sending;

/// Nearly all requests are out once.
pub(crate) type Few<T> = SmallVec<[T; 1]>;

/// A request whose future (or response body) is alive.
pub(crate) struct Request {
    pub(super) head: Head,
    pub(super) body: Outgoing,
    /// Whom to wake with the next news; nobody while its future is running.
    waker: Option<Waker>,
    /// Its attempts that have not failed, oldest first.
    outs: Few<(AttemptId, Attempt)>,
    /// The means to follow them, until the request's future picks them up.
    sendings: Few<Sending>,
    pub(super) verdict: Option<FailReason>,
    /// When the pool was told of it.
    pub(super) opened: Time,
    /// How often it was sent.
    pub(super) sent: u32,
    /// The first line of its response.
    pub(super) answer: Option<(StatusCode, Version)>,
    ending: Ending,
    /// Boxed: it is rare.
    trouble: Option<Box<Trouble>>,
}

/// What went wrong with a request.
#[derive(Default)]
struct Trouble {
    /// Its attempts that have failed.
    earlier: Vec<(AttemptId, Attempt)>,
    /// The last error that the glue saw for it.
    seen: Option<(ErrorKind, Option<Source>)>,
}

/// Whether its caller was told how it ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Open,
    Told,
}

impl Request {
    /// Or what is wrong with it. Boxed at once: it is large, and goes from hand to hand.
    pub(crate) fn new(parts: Parts, body: Outgoing) -> Result<Box<Self>, &'static str> {
        let Parts { method, uri, headers, extensions, .. } = parts;
        let mut request = Box::new(Self {
            head: Head::new(method, uri, headers),
            body,
            waker: None,
            outs: Few::new(),
            sendings: Few::new(),
            verdict: None,
            opened: Time::ZERO,
            sent: 0,
            answer: None,
            ending: Ending::Open,
            trouble: None,
        });
        request.head.put_in_order(&extensions, &request.body)?;
        Ok(request)
    }

    /// Has `waker` woken with the next news. The one that was to be woken before is foreign: drop it when the lock is free.
    #[must_use]
    pub(super) fn await_news(&mut self, waker: &Waker) -> Option<Waker> {
        match &self.waker {
            Some(known) if known.will_wake(waker) => None,
            Some(_) | None => self.waker.replace(waker.clone()),
        }
    }

    /// Gives the news to its future.
    pub(super) fn wake(&mut self, aftermath: &mut Aftermath) {
        aftermath.wakers.extend(self.waker.take());
    }

    /// Notes an error that the glue saw for it.
    pub(super) fn saw(&mut self, kind: ErrorKind, source: Option<Source>) {
        self.trouble().seen = Some((kind, source));
    }

    /// Notes an error of an attempt whose connection was closed before: what was noted then says more.
    pub(super) fn heard_echo(&mut self, kind: ErrorKind, source: BoxError) {
        let (known, cause) = self.trouble().seen.take().unwrap_or((kind, None));
        self.saw(known, cause.or(Some(Source::Own(source))));
    }

    pub(super) fn take_seen(&mut self) -> (Option<ErrorKind>, Option<Source>) {
        let seen = self.trouble.as_mut().and_then(|trouble| trouble.seen.take());
        seen.map_or((None, None), |(kind, source)| (Some(kind), source))
    }

    fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    fn earlier(&self) -> &[(AttemptId, Attempt)] {
        self.trouble.as_ref().map_or(&[], |trouble| &trouble.earlier)
    }

    /// It is out once more.
    pub(super) fn sent(&mut self, id: AttemptId, attempt: Attempt, sending: Sending) {
        self.sent += 1;
        self.outs.push((id, attempt));
        self.sendings.push(sending);
    }

    /// What was sent and its future does not know of yet.
    pub(super) fn take_sending(&mut self) -> Option<Sending> {
        if self.sendings.is_empty() { None } else { Some(self.sendings.remove(0)) }
    }

    /// Whether there is more of that.
    pub(super) fn has_sendings(&self) -> bool {
        !self.sendings.is_empty()
    }

    pub(super) fn is_out(&self, attempt: AttemptId) -> bool {
        self.outs.iter().any(|(out, _)| *out == attempt)
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Its head, as long as nobody knows of it.
    pub(crate) fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    pub(super) fn outs(&self) -> impl Iterator<Item = AttemptId> + '_ {
        self.outs.iter().map(|(out, _)| *out)
    }

    /// Its caller is told how it ended.
    pub(super) fn ends_told(&mut self) {
        self.ending = Ending::Told;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ending == Ending::Told
    }

    /// Whether it was sent once and nothing went wrong.
    pub(super) fn is_simple(&self) -> bool {
        self.outs.len() + self.earlier().len() == 1
    }

    /// Notes of the attempts that are out what is known of their connections.
    pub(super) fn testify(&mut self, connections: &IdMap<ConnectionId, Box<Connection>>, now: Time) {
        for (_, attempt) in &mut self.outs {
            if let Some(entry) = connections.get(&ConnectionId(attempt.connection)) {
                attempt.testimony = Some(Box::new(entry.testimony(now)));
            }
        }
    }

    /// This attempt is over. Of one whose connection ended, the answer may have come before that.
    pub(super) fn retire(&mut self, id: AttemptId, fate: Fate) {
        self.sendings.retain(|sending| sending.attempt != id || fate == Fate::Lost);
        if let Some(place) = self.outs.iter().position(|(out, _)| *out == id) {
            let (_, mut attempt) = self.outs.remove(place);
            attempt.fate = fate;
            self.trouble().earlier.push((id, attempt));
        }
    }

    /// This attempt brought the answer; the others are left behind. All of them, if there were several.
    pub(super) fn won(&mut self, winner: AttemptId) -> Option<Vec<Attempt>> {
        self.sendings.clear();
        let was_simple = self.is_simple();
        for (_, attempt) in &mut self.outs {
            attempt.fate = Fate::LeftBehind;
        }
        // It may be one whose connection has ended since.
        if let Some((_, attempt)) = self.all_mut().find(|(id, _)| *id == winner) {
            attempt.fate = Fate::Answered;
        }
        if was_simple {
            return None;
        }
        Some(self.all_mut().map(|(_, attempt)| attempt.clone()).collect())
    }

    /// All attempts, in the order in which they ended, then were sent.
    fn all_mut(&mut self) -> impl Iterator<Item = &mut (AttemptId, Attempt)> {
        self.trouble.iter_mut().flat_map(|trouble| &mut trouble.earlier).chain(&mut self.outs)
    }

    /// The connection of one of its attempts that has ended.
    pub(super) fn connection_of(&self, id: AttemptId) -> Option<ConnectionId> {
        let (_, attempt) = self.earlier().iter().find(|(earlier, _)| *earlier == id)?;
        Some(ConnectionId(attempt.connection))
    }

    /// All attempts, and whether one of them may have been processed.
    pub(super) fn history(&mut self) -> (Vec<Attempt>, Sent) {
        let earlier =
            self.trouble.as_mut().map_or(Vec::new(), |trouble| std::mem::take(&mut trouble.earlier));
        let attempts = earlier.into_iter().chain(self.outs.drain(..));
        let attempts: Vec<_> = attempts.map(|(_, attempt)| attempt).collect();
        let never = attempts.iter().all(|attempt| attempt.fate == Fate::Refused);
        (attempts, if never { Sent::Never } else { Sent::Maybe })
    }
}
