//! The tables behind the lock: the requests that are open, the attempts that are out, the connections there are.
//!
//! This file has the requests' side: what their futures tell and ask. Invariant: a request's entry lives exactly as
//! long as its [`crate::ticket::Ticket`], an attempt's until it is done, failed, or the pool lets go of it: so the
//! tables are empty when nobody wants anything. Next: [`super::actions`], the pool's decisions carried out.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use http::{StatusCode, Version};
use outlive_core::trace::Trace;
use outlive_core::{
    Action, AttemptId, ConnectionId, Event, FailReason, IdMap, Limits, Pool, Repeat, RequestId, Time,
};
use tokio::runtime::Handle;

use super::addresses::Addresses;
use super::alarm::{Alarm, Alarms};
use super::journal::Journal;
use super::request::Request;
use super::{Aftermath, Few};
use crate::attempt::Attempt;
use crate::connection::http1::Persistence;
use crate::connection::{Anchor, Connection, DialError};
use crate::error::{Cause, Elapsed, Error, ErrorKind, Phase, Sent, Source};
use crate::outgoing::Outgoing;
use crate::pool_limits::span;
use crate::reason::Reason;
use crate::seeing::Watch;
use crate::sending::{Fact, Fault, Sending};
use crate::shutdown::Door;

/// Everything that the lock protects.
pub(crate) struct Ledger {
    pub(super) now: Time,
    pub(super) pool: Pool,
    /// Boxed: they are large, and go from hand to hand.
    pub(super) requests: IdMap<RequestId, Box<Request>>,
    pub(super) attempts: IdMap<AttemptId, Out>,
    /// Boxed: they are large, and a table has room for more than it holds.
    pub(super) connections: IdMap<ConnectionId, Box<Connection>>,
    pub(super) addresses: Addresses,
    pub(super) dial_error: Option<Arc<DialError>>,
    /// How long dialling may take.
    pub(super) dial_limit: Duration,
    /// Facts that came up while decisions were carried out.
    pub(super) facts: VecDeque<Event>,
    pub(super) aftermath: Aftermath,
    pub(super) alarm_set: Option<Time>,
    pub(super) alarm: Option<Arc<Alarm>>,
    pub(super) alarm_alive: Weak<()>,
    pub(super) runtime: Option<Handle>,
    pub(super) door: Door,
    pub(super) watch: Watch,
    /// Boxed: it is large, and most origins have none.
    journal: Option<Box<Journal>>,
    actions: Vec<Action>,
}

/// An attempt that the pool counts as out.
pub(super) struct Out {
    pub(super) request: RequestId,
    pub(super) connection: ConnectionId,
    /// HTTP/2: its stream and what keeps that from being reset.
    pub(super) stream: Option<(u32, Anchor)>,
}

/// What there is to know for a request that waits.
pub(crate) enum News {
    Nothing,
    /// With whether there is more to know already, of which nobody will be woken again.
    Sent(Sending, bool),
    /// The pool's verdict. What was sent may still have been answered.
    Failed(FailReason),
}

impl Ledger {
    pub(super) fn new(
        limits: Arc<Limits>,
        seed: u64,
        addresses: Addresses,
        journal: Option<Box<Journal>>,
        watch: Watch,
    ) -> Self {
        let dial_limit = Duration::from_micros(limits.dialling.as_micros());
        Self {
            now: Time::ZERO,
            pool: Pool::new(limits, seed),
            requests: IdMap::default(),
            attempts: IdMap::default(),
            connections: IdMap::default(),
            addresses,
            dial_error: None,
            dial_limit,
            facts: VecDeque::new(),
            aftermath: Aftermath::default(),
            alarm_set: None,
            alarm: None,
            alarm_alive: Weak::new(),
            runtime: None,
            door: Door::Open,
            watch,
            journal,
            // One follows from a fact most of the time, and a vector's usual room is four.
            actions: Vec::with_capacity(1),
        }
    }

    /// Tells the pool a fact, and carries out what it decides, until nothing is left to tell.
    pub(super) fn record(&mut self, fact: Event) {
        if self.door == Door::Ended {
            return; // It would be about nothing that the pool knows.
        }
        debug_assert!(self.facts.is_empty(), "decisions are carried out without recording");
        let mut next = Some(fact);
        while let Some(fact) = next {
            if let Event::GoAway { connection, .. } = fact {
                self.left(connection, Reason::GoAway);
            }
            let mut actions = std::mem::take(&mut self.actions);
            self.pool.handle(self.now, fact, &mut actions);
            if let Some(journal) = &mut self.journal {
                journal.note(self.now, fact, &actions);
            }
            for action in actions.drain(..) {
                self.carry_out(action);
            }
            self.actions = actions;
            next = self.facts.pop_front();
        }
    }

    /// Makes sure that this origin's tasks have a runtime that lives. Called by futures that are being polled.
    pub(crate) fn rouse(&mut self, alarms: &Alarms, alarm_name: u64) {
        if self.alarm_alive.strong_count() == 0 {
            // The first request; or the runtime that had the origin's tasks is gone, and they with it.
            let runtime = Handle::current();
            if let Some(old) = self.alarm.take() {
                old.forget(alarm_name);
            }
            let (alarm, alive, unwatched) = alarms.on(&runtime);
            (self.alarm, self.alarm_alive, self.alarm_set) = (Some(alarm), alive, None);
            self.runtime = Some(runtime);
            if unwatched.is_some() {
                self.aftermath.tasks().alarm = unwatched;
            }
        }
    }

    /// A caller wants this sent within `timeout`.
    pub(crate) fn open(
        &mut self,
        id: RequestId,
        mut request: Box<Request>,
        repeat: Repeat,
        timeout: Option<Duration>,
    ) {
        request.opened = self.now;
        if self.door != Door::Open {
            request.saw(ErrorKind::Shutdown, None);
            request.verdict = Some(FailReason::Failed);
        }
        self.requests.insert(id, request);
        self.tell_started(id);
        if self.door != Door::Open {
            return;
        }
        let micros = timeout.map(|timeout| u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX));
        let deadline = micros.map(|micros| self.now + outlive_core::Span::from_micros(micros));
        self.record(Event::Request { request: id, deadline, repeat });
    }

    /// What is new for a request; later news wake `waker`.
    pub(crate) fn look(&mut self, id: RequestId, waker: &Waker) -> News {
        let Some(request) = self.requests.get_mut(&id) else { return News::Nothing };
        self.aftermath.forgotten.extend(request.await_news(waker));
        match (request.take_sending(), request.verdict) {
            // First, for it may have been answered before whatever the verdict is about.
            (Some(sending), verdict) => News::Sent(sending, verdict.is_some() || request.has_sendings()),
            (None, Some(why)) => News::Failed(why),
            (None, None) => News::Nothing,
        }
    }

    /// The body of a request, to be sent in `attempt`. From here on it is not untouched any more.
    pub(crate) fn take_body(&mut self, id: RequestId, attempt: AttemptId) -> Option<Outgoing> {
        let request = self.requests.get_mut(&id)?;
        request.is_out(attempt).then(|| request.body.take())
    }

    /// The head of the response arrived; `then` is what the peer says of its connection. All that was sent, if it was more
    /// than this.
    pub(crate) fn answered(
        &mut self,
        id: RequestId,
        attempt: AttemptId,
        line: (StatusCode, Version),
        then: Persistence,
    ) -> Option<Vec<Attempt>> {
        let (attempts, connection) = self.note_answer(id, attempt, line);
        if let Some(connection) = connection {
            self.record(Event::Answered { attempt });
            match then {
                Persistence::Ends => self.record(Event::GoAway { connection, calm: false }),
                Persistence::Stays => {}
                Persistence::StaysFor(idle) => self.record(Event::Keeps { connection, idle: span(idle) }),
            }
        }
        attempts
    }

    /// The whole of the response arrived. The pool is told that once: what is done is answered. With what the request held,
    /// which is foreign: drop it when the lock is free.
    pub(crate) fn exchanged(
        &mut self,
        id: RequestId,
        attempt: AttemptId,
        line: (StatusCode, Version),
    ) -> (Option<Vec<Attempt>>, Option<Box<Request>>) {
        let (attempts, _) = self.note_answer(id, attempt, line);
        let ended = self.completed(id, attempt);
        if self.attempts.contains_key(&attempt) {
            // Over HTTP/1.1 its connection may not be ready for another yet, and never be if the request's body is stuck: nobody
            // waits for an answer any more, though.
            self.record(Event::Answered { attempt });
        }
        (attempts, ended)
    }

    /// All that was sent, if it was more than this attempt; and the attempt's connection, if that is there.
    fn note_answer(
        &mut self,
        id: RequestId,
        attempt: AttemptId,
        line: (StatusCode, Version),
    ) -> (Option<Vec<Attempt>>, Option<ConnectionId>) {
        let attempts = self.choose(id, attempt, line);
        let out = self.attempts.get(&attempt);
        let stream = out.and_then(|out| Some(out.stream.as_ref()?.0));
        let Some(connection) = out.map(|out| out.connection) else {
            // It had come just before its connection ended, and the pool has heard of the end first. What it did about that
            // is not needed.
            let request = self.requests.get(&id);
            if let Some(connection) = request.and_then(|request| request.connection_of(attempt)) {
                self.tell_answered(id, connection);
            }
            self.record(Event::Cancel { request: id });
            return (attempts, None);
        };
        self.tell_answered(id, connection);
        if let Some(entry) = self.connections.get_mut(&connection) {
            entry.proved(self.now);
            stream.map(|stream| entry.proven_through(stream));
        }
        (attempts, Some(connection))
    }

    /// This attempt brought the request's answer. All that was sent, if it was more.
    fn choose(
        &mut self,
        id: RequestId,
        winner: AttemptId,
        line: (StatusCode, Version),
    ) -> Option<Vec<Attempt>> {
        let mut request = self.requests.get_mut(&id)?;
        if !request.is_simple() {
            let losers: Few<_> = request.outs().filter(|out| *out != winner).collect();
            self.orphan(losers);
            self.examine_for(id);
            request = self.requests.get_mut(&id)?;
            request.testify(&self.connections, self.now);
        }
        request.answer = Some(line);
        request.won(winner)
    }

    /// Request and response are complete.
    #[must_use = "what the request held is foreign: drop it when the lock is free"]
    pub(crate) fn completed(&mut self, id: RequestId, attempt: AttemptId) -> Option<Box<Request>> {
        let request = self.requests.remove(&id);
        if let Some(request) = &request {
            self.tell_done(id, request);
        }
        let Some(connection) = self.attempts.get(&attempt).map(|out| out.connection) else { return request };
        // HTTP/1.1 may need a moment more; then the connection's task says that it is done.
        if self.connections.get_mut(&connection).is_none_or(|entry| entry.settles(attempt)) {
            self.done(attempt);
        }
        request
    }

    /// An attempt failed. What follows is the pool's decision: [`Self::look`].
    pub(crate) fn faulted(&mut self, id: RequestId, attempt: AttemptId, fault: Fault) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let Fault { fact, kind, source } = fault;
        let connection = self.attempts.get(&attempt).map(|out| out.connection);
        let Some(connection) = connection.filter(|_| request.is_out(attempt)) else {
            // It was told before, by its connection's task: what is seen now is only the echo.
            return request.heard_echo(kind, source);
        };
        if let Fact::ConnectionLost = fact {
            return self.broke(connection, Cause { kind, error: source.into() });
        }
        request.saw(kind, Some(Source::Own(source)));
        match fact {
            Fact::Unwritten(body) => {
                // One that is repeatable was only lent.
                let spare = if request.body.is_untouched() {
                    body
                } else {
                    std::mem::replace(&mut request.body, body)
                };
                self.aftermath.spares.push(spare);
                // hyper gives back only what came to a connection that takes nothing more.
                self.record(Event::GoAway { connection, calm: false });
                self.refused(attempt);
            }
            Fact::Refused => self.refused(attempt),
            Fact::GoneAway => {
                self.record(Event::GoAway { connection, calm: false });
                self.refused(attempt);
            }
            Fact::Spoiled => {
                self.record(Event::GoAway { connection, calm: false });
                self.failed(attempt);
            }
            Fact::GivenUp => {
                // What the pool does about it may be the connection's end, and then nobody could be asked.
                request.testify(&self.connections, self.now);
                request.verdict = Some(FailReason::Failed);
                self.record(Event::Cancel { request: id });
            }
            Fact::Reset => self.reset(attempt),
            Fact::Failed | Fact::ConnectionLost => self.failed(attempt),
        }
    }

    /// The caller gave up, whether by its timeout or by dropping what it held.
    #[must_use = "what the request held is foreign: drop it when the lock is free"]
    pub(crate) fn give_up(&mut self, id: RequestId) -> Option<Box<Request>> {
        let request = self.requests.remove(&id)?;
        self.tell_given_up(id, &request);
        self.orphan(request.outs());
        if request.verdict.is_none() {
            self.record(Event::Cancel { request: id });
        }
        Some(request)
    }

    /// The caller's timeout passed. Call it before [`Self::give_up`].
    pub(crate) fn timed_out(&mut self, id: RequestId, phase: Phase, elapsed: Elapsed) -> Error {
        let error =
            |sent| Error::new(ErrorKind::Timeout(phase), sent).because(Source::Own(Box::new(elapsed)));
        self.examine_for(id);
        let Some(request) = self.requests.get(&id) else { return error(Sent::Never) };
        let outs: Few<_> = request.outs().collect();
        self.orphan(outs);
        let Some(request) = self.requests.get_mut(&id) else { return error(Sent::Never) };
        request.testify(&self.connections, self.now);
        let (attempts, sent) = request.history();
        let error = error(sent).after(attempts).about(request.head.uri().clone());
        self.tell_failed(id, &error);
        error
    }

    /// The error of a request on which the pool has given its verdict, or whose response broke off.
    pub(crate) fn failure(&mut self, id: RequestId, why: FailReason) -> Error {
        let Some(request) = self.requests.get_mut(&id) else {
            return Error::new(ErrorKind::of(why, None), Sent::Maybe);
        };
        let (seen, mut source) = request.take_seen();
        let mut kind = ErrorKind::of(why, seen);
        if let (FailReason::Dial, Some(error)) = (why, &self.dial_error) {
            kind = error.kind();
            source = Some(Source::Shared(Arc::clone(error) as _));
        }
        request.testify(&self.connections, self.now);
        let (attempts, sent) = request.history();
        let sent = if why == FailReason::Refused { Sent::Never } else { sent };
        let source = source.or_else(|| Source::of(why));
        let error = Error::new(kind, sent).after(attempts).about(request.head.uri().clone()).because(source);
        self.tell_failed(id, &error);
        error
    }

    /// Whether a request needs what a new connection's peer says first.
    pub(crate) fn awaits_settings(&self) -> bool {
        self.requests.values().any(|request| request.head.is_extended())
    }

    /// The verdict on a request, once the pool has given it.
    pub(crate) fn verdict(&self, id: RequestId) -> Option<FailReason> {
        self.requests.get(&id)?.verdict
    }

    /// Whether something is to be done once the lock is free.
    pub(super) fn has_aftermath(&self) -> bool {
        !self.aftermath.is_empty() || !self.watch.is_empty() || self.door != Door::Open
    }

    pub(super) fn take_aftermath(&mut self) -> Aftermath {
        std::mem::take(&mut self.aftermath)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.connections.is_empty()
    }

    /// What has happened so far, where that is written down.
    pub(super) fn journal(&self) -> Option<Trace> {
        self.journal.as_ref().map(|journal| journal.trace())
    }

    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.requests.len(), self.attempts.len(), self.connections.len())
    }
}
