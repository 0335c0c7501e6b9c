//! Recording: what each fact changes in the books.
//!
//! A fact that ends a request's wait (an answer, a loss) says so at once; all else is left to settling.

use crate::attempt::{Attempt, Step};
use crate::comparison::Finding;
use crate::connection::Connection;
use crate::event::Repeat;
use crate::evidence::Verdict;
use crate::health::{Health, Sign};
use crate::life::{self, Life};
use crate::pool::Pool;
use crate::request::{Again, Turn};
use crate::{Action, AddressId, AttemptId, ConnectionId, Event, FailReason, RequestId, Span, Time};

impl Pool {
    pub(crate) fn record(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Request { request, deadline, repeat } => self.request(request, deadline, repeat, actions),
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
            Event::Kernel { connection, unacked, retransmits } => {
                let now = self.now;
                self.change(connection, |c| c.evidence.kernel(now, unacked, retransmits));
                self.look_now(connection);
            }
            Event::Keeps { connection, idle } => self.change(connection, |c| c.keeps = idle),
            Event::Writable { connection, writable } => self.change(connection, |c| c.writable = writable),
            Event::Proven { connection, through } => self.proven(connection, through, actions),
            Event::Answered { attempt } => self.answered(attempt, actions),
            Event::Done { attempt } => self.done(attempt, actions),
            Event::Refused { attempt, again } => self.refused(attempt, again, actions),
            Event::Reset { attempt } => self.ended(attempt, (FailReason::Reset, Again::Risk), actions),
            Event::Failed { attempt } => self.ended(attempt, (FailReason::Failed, Again::Never), actions),
            Event::GoAway { connection, calm } => self.go_away(connection, calm, actions),
            Event::Closed { connection } => self.closed(connection, actions),
            Event::Address { address, known } => self.address(address, known),
            Event::Tick => self.touched.extend(self.timers.due(self.now)),
        }
    }

    /// What was just told bears on judgement, which is otherwise not due.
    pub(crate) fn look_now(&mut self, id: ConnectionId) {
        if self.connections.contains_key(&id) {
            self.timers.no_later_than(id, self.now);
            self.touched.push(id);
        }
    }

    fn change(&mut self, connection: ConnectionId, change: impl FnOnce(&mut Connection)) {
        if let Some(found) = self.connections.get_mut(&connection) {
            change(found);
            self.touched.push(connection);
        }
    }

    fn request(
        &mut self,
        request: RequestId,
        deadline: Option<Time>,
        repeat: Repeat,
        actions: &mut Vec<Action>,
    ) {
        if self.requests.contains(request) {
            return;
        }
        if self.requests.waiting() >= self.limits.waiting {
            actions.push(Action::Fail { request, why: FailReason::Queue });
            return;
        }
        self.budget.request(self.now);
        self.requests.add(request, self.now, deadline, repeat);
    }

    fn cancel(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        let Some(phase) = self.requests.remove(request) else { return };
        for id in phase.attempts() {
            self.note_unanswered(id, None, actions);
            self.give_up(id, actions);
        }
    }

    /// This attempt is about to be given up. If it has no answer after longer than most answers take, and nothing was answered
    /// there since it was sent, its connection may be stalled. So it may be if it was overtaken: the answer came on `other`, where
    /// its request was sent later, which is a comparison already.
    fn note_unanswered(&mut self, id: AttemptId, other: Option<ConnectionId>, actions: &mut Vec<Action>) {
        let Some(attempt) = self.attempts.get(&id).filter(|attempt| attempt.state.is_unanswered()) else {
            return;
        };
        let (id, sent, took) = (attempt.connection, attempt.sent, self.now.since(attempt.sent));
        let is_unusual = took >= self.patience_for(Span::ZERO);
        self.patience.learn(took);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let is_silent = (is_unusual || other.is_some()) && sent >= connection.last_head;
        if !is_silent || !connection.can_probe || connection.health == Health::Suspect {
            return;
        }
        if other.is_some() {
            self.overtaken = Some(id);
        }
        connection.silent_row = connection.silent_row.saturating_add(1);
        if connection.silent_row >= self.limits.silent_row {
            connection.silent_row = 0;
            self.find(Finding::Silent(id), actions);
            if let Some(other) = other {
                self.find(Finding::Candidate(other), actions);
            }
        }
    }

    fn connected(&mut self, id: ConnectionId, streams: u32, can_probe: bool) {
        let Some(connection) = self.connections.get_mut(&id).filter(|c| c.life == Life::Dialing) else {
            return;
        };
        let took = self.now.since(connection.since);
        connection.open(self.now, streams, can_probe);
        let age = self.limits.age;
        if age < Span::MAX {
            let less = self.chance.below(age.as_micros() / 10 + 1);
            connection.aged = self.now + age - Span::from_micros(less);
            self.timers.no_later_than(id, connection.aged);
        }
        self.dials.succeeded(took, streams);
        self.touched.push(id);
    }

    fn address(&mut self, id: AddressId, known: bool) {
        if known && !self.addresses.are_named() {
            self.barren = None; // resolving the name has a limit of its own
        }
        self.addresses.know(id, known, &self.limits);
    }

    fn dial_failed(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        if self.connections.get(&id).is_none_or(|connection| connection.life != Life::Dialing) {
            return;
        }
        let Some(failed) = self.forget(id, actions) else { return };
        self.addresses.failed(failed.address, self.now, &self.limits, &mut self.chance);
        // Another dial may still succeed, another address, or a suspect recover: only where nothing is left does it end.
        let most = if self.dials.has_worked() { self.limits.dial_failures } else { 1 };
        if self.census.all() == self.census.leaving && self.addresses.have_all_failed(most) {
            for request in self.requests.drain_waiting() {
                actions.push(Action::Fail { request, why: FailReason::Dial });
            }
        }
    }

    fn proven(&mut self, id: ConnectionId, through: Option<AttemptId>, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id).filter(|c| c.life != Life::Dialing) else {
            return;
        };
        let verdict = connection.evidence.probe_answered(through, self.now, self.awake, &mut self.arrived);
        self.rtt = connection.evidence.rtt;
        match verdict {
            Verdict::Cleared => self.clear(id, actions),
            Verdict::Stands => self.look_now(id),
        }
        self.note_arrivals();
    }

    fn answered(&mut self, id: AttemptId, actions: &mut Vec<Action>) {
        let Some(attempt) = self.attempts.get(&id).copied().filter(|attempt| attempt.state.lacks_head())
        else {
            return;
        };
        let Some(connection) = self.connections.get_mut(&attempt.connection) else { return };
        let took = self.now.since(attempt.sent);
        if attempt.state.is_unanswered() {
            self.patience.learn(took);
            connection.evidence.rtt.bound(took);
        }
        (connection.silent_row, connection.last_head) = (0, self.now);
        self.overtaken = self.overtaken.filter(|id| *id != attempt.connection);
        let verdict = connection.evidence.answered(id, self.now, &mut self.arrived);
        match (verdict, connection.health) {
            (Verdict::Cleared, Health::Alive) => self.addresses.proven(connection.address),
            (Verdict::Cleared, Health::Asked | Health::Suspect) => self.clear(attempt.connection, actions),
            (Verdict::Stands, _) => {}
        }
        if self.arrived.last() == Some(&id) {
            self.arrived.pop(); // its head, which is noted below, says more
        }
        self.note_arrivals();
        self.step(id, Step::Head);
        self.deliver(attempt.request, id, actions);
        // One that its caller gave up acquits its own connection, and shows nothing of others: theirs may be as late, or reset.
        if attempt.state.is_unanswered() || self.comparison.accused() == Some(attempt.connection) {
            self.find(Finding::Answered(attempt.connection), actions);
        }
    }

    /// The head is the caller's, and the race, if there was one, is over.
    fn deliver(&mut self, request: RequestId, winner: AttemptId, actions: &mut Vec<Action>) {
        let Some(before) = self.requests.turn(request, Turn::Head(winner), self.now) else { return };
        let Some(losers) = before.losers(winner) else { return }; // Nearly always: there was no race.
        let by = self.attempts.get(&winner).map(|attempt| attempt.connection);
        let by = by.filter(|id| {
            self.connections.get(id).is_some_and(|c| c.life.is_open() && c.health != Health::Suspect)
        });
        for loser in losers.iter() {
            self.note_unanswered(loser, by.filter(|_| loser < winner), actions);
            self.give_up(loser, actions);
        }
    }

    /// Proof of life that settles the doubt.
    fn clear(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.health {
            Health::Alive => {}
            Health::Asked => self.touched.push(id),
            Health::Suspect => actions.push(Action::Clear { connection: id }),
        }
        let was_suspect = connection.health == Health::Suspect;
        connection.health = connection.health.after(Sign::Proof);
        self.addresses.proven(connection.address);
        if was_suspect {
            self.look_now(id); // its next look was planned for its end
        }
    }

    /// Tells each attempt that was just proven to have arrived.
    #[inline]
    fn note_arrivals(&mut self) {
        if self.arrived.is_empty() {
            return;
        }
        let mut arrived = std::mem::take(&mut self.arrived);
        for attempt in arrived.drain(..) {
            self.step(attempt, Step::Proof);
        }
        self.arrived = arrived;
    }

    fn done(&mut self, id: AttemptId, actions: &mut Vec<Action>) {
        self.answered(id, actions); // in case the glue skipped that fact: its meaning is clear
        if let Some(done) = self.end(id) {
            self.requests.remove_delivered(done.request, id);
        }
    }

    fn ended(&mut self, id: AttemptId, loss: (FailReason, Again), actions: &mut Vec<Action>) {
        if let Some(ended) = self.end(id) {
            self.lose(ended.request, id, loss, actions);
        }
    }

    fn refused(&mut self, id: AttemptId, again: bool, actions: &mut Vec<Action>) {
        let Some(refused) = self.end(id) else { return };
        if !again {
            self.requests.count(refused.request, self.limits.refusals, 0); // this was the last time
        }
        let is_farewell = again && self.is_farewell(&refused);
        let again = if is_farewell { Again::Free } else { Again::Refusal };
        self.lose(refused.request, id, (FailReason::Refused, again), actions);
    }

    /// Whether this attempt was refused by a connection that is going away, and had been there before its request last began to
    /// wait. A server that restarts leaves by all its connections at once, and each may refuse the request once: so these do not
    /// count. Those that were opened since do, or a server that goes away at each request would be dialled for ever.
    fn is_farewell(&self, refused: &Attempt) -> bool {
        let Some(request) = self.requests.get(refused.request) else { return false };
        let connection = self.connections.get(&refused.connection);
        connection.is_some_and(|c| c.life == Life::Draining && c.since < request.since)
    }

    fn go_away(&mut self, id: ConnectionId, calm: bool, actions: &mut Vec<Action>) {
        self.change(id, |c| c.life = c.life.after(life::Turn::Drain));
        self.find(Finding::Lost(id), actions);
        let Some(connection) = self.connections.get_mut(&id).filter(|_| calm) else { return };
        if !std::mem::replace(&mut connection.complained, true) {
            self.calm.complain(self.now, &self.limits);
        }
    }

    fn closed(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        match self.connections.get(&id).map(|connection| connection.life) {
            Some(Life::Dialing) => self.dial_failed(id, actions),
            Some(Life::Open | Life::Retiring | Life::Draining) => {
                let Some(closed) = self.forget(id, actions) else { return };
                if !closed.evidence.ever_proven() {
                    self.addresses.failed(closed.address, self.now, &self.limits, &mut self.chance);
                }
                self.bereave(closed.carried, FailReason::Lost, actions);
            }
            None => {}
        }
    }
}
