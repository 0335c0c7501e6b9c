//! The pool of one origin: record the fact, then settle.
//!
//! [`Pool::handle`] first writes down what happened (this file), then brings requests and connections together
//! ([`crate::settle`]). Recording decides nothing but a request's end; settling records nothing but its own decisions.

use crate::attempt::{Attempt, State, Step};
use crate::census::{Census, Standing};
use crate::chance::Chance;
use crate::connection::Connection;
use crate::dials::Dials;
use crate::evidence::Verdict;
use crate::health::{Health, Sign};
use crate::ids::IdMap;
use crate::life::{Life, Turn};
use crate::patience::Patience;
use crate::ready::Ready;
use crate::requests::{Phase, Requests};
use crate::rtt::Rtt;
use crate::timers::Timers;
use crate::{Action, AttemptId, CloseReason, ConnectionId, Event, FailReason, Limits, RequestId, Time};

/// The connections of one origin and the requests that want one.
#[derive(Debug)]
pub struct Pool {
    pub(crate) limits: Limits,
    pub(crate) chance: Chance,
    /// The latest time handed in. Never goes back, whatever the caller's clock does.
    pub(crate) now: Time,
    /// Since when our own process has been running without a pause (P8).
    pub(crate) awake: Time,
    pub(crate) requests: Requests,
    pub(crate) attempts: IdMap<AttemptId, Attempt>,
    pub(crate) connections: IdMap<ConnectionId, Connection>,
    /// Those with room that are alive, and those that have been asked for proof.
    pub(crate) ready: Ready,
    pub(crate) ready_asked: Ready,
    pub(crate) timers: Timers,
    /// When the dials are to be looked at again.
    pub(crate) dials_due: Option<Time>,
    pub(crate) dials: Dials,
    pub(crate) patience: Patience,
    /// The round trip as the last connection knew it: where the next one starts.
    pub(crate) rtt: Rtt,
    pub(crate) census: Census,
    pub(crate) last_dial: Time,
    /// Connections that something happened to since the last settling.
    pub(crate) touched: Vec<ConnectionId>,
    arrived: Vec<AttemptId>,
    last_attempt: u64,
    last_connection: u64,
}

impl Pool {
    /// An empty pool. All its chance comes from `seed`.
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            now: Time::ZERO,
            awake: Time::ZERO,
            requests: Requests::default(),
            attempts: IdMap::default(),
            connections: IdMap::default(),
            ready: Ready::default(),
            ready_asked: Ready::default(),
            timers: Timers::default(),
            dials_due: None,
            dials: Dials::new(&limits),
            patience: Patience::default(),
            rtt: Rtt::unknown(),
            census: Census::default(),
            last_dial: Time::ZERO,
            touched: Vec::new(),
            arrived: Vec::new(),
            last_attempt: 0,
            last_connection: 0,
            limits,
        }
    }

    /// Takes a fact and appends what is to be done because of it to `actions`. Total: never fails, never panics.
    pub fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        self.advance(now);
        self.record(event, actions);
        self.settle(actions);
    }

    /// When [`Event::Tick`] is due, if nothing else happens before. `None`: nothing waits for time to pass.
    pub fn deadline(&self) -> Option<Time> {
        match (self.timers.first(), self.dials_due) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The connections that a tick at `now` would judge. Before that tick, the glue says of each when it was last
    /// heard ([`Event::Heard`]).
    pub fn in_doubt(&self, now: Time) -> impl Iterator<Item = ConnectionId> + '_ {
        self.timers.due(now)
    }

    /// Moves time on. Whatever comes much later than the pool had asked for shows that our own process slept: then no
    /// silence before this moment counts (P8).
    fn advance(&mut self, now: Time) {
        let late = self.deadline().is_some_and(|due| now > due + self.limits.late);
        self.now = self.now.max(now);
        if late {
            self.awake = self.now;
        }
    }

    fn record(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Request { request, deadline, repeat: _ } => self.request(request, deadline, actions),
            Event::Cancel { request } => self.cancel(request, actions),
            Event::Connected { connection, streams, can_probe } => {
                self.connected(connection, streams, can_probe)
            }
            Event::DialFailed { connection } => self.dial_failed(connection, actions),
            Event::Streams { connection, streams } => self.change(connection, |c| c.streams = streams),
            Event::Heard { connection, at } => {
                let at = at.min(self.now);
                self.change(connection, |c| c.evidence.heard(at));
            }
            Event::Proven { connection, through } => self.proven(connection, through, actions),
            Event::Answered { attempt } => self.answered(attempt, actions),
            Event::Done { attempt } => self.done(attempt, actions),
            Event::Refused { attempt, again } => self.refused(attempt, again, actions),
            Event::Failed { attempt } => self.failed(attempt, actions),
            Event::GoAway { connection, calm: _ } => {
                self.change(connection, |c| c.life = c.life.after(Turn::Drain));
            }
            Event::Writable { .. } | Event::Kernel { .. } | Event::Address { .. } => {}
            Event::Closed { connection } => self.closed(connection, actions),
            Event::Tick => self.touched.extend(self.timers.due(self.now)),
        }
    }

    fn change(&mut self, connection: ConnectionId, change: impl FnOnce(&mut Connection)) {
        if let Some(found) = self.connections.get_mut(&connection) {
            change(found);
            self.touched.push(connection);
        }
    }

    fn request(&mut self, request: RequestId, deadline: Option<Time>, actions: &mut Vec<Action>) {
        if self.requests.contains(request) {
            return;
        }
        if self.requests.waiting() >= self.limits.waiting {
            actions.push(Action::Fail { request, why: FailReason::Queue });
            return;
        }
        self.requests.add(request, deadline);
    }

    fn cancel(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        let Some(ended) = self.requests.remove(request) else { return };
        let (Phase::Out(attempt) | Phase::Delivered(attempt)) = ended.phase else { return };
        let Some(given_up) = self.attempts.get(&attempt).copied() else { return };
        let Some(connection) = self.connections.get_mut(&given_up.connection) else { return };
        if !connection.can_probe {
            // HTTP/1.1: the request can't be taken back, and what comes now would be taken for the next one's answer.
            self.close(given_up.connection, CloseReason::GivenUp, actions);
            return;
        }
        if given_up.state == State::Sent {
            self.patience.learn(self.now.since(given_up.sent));
            connection.evidence.given_up(attempt, given_up.sent);
        }
        self.step(attempt, Step::GiveUp);
        self.touched.push(given_up.connection);
    }

    fn connected(&mut self, id: ConnectionId, streams: u32, can_probe: bool) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.life != Life::Dialing {
            return;
        }
        let took = self.now.since(connection.since);
        connection.open(self.now, streams, can_probe);
        self.dials.succeeded(took, streams);
        self.touched.push(id);
    }

    fn dial_failed(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get(&id) else { return };
        if connection.life != Life::Dialing {
            return;
        }
        self.forget(id, FailReason::Dial, actions);
        // Other dials may still succeed, and a suspect may still recover: only where nothing is left does it end here.
        if self.census.all() == self.census.leaving {
            for request in self.requests.drain_waiting() {
                actions.push(Action::Fail { request, why: FailReason::Dial });
            }
        }
    }

    fn proven(&mut self, id: ConnectionId, through: Option<AttemptId>, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.life == Life::Dialing {
            return;
        }
        connection.evidence.probe_answered(through, self.now, self.awake, &mut self.arrived);
        self.rtt = connection.evidence.rtt;
        self.clear(id, actions);
        self.note_arrivals();
    }

    fn answered(&mut self, attempt: AttemptId, actions: &mut Vec<Action>) {
        let Some(answered) = self.attempts.get(&attempt).copied() else { return };
        let Some(connection) = self.connections.get_mut(&answered.connection) else { return };
        let took = self.now.since(answered.sent);
        if answered.state.is_unanswered() {
            self.patience.learn(took);
            connection.evidence.rtt.bound(took);
        }
        let verdict = connection.evidence.answered(attempt, self.now, &mut self.arrived);
        if verdict == Verdict::Cleared {
            self.clear(answered.connection, actions);
        }
        self.note_arrivals();
        self.step(attempt, Step::Head);
        self.requests.deliver(answered.request, attempt);
        self.touched.push(answered.connection);
    }

    /// Proof of life that settles the doubt.
    fn clear(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.health == Health::Suspect {
            actions.push(Action::Clear { connection: id });
        }
        connection.health = connection.health.after(Sign::Proof);
        self.dials.proven();
        self.touched.push(id);
    }

    /// Tells each attempt that was just proven to have arrived.
    fn note_arrivals(&mut self) {
        let mut arrived = std::mem::take(&mut self.arrived);
        for attempt in arrived.drain(..) {
            self.step(attempt, Step::Proof);
        }
        self.arrived = arrived;
    }

    fn done(&mut self, attempt: AttemptId, actions: &mut Vec<Action>) {
        if self.attempts.get(&attempt).is_some_and(|done| done.state.is_unanswered()) {
            self.answered(attempt, actions); // an end without a head: the glue skipped a fact, its meaning is clear
        }
        if let Some(done) = self.end(attempt) {
            self.end_delivered(done.request, attempt);
        }
    }

    fn refused(&mut self, attempt: AttemptId, again: bool, actions: &mut Vec<Action>) {
        let Some(refused) = self.end(attempt) else { return };
        let Some(request) = self.requests.get(refused.request) else { return };
        match request.phase {
            Phase::Out(out) if out == attempt && again && request.refusals < self.limits.refusals => {
                self.requests.put_back(refused.request);
            }
            Phase::Out(out) if out == attempt => self.fail(refused.request, FailReason::Refused, actions),
            Phase::Out(_) | Phase::Delivered(_) | Phase::Waiting => {
                self.end_delivered(refused.request, attempt)
            }
        }
    }

    fn failed(&mut self, attempt: AttemptId, actions: &mut Vec<Action>) {
        if let Some(failed) = self.end(attempt) {
            self.end_request(failed.request, attempt, FailReason::Failed, actions);
        }
    }

    fn closed(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        match self.connections.get(&id).map(|connection| connection.life) {
            Some(Life::Dialing) => self.dial_failed(id, actions),
            Some(Life::Open | Life::Draining) => self.forget(id, FailReason::Lost, actions),
            None => {}
        }
    }
}

/// Steps shared by recording and settling.
impl Pool {
    /// Moves an attempt on, keeping its connection's counts.
    pub(crate) fn step(&mut self, id: AttemptId, step: Step) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let before = attempt.state;
        attempt.state = before.after(step);
        let Some(connection) = self.connections.get_mut(&attempt.connection) else { return };
        connection.count(Some(before), attempt.state);
        if attempt.state == State::Resetting && before != State::Resetting {
            connection.resetting.push_back(id);
        }
    }

    /// Ends an attempt, whatever it was doing, and frees its stream.
    pub(crate) fn end(&mut self, id: AttemptId) -> Option<Attempt> {
        self.step(id, Step::End);
        let ended = self.attempts.remove(&id)?;
        let connection = self.connections.get_mut(&ended.connection)?;
        connection.evidence.forget(id);
        connection.carried.swap_remove(ended.place);
        if let Some(moved) =
            connection.carried.get(ended.place).and_then(|moved| self.attempts.get_mut(moved))
        {
            moved.place = ended.place;
        }
        connection.idle = self.now;
        self.touched.push(ended.connection);
        Some(ended)
    }

    /// Names a new attempt and books its stream on the connection.
    pub(crate) fn begin(&mut self, id: ConnectionId) -> Option<(RequestId, AttemptId)> {
        let connection = self.connections.get_mut(&id)?;
        let attempt = AttemptId(self.last_attempt + 1);
        let (name, request) = self.requests.send_next(attempt)?;
        self.last_attempt += 1;
        let place = connection.carried.len();
        let sent = Attempt { request: name, connection: id, sent: self.now, state: State::Sent, place };
        connection.carried.push(attempt);
        connection.count(None, State::Sent);
        if connection.can_probe {
            connection.evidence.sent(attempt, self.now, request.deadline);
        }
        self.attempts.insert(attempt, sent);
        Some((name, attempt))
    }

    /// Names a new connection, which is being dialled.
    pub(crate) fn begin_dial(&mut self) -> ConnectionId {
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        self.connections.insert(id, Connection::dialing(self.now, self.rtt, &self.limits));
        self.census.enter(Standing::Dialing);
        self.last_dial = self.now;
        id
    }

    /// Decides to close a connection and settles the fate of what is on it.
    pub(crate) fn close(&mut self, id: ConnectionId, why: CloseReason, actions: &mut Vec<Action>) {
        let fate = match why {
            CloseReason::Dead => FailReason::Silent,
            CloseReason::GivenUp | CloseReason::Drained | CloseReason::Idle | CloseReason::Surplus => {
                FailReason::Lost
            }
        };
        self.forget(id, fate, actions);
        actions.push(Action::Close { connection: id, why });
    }

    /// Forgets a connection. Each request on it whose caller still waits for an answer fails.
    fn forget(&mut self, id: ConnectionId, fate: FailReason, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.remove(&id) else { return };
        if connection.life == Life::Dialing || !connection.evidence.ever_proven() && fate == FailReason::Lost
        {
            self.dials.failed(self.now, &self.limits, &mut self.chance);
        }
        self.census.leave(connection.standing);
        self.ready.remove(id);
        self.ready_asked.remove(id);
        self.timers.set(id, None);
        for attempt in connection.carried {
            if let Some(ended) = self.attempts.remove(&attempt) {
                self.end_request(ended.request, attempt, fate, actions);
            }
        }
    }

    /// Ends the request that `attempt` was out for: with an error if its caller still waits for the head; silently if
    /// it has the head, for then the body tells it.
    fn end_request(
        &mut self,
        request: RequestId,
        attempt: AttemptId,
        why: FailReason,
        actions: &mut Vec<Action>,
    ) {
        match self.requests.get(request).map(|request| request.phase) {
            Some(Phase::Out(out)) if out == attempt => self.fail(request, why, actions),
            Some(Phase::Out(_) | Phase::Delivered(_) | Phase::Waiting) | None => {
                self.end_delivered(request, attempt)
            }
        }
    }

    /// Forgets the request if `attempt` is what answered it.
    fn end_delivered(&mut self, request: RequestId, attempt: AttemptId) {
        if self.requests.get(request).is_some_and(|request| request.phase == Phase::Delivered(attempt)) {
            self.requests.remove(request);
        }
    }

    fn fail(&mut self, request: RequestId, why: FailReason, actions: &mut Vec<Action>) {
        self.requests.remove(request);
        actions.push(Action::Fail { request, why });
    }
}
