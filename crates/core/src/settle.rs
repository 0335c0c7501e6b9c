//! Settling: judge the connections that something happened to, send what waits, dial for what is missing.
//!
//! The only place where decisions about connections are made. A judgement asks all its questions again from the record, so
//! nobody has to know what to re-check after which fact.

use crate::attempt::Step;
use crate::dials::Need;
use crate::health::{Health, Sign};
use crate::life::Life;
use crate::pool::Pool;
use crate::{Action, CloseReason, ConnectionId};

impl Pool {
    pub(crate) fn settle(&mut self, actions: &mut Vec<Action>) {
        while let Some(id) = self.touched.pop() {
            self.judge(id, actions);
        }
        self.send_waiting(actions);
        self.dial(actions);
    }

    fn judge(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let is_due = self.timers.is_due(id, self.now);
        if is_due {
            self.timers.set(id, None); // whoever wants another look says so below
        }
        self.judge_silence(id, is_due, actions);
        self.send_resets(id, actions);
        self.close_unused(id, actions);
        self.stand(id);
    }

    /// Asks, suspects, gives up hope: what silence means by now. Walks through what is owed, so only when a look was due
    /// or a caller gave up.
    fn judge_silence(&mut self, id: ConnectionId, is_due: bool, actions: &mut Vec<Action>) {
        let (now, awake) = (self.now, self.awake);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.can_probe || !(connection.evidence.is_pressed() || is_due) {
            return;
        }
        let least = connection.evidence.rtt.pto(&self.limits);
        let patience = self.patience.span(least, self.limits.patience_max);
        let ask_at = connection.evidence.ask_at(patience, connection.under_way(), awake, &self.limits);
        if ask_at.is_some_and(|at| at <= now) {
            connection.health = connection.health.after(Sign::Ask);
            if connection.evidence.ask(now) {
                actions.push(Action::Probe { connection: id });
            }
        }
        let miss_at = connection.evidence.miss_at(awake, &self.limits);
        if connection.health == Health::Asked && miss_at.is_some_and(|at| at <= now) {
            connection.health = connection.health.after(Sign::Miss);
            connection.since = now;
            actions.push(Action::Suspect { connection: id });
        }
        let next = match connection.health {
            Health::Alive => {
                connection.evidence.ask_at(patience, connection.under_way(), awake, &self.limits)
            }
            Health::Asked => miss_at,
            Health::Suspect => Some(connection.evidence.dead_at(connection.since, awake, &self.limits)),
        };
        if connection.health == Health::Suspect && next.is_some_and(|at| at <= now) {
            self.close(id, CloseReason::Dead, actions);
        } else if let Some(at) = next {
            self.timers.no_later_than(id, at);
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
            match connection.pace.take(self.now, &self.limits) {
                Err(at) => return self.timers.no_later_than(id, at),
                Ok(()) => connection.resetting.pop_front(),
            };
            self.step(attempt, Step::Reset);
            self.end(attempt);
            actions.push(Action::Abandon { attempt });
        }
    }

    /// Closes what has drained or was idle for too long.
    fn close_unused(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let Some(connection) = self.connections.get(&id) else { return };
        if !connection.carried.is_empty() {
            return;
        }
        let idle_until = connection.idle + self.limits.idle;
        match connection.life {
            Life::Draining => self.close(id, CloseReason::Drained, actions),
            Life::Open if connection.health == Health::Alive && idle_until <= self.now => {
                self.close(id, CloseReason::Idle, actions);
            }
            Life::Open if connection.health == Health::Alive => self.timers.no_later_than(id, idle_until),
            Life::Open | Life::Dialing => {}
        }
    }

    /// Puts the connection where those who look for one will find it, or not.
    fn stand(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let standing = connection.stands();
        if standing != connection.standing {
            self.census.leave(connection.standing);
            self.census.enter(standing);
            connection.standing = standing;
        }
        let (has_room, health, load) = (connection.has_room(), connection.health, connection.load());
        match health {
            Health::Alive if has_room => {
                self.ready_asked.remove(id);
                self.ready.put(id, load);
            }
            Health::Asked if has_room => {
                self.ready.remove(id);
                self.ready_asked.put(id, load);
            }
            Health::Alive | Health::Asked | Health::Suspect => {
                self.ready.remove(id);
                self.ready_asked.remove(id);
            }
        }
    }

    /// Sends what waits, as long as there is room: least loaded first, those asked for proof after all others.
    fn send_waiting(&mut self, actions: &mut Vec<Action>) {
        while self.requests.waiting() > 0 {
            let Some(connection) = self.ready.best().or_else(|| self.ready_asked.best()) else { return };
            let Some((request, attempt)) = self.begin(connection) else { return };
            actions.push(Action::Send { request, attempt, connection });
            self.stand(connection);
            self.await_answer(connection, request);
        }
    }

    /// Makes sure that the silence after a send is looked at in time.
    fn await_answer(&mut self, id: ConnectionId, request: crate::RequestId) {
        let Some(connection) = self.connections.get(&id) else { return };
        if !connection.can_probe {
            return;
        }
        let least = connection.evidence.rtt.pto(&self.limits);
        let patience = self.patience.span(least, self.limits.patience_max);
        let wait = self.requests.get(request).and_then(|r| r.deadline).map(|d| d.since(self.now));
        let at = self.now + wait.map_or(patience, |wait| patience.min(wait / 4));
        self.timers.no_later_than(id, at);
    }

    fn dial(&mut self, actions: &mut Vec<Action>) {
        self.dials_due = None;
        if self.requests.waiting() == 0 && self.census.suspect == 0 {
            return;
        }
        let need = Need {
            waiting: self.requests.waiting(),
            alive: self.census.alive + self.census.mute,
            mute: self.census.mute,
            suspects: self.census.suspect,
            dialing: self.census.dialing,
            last_dial: self.last_dial,
        };
        for _ in 0..self.dials.wanted(self.now, need, &self.limits) {
            let connection = self.begin_dial();
            actions.push(Action::Dial { connection, address: None });
        }
        let need = Need { dialing: self.census.dialing, last_dial: self.last_dial, ..need };
        self.dials_due = self.dials.due(self.now, need, &self.limits);
    }
}
