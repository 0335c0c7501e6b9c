//! Judging one connection: what its silence means, what it is due, where it stands.
//!
//! A judgement asks all its questions again from the record, so nobody has to know what to re-check after which fact. What
//! needs a walk through all that is owed is asked only when a look was due, or a caller gave up; and none is asked where all of
//! them would find nothing ([`Connection::is_remarkable`](crate::connection::Connection::is_remarkable)).

use crate::attempt::Step;
use crate::census::Standing;
use crate::event::Repeat;
use crate::health::{Health, Sign};
use crate::life::{self, Life};
use crate::pool::Pool;
use crate::request::{Phase, Turn};
use crate::{Action, AttemptId, CloseReason, ConnectionId, DrainReason, Span, Time};

impl Pool {
    pub(crate) fn judge(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let is_due = self.timers.is_due(id, self.now);
        if is_due {
            self.timers.set(id, None); // whoever wants another look says so below
        }
        let Some(connection) = self.connections.get(&id) else { return };
        if is_due || connection.is_remarkable() {
            self.ask_everything(id, is_due, actions);
        } else if cfg!(debug_assertions) {
            let before = (actions.len(), self.timers.first());
            self.ask_everything(id, is_due, actions);
            debug_assert_eq!(
                (actions.len(), self.timers.first()),
                before,
                "what is not remarkable says nothing"
            );
        }
        self.stand(id);
    }

    fn ask_everything(&mut self, id: ConnectionId, is_due: bool, actions: &mut Vec<Action>) {
        self.judge_silence(id, is_due, actions);
        if is_due {
            self.rescue_late(id);
            self.retire(id, actions);
        }
        self.send_resets(id, actions);
        self.close_unused(id, actions);
    }

    /// The patience for a connection: what was learned, at least one of its PTOs.
    pub(crate) fn patience_for(&self, least: Span) -> Span {
        self.patience.span(least, self.limits.patience_max)
    }

    /// Asks, suspects, gives up hope.
    fn judge_silence(&mut self, id: ConnectionId, is_due: bool, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get(&id) else { return };
        if !connection.can_probe || !(connection.evidence.is_pressed() || is_due) {
            return;
        }
        self.ask(id, actions);
        self.suspect(id, actions);
        let Some(connection) = self.connections.get(&id) else { return };
        let next = match connection.health {
            Health::Alive => self.ask_at(id),
            Health::Asked => connection.evidence.miss_at(self.is_alone(id), self.awake, &self.limits),
            Health::Suspect => Some(connection.evidence.dead_at(connection.since, self.awake, &self.limits)),
        };
        if connection.health == Health::Suspect && next.is_some_and(|at| at <= self.now) {
            self.close(id, CloseReason::Dead, actions);
            return;
        }
        for at in [next, self.ask_at(id)].into_iter().flatten() {
            self.timers.no_later_than(id, at);
        }
    }

    fn ask_at(&self, id: ConnectionId) -> Option<Time> {
        let connection = self.connections.get(&id)?;
        let patience = self.patience_for(connection.evidence.rtt.pto(&self.limits));
        connection.evidence.ask_at(
            patience,
            connection.under_way(&self.limits),
            connection.is_crowded(),
            self.awake,
            self.calm.rest(self.now, &self.limits),
            &self.limits,
        )
    }

    fn ask(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let is_time = self.ask_at(id).is_some_and(|at| at <= self.now);
        let Some(connection) = self.connections.get_mut(&id).filter(|_| is_time) else { return };
        connection.health = connection.health.after(Sign::Ask);
        if let Some(by) = connection.evidence.ask(self.now, &self.limits) {
            actions.push(Action::Probe { connection: id, by });
        }
    }

    fn suspect(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let alone = self.is_alone(id);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let miss_at = connection.evidence.miss_at(alone, self.awake, &self.limits);
        if connection.health != Health::Asked || miss_at.is_none_or(|at| at > self.now) {
            return;
        }
        connection.health = connection.health.after(Sign::Miss);
        connection.since = self.now;
        let carried = connection.carried.clone();
        actions.push(Action::Suspect { connection: id });
        self.find(crate::comparison::Finding::Lost(id), actions);
        for attempt in carried {
            self.wish(attempt, Repeat::OnSuspicion);
        }
    }

    /// Whether nothing else is there that could take what is on this connection.
    fn is_alone(&self, id: ConnectionId) -> bool {
        self.ready.trusted().all(|other| other == id)
    }

    /// Wants this attempt's request to be rescued, if it may be sent twice, allows it for this reason, and is not out
    /// anywhere else where it may still be answered.
    pub(crate) fn wish(&mut self, id: AttemptId, reason: Repeat) {
        let Some(attempt) = self.attempts.get(&id).copied().filter(|attempt| attempt.state.is_unanswered())
        else {
            return;
        };
        let Some(request) = self.requests.get(attempt.request).copied() else { return };
        let allows = reason == Repeat::OnSuspicion || request.repeat == reason;
        let is_late = reason == Repeat::WhenLate;
        let allows = allows && self.budget.is_left(self.now, is_late, &self.limits);
        let is_alone = request.phase.is_out(id) && self.is_lost_elsewhere(request.phase, id);
        if allows && is_alone && request.may_repeat(self.now, self.limits.extra) {
            self.requests.turn(attempt.request, Turn::Wish, self.now);
        }
    }

    /// Whether all attempts that are out besides this one are on suspects.
    fn is_lost_elsewhere(&self, phase: Phase, id: AttemptId) -> bool {
        phase.attempts().filter(|other| *other != id).all(|other| self.is_on_suspect(other))
    }

    /// Whether this attempt's connection is suspect, or gone.
    pub(crate) fn is_on_suspect(&self, id: AttemptId) -> bool {
        let connection = self.attempts.get(&id).and_then(|attempt| self.connections.get(&attempt.connection));
        connection.is_none_or(|connection| connection.health == Health::Suspect)
    }

    /// When this attempt is late on a connection that is alive, for a caller who opted in to a rescue then: after the learned
    /// patience, or half of what its caller waits (design: the hedged request of Dean and Barroso, "The Tail at Scale", 2013).
    fn late_at(&self, id: AttemptId, patience: Span) -> Option<Time> {
        let attempt = self.attempts.get(&id).filter(|attempt| attempt.state.is_unanswered())?;
        let request = self.requests.get(attempt.request).filter(|r| r.repeat == Repeat::WhenLate)?;
        // A rescue that needs a dial needs more time.
        let eighths = if self.is_alone(attempt.connection) { 3 } else { 4 };
        let share = request.deadline.map(|deadline| deadline.since(attempt.sent) / 8 * eighths);
        let wait = share.map_or(patience, |share| share.min(patience));
        let is_alone = request.phase.is_out(id) && self.is_lost_elsewhere(request.phase, id);
        is_alone.then_some(attempt.sent.max(self.awake) + wait)
    }

    fn rescue_late(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else { return };
        let patience = self.patience_for(connection.evidence.rtt.pto(&self.limits));
        let late: Vec<_> =
            connection.carried.iter().filter_map(|id| Some((*id, self.late_at(*id, patience)?))).collect();
        for (attempt, at) in late {
            if at <= self.now {
                self.wish(attempt, Repeat::WhenLate);
            } else {
                self.timers.no_later_than(id, at);
            }
        }
    }

    /// Drains what is too old, once there is a successor or no more time to wait for one.
    fn retire(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id).filter(|c| c.life.is_open()) else { return };
        let (aged, last) = (connection.aged, connection.aged + self.limits.age / 10);
        if aged == Time::NEVER {
            return;
        }
        if self.now < aged {
            return self.timers.no_later_than(id, aged);
        }
        connection.life = connection.life.after(life::Turn::Age);
        let has_successor = self.census.alive > u32::from(connection.standing == Standing::Alive);
        if self.now >= last || has_successor || connection.carried.is_empty() {
            self.drain(id, DrainReason::Aged, actions);
        } else {
            self.timers.no_later_than(id, last.min(self.now + self.limits.stagger_max));
        }
    }

    /// Resets what was given up and has arrived, at a pace that servers bear; on a doubtful connection not at all (P10).
    fn send_resets(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        while let Some(connection) = self.connections.get_mut(&id) {
            let Some(attempt) = connection.resetting.front().copied() else { return };
            if !self.attempts.contains_key(&attempt) {
                connection.resetting.pop_front(); // it ended by itself meanwhile
                continue;
            }
            if connection.health != Health::Alive {
                return;
            }
            if connection.evidence.unproven_resets() >= self.limits.resets_unproven {
                let ask_at = self.ask_at(id);
                return ask_at.into_iter().for_each(|at| self.timers.no_later_than(id, at.max(self.now)));
            }
            match connection.pace.take(self.now, &self.limits) {
                Err(at) => return self.timers.no_later_than(id, at),
                Ok(()) => connection.resetting.pop_front(),
            };
            connection.evidence.reset(self.now);
            self.step(attempt, Step::Reset);
            self.end(attempt);
            actions.push(Action::Abandon { attempt });
        }
    }

    /// Closes what has drained or was idle for too long.
    pub(crate) fn close_unused(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get(&id) else { return };
        if connection.life == Life::Draining && connection.is_unwanted() {
            return self.close(id, CloseReason::Drained, actions);
        }
        if !connection.carried.is_empty() {
            return;
        }
        let kept_until = connection.idle + connection.keeps;
        let idle_until = kept_until.min(connection.idle + self.limits.idle);
        // One whose peer allows no stream, or that takes no bytes, is not kept: another may do better. What replaces a suspect is.
        let kept = self.limits.connections_min.max(u32::from(self.census.suspect > 0));
        let is_spare = connection.streams == 0
            || !connection.writable
            || self.census.alive > kept
            || kept_until <= self.now;
        match (connection.life, connection.health) {
            (Life::Open | Life::Retiring, Health::Alive) if idle_until > self.now => {
                self.timers.no_later_than(id, idle_until)
            }
            (Life::Open | Life::Retiring, Health::Alive) if is_spare => {
                self.close(id, CloseReason::Idle, actions)
            }
            // It is kept for now; what for may end unnoticed.
            (Life::Open | Life::Retiring, Health::Alive) => {
                let again = self.now + self.limits.idle.max(self.limits.dead_after);
                self.timers.no_later_than(id, again.min(kept_until));
            }
            (
                Life::Dialing | Life::Open | Life::Retiring | Life::Draining,
                Health::Alive | Health::Asked | Health::Suspect,
            ) => {}
        }
    }

    /// Counts the connection as what it is now, and puts it where those who look for one will find it, or not.
    fn stand(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let standing = connection.stands();
        if standing != connection.standing {
            self.census.leave(connection.standing);
            self.census.enter(standing);
            connection.standing = standing;
        }
        let tier = connection.tier(self.comparison.accused() == Some(id));
        self.ready.put(id, tier, connection.load());
    }
}
