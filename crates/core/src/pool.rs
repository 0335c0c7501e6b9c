//! The pool of one origin: record the fact, then settle.
//!
//! [`Pool::handle`] first writes down what happened ([`crate::record`]), then brings requests and connections together
//! ([`crate::settle`], [`crate::judge`]). What both need stands here: the books, and the few ways to change them.

use std::sync::Arc;

use crate::addresses::Addresses;
use crate::attempt::{Attempt, State, Step};
use crate::budget::Budget;
use crate::calm::Calm;
use crate::census::{Census, Standing};
use crate::chance::Chance;
use crate::comparison::{Comparison, Finding, Outcome};
use crate::connection::Connection;
use crate::dials::Dials;
use crate::event::Repeat;
use crate::life;
use crate::patience::Patience;
use crate::ready::Ready;
use crate::table::IdMap;

use crate::request::{Again, Asked, Phase, Request, Turn};
use crate::requests::Requests;
use crate::rtt::Rtt;
use crate::time::earlier;
use crate::timers::Timers;
use crate::{
    Action, AddressId, AttemptId, CloseReason, ConnectionId, DrainReason, Event, FailReason, Limits,
    RequestId, Time,
};

/// The connections of one origin and the requests that want one.
#[derive(Debug)]
pub struct Pool {
    /// Shared: they are large, and a client's origins have the same ones.
    pub(crate) limits: Arc<Limits>,
    pub(crate) chance: Chance,
    /// The latest time handed in. Never goes back, whatever the caller's clock does.
    pub(crate) now: Time,
    /// Since when our own process has been running without a pause (P8).
    pub(crate) awake: Time,
    pub(crate) requests: Requests,
    pub(crate) attempts: IdMap<AttemptId, Attempt>,
    /// Boxed: they are large, and a table has room for more than it holds.
    pub(crate) connections: IdMap<ConnectionId, Box<Connection>>,
    /// Those with room.
    pub(crate) ready: Ready,
    pub(crate) timers: Timers,
    /// When dials and queues are to be looked at again.
    pub(crate) settle_due: Option<Time>,
    pub(crate) dials: Dials,
    pub(crate) addresses: Addresses,
    pub(crate) budget: Budget,
    pub(crate) comparison: Comparison,
    /// The connection that last lost a race, as long as it has not answered since.
    pub(crate) overtaken: Option<ConnectionId>,
    pub(crate) patience: Patience,
    pub(crate) calm: Calm,
    /// The round trip as the last connection knew it: where the next one starts.
    pub(crate) rtt: Rtt,
    pub(crate) census: Census,
    pub(crate) last_dial: Time,
    /// Since when requests have been waiting, and nothing was open.
    pub(crate) barren: Option<Time>,
    /// Connections that something happened to since the last settling.
    pub(crate) touched: Vec<ConnectionId>,
    pub(crate) arrived: Vec<AttemptId>,
    last_attempt: u64,
    last_connection: u64,
}

impl Pool {
    /// An empty pool. All its chance comes from `seed`.
    pub fn new(limits: impl Into<Arc<Limits>>, seed: u64) -> Self {
        let given = limits.into();
        let workable = Limits::clone(&given).workable();
        let limits = if workable == *given { given } else { Arc::new(workable) };
        Self {
            chance: Chance::new(seed),
            now: Time::ZERO,
            awake: Time::ZERO,
            requests: Requests::new(&limits),
            attempts: IdMap::default(),
            connections: IdMap::default(),
            ready: Ready::default(),
            timers: Timers::default(),
            settle_due: None,
            dials: Dials::new(&limits),
            addresses: Addresses::new(),
            budget: Budget::default(),
            comparison: Comparison::new(&limits),
            overtaken: None,
            patience: Patience::default(),
            calm: Calm::default(),
            rtt: Rtt::unknown(),
            census: Census::default(),
            last_dial: Time::ZERO,
            barren: None,
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
        earlier(self.timers.first(), self.settle_due)
    }

    /// The connections that a tick at `now` would judge. Before that tick, the glue says of each when it was last
    /// heard ([`Event::Heard`]) and, where it can and [`Pool::is_asked`] is true, what the kernel knows ([`Event::Kernel`]).
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
}

/// The ways to change the books.
impl Pool {
    /// Moves an attempt on, keeping its connection's counts.
    pub(crate) fn step(&mut self, id: AttemptId, step: Step) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let before = attempt.state;
        attempt.state = before.after(step);
        let Some(connection) = self.connections.get_mut(&attempt.connection) else { return };
        connection.count(Some(before), attempt.state);
        if attempt.state.awaits_reset() && !before.awaits_reset() {
            connection.resetting.push_back(id);
            self.touched.push(attempt.connection);
        }
    }

    /// Names a new attempt at this request and books its stream on the connection.
    pub(crate) fn begin(
        &mut self,
        id: ConnectionId,
        request: RequestId,
        asked: Asked,
        actions: &mut Vec<Action>,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        self.last_attempt += 1;
        let attempt = AttemptId(self.last_attempt);
        let place = connection.load();
        connection.carried.push(attempt);
        connection.count(None, State::Sent);
        let tier = connection.tier(self.comparison.accused() == Some(id));
        self.ready.put(id, tier, connection.load());
        if connection.can_probe {
            connection.evidence.sent(
                attempt,
                self.now,
                asked.deadline,
                asked.repeat != Repeat::IfUnprocessed,
            );
        }
        self.attempts
            .insert(attempt, Attempt { request, connection: id, sent: self.now, state: State::Sent, place });
        self.requests.turn(request, Turn::Send(attempt), self.now);
        actions.push(Action::Send { request, attempt, connection: id });
    }

    /// Ends an attempt, whatever it was doing, and frees its stream. What becomes of its request is not decided here.
    pub(crate) fn end(&mut self, id: AttemptId) -> Option<Attempt> {
        let mut ended = self.attempts.remove(&id)?;
        let connection = self.connections.get_mut(&ended.connection)?;
        let before = ended.state;
        ended.state = before.after(Step::End);
        connection.count(Some(before), ended.state);
        connection.evidence.forget(id);
        let place = ended.place as usize;
        connection.carried.swap_remove(place);
        if let Some(moved) = connection.carried.get(place).and_then(|moved| self.attempts.get_mut(moved)) {
            moved.place = ended.place;
        }
        connection.idle = self.now;
        self.touched.push(ended.connection);
        Some(ended)
    }

    /// Nobody waits for this attempt any more: its caller gave up, or has another's answer.
    pub(crate) fn give_up(&mut self, id: AttemptId, actions: &mut Vec<Action>) {
        let Some(attempt) = self.attempts.get(&id).copied() else { return };
        let Some(connection) = self.connections.get_mut(&attempt.connection) else { return };
        if !connection.can_probe {
            // HTTP/1.1: the request can't be taken back, and what comes now would be taken for the next one's answer.
            self.close(attempt.connection, CloseReason::GivenUp, actions);
            return;
        }
        if attempt.state == State::Sent {
            connection.evidence.given_up(id, attempt.sent, self.now);
        }
        self.step(id, Step::GiveUp);
        self.touched.push(attempt.connection);
    }

    /// Names a new connection, which is being dialled.
    pub(crate) fn begin_dial(&mut self, address: Option<AddressId>, actions: &mut Vec<Action>) {
        self.last_connection += 1;
        let connection = ConnectionId(self.last_connection);
        let entry = Connection::dialing(self.now, self.rtt, address, &self.limits);
        self.connections.insert(connection, Box::new(entry));
        self.census.enter(Standing::Dialing);
        self.addresses.dialled(address);
        self.last_dial = self.now;
        actions.push(Action::Dial { connection, address });
    }

    /// Decides to take no more requests on a connection.
    pub(crate) fn drain(&mut self, id: ConnectionId, why: DrainReason, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id).filter(|c| c.life.is_open()) else { return };
        connection.life = connection.life.after(life::Turn::Drain);
        self.touched.push(id);
        actions.push(Action::Drain { connection: id, why });
        self.find(Finding::Lost(id), actions);
    }

    /// Decides to close a connection and settles the fate of what is on it.
    pub(crate) fn close(&mut self, id: ConnectionId, why: CloseReason, actions: &mut Vec<Action>) {
        let fate = match why {
            CloseReason::Dead => FailReason::Silent,
            CloseReason::GivenUp | CloseReason::Drained | CloseReason::Idle | CloseReason::Surplus => {
                FailReason::Lost
            }
        };
        let Some(connection) = self.forget(id, actions) else { return };
        if why == CloseReason::Dead || why == CloseReason::Drained && !connection.evidence.ever_proven() {
            self.addresses.failed(connection.address, self.now, &self.limits, &mut self.chance);
        }
        actions.push(Action::Close { connection: id, why });
        self.bereave(connection.carried, fate, actions);
    }

    /// Forgets a connection; the attempts on it are left to the caller.
    pub(crate) fn forget(&mut self, id: ConnectionId, actions: &mut Vec<Action>) -> Option<Connection> {
        let connection = *self.connections.remove(&id)?;
        self.census.leave(connection.standing);
        self.addresses.left(connection.address);
        self.ready.remove(id);
        self.timers.set(id, None);
        self.find(Finding::Lost(id), actions);
        Some(connection)
    }

    /// Ends the attempts of a connection that is gone.
    pub(crate) fn bereave(
        &mut self,
        mut attempts: Vec<AttemptId>,
        fate: FailReason,
        actions: &mut Vec<Action>,
    ) {
        attempts.sort_unstable();
        for id in attempts.into_iter().rev() {
            // The last first, for each that is sent again goes to the head of the queue.
            if let Some(attempt) = self.attempts.remove(&id) {
                self.lose(attempt.request, id, (fate, Again::Risk), actions);
            }
        }
    }

    /// An attempt ended without an answer: its request has another one out, or is sent again if that is allowed, or fails.
    /// One whose head was delivered is forgotten: its body tells.
    pub(crate) fn lose(
        &mut self,
        id: RequestId,
        attempt: AttemptId,
        (why, again): (FailReason, Again),
        actions: &mut Vec<Action>,
    ) {
        self.requests.remove_delivered(id, attempt);
        let Some(before) = self.requests.get(id).map(|request| request.phase) else { return };
        self.requests.turn(id, Turn::Lose(attempt), self.now);
        let Some(request) = self.requests.get(id).copied() else { return };
        if request.phase != Phase::Waiting {
            return self.reconsider(request);
        }
        if before == Phase::Waiting {
            return; // this attempt was not waited for
        }
        let is_sent_again = match again {
            Again::Free => true,
            Again::Refusal => request.refusals < self.limits.refusals,
            Again::Risk => {
                request.may_repeat(self.now, self.limits.extra)
                    && self.budget.take(self.now, false, &self.limits)
            }
            Again::Never => false,
        };
        if is_sent_again {
            self.requests.count(id, u32::from(again == Again::Refusal), u32::from(again == Again::Risk));
        } else {
            self.requests.remove(id);
            actions.push(Action::Fail { request: id, why });
        }
    }

    /// One attempt of this request is gone, and others are out: they are looked at anew, for what made them enough may have
    /// been the one that is gone.
    fn reconsider(&mut self, request: Request) {
        for id in request.phase.attempts() {
            let Some(connection) = self.attempts.get(&id).map(|attempt| attempt.connection) else { continue };
            if self.is_on_suspect(id) {
                self.wish(id, Repeat::OnSuspicion);
            } else if request.repeat == Repeat::WhenLate {
                self.look_now(connection);
            }
        }
    }

    /// Tells the comparison what was found, and acts on what it shows.
    #[inline]
    pub(crate) fn find(&mut self, finding: Finding, actions: &mut Vec<Action>) {
        let before = self.comparison;
        let (comparison, outcome) = before.after(finding, self.now, &self.limits);
        self.comparison = comparison;
        if comparison.accused() != before.accused() {
            self.touched.extend(before.accused().into_iter().chain(comparison.accused()));
        }
        match outcome {
            Outcome::Stalled(id) => self.drain(id, DrainReason::Stalled, actions),
            Outcome::Open => {}
        }
    }
}
