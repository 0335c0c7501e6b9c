//! Settling: judge the connections that something happened to, send what waits, dial for what is missing.
//!
//! The only place where requests meet connections. A request's way: the queue, the best connection, `Send`.

use crate::comparison::Finding;
use crate::dials::Need;
use crate::event::Repeat;

use crate::health::Health;
use crate::life::Life;
use crate::pool::Pool;
use crate::request::{Asked, Phase, Request, Turn};
use crate::time::earlier;
use crate::{Action, CloseReason, ConnectionId, FailReason, RequestId, Span, Time};

/// Requests that want a rescue and are turned away in one settling before the others wait for the next.
const RESCUES_TURNED_AWAY: u32 = 16;

impl Pool {
    pub(crate) fn settle(&mut self, actions: &mut Vec<Action>) {
        self.judge_touched(actions);
        self.compare(actions);
        self.send_rescues(actions);
        self.send_waiting(actions);
        self.judge_touched(actions);
        let waited = self.fail_waiting(actions);
        let overdue = self.fail_overdue(actions);
        self.dial(earlier(waited, overdue), actions);
    }

    #[inline]
    fn judge_touched(&mut self, actions: &mut Vec<Action>) {
        while let Some(id) = self.touched.pop() {
            self.judge(id, actions);
        }
    }

    /// Finds the connection that a silent one is compared with: one that is open already, if there is one.
    fn compare(&mut self, actions: &mut Vec<Action>) {
        if let Some(accused) = self.comparison.accused().filter(|_| self.comparison.searches()) {
            let other = self.ready.iter().find(|id| *id != accused);
            if let Some(other) = other {
                self.find(Finding::Candidate(other), actions);
                self.judge_touched(actions);
            }
        }
    }

    /// Sends what is out once more, on another connection, as far as the budget goes.
    fn send_rescues(&mut self, actions: &mut Vec<Action>) {
        let mut turned_away = 0;
        while let Some((id, request)) = self.requests.first_rescuing() {
            if !self.needs_rescue(&request) {
                self.requests.turn(id, Turn::Drop, self.now);
                continue;
            }
            let Some(connection) = self.elsewhere(request.phase) else {
                // Where it is out is all that is ready. Others may be out elsewhere, so they are asked too, within reason.
                turned_away += 1;
                if turned_away >= RESCUES_TURNED_AWAY.min(self.requests.rescuing()) || self.ready.is_empty() {
                    return;
                }
                self.requests.rotate_rescuing();
                continue;
            };
            let is_late = !request.phase.attempts().all(|id| self.is_on_suspect(id));
            if !self.budget.take(self.now, is_late, &self.limits) {
                self.requests.turn(id, Turn::Drop, self.now);
                continue;
            }
            self.requests.count(id, 0, 1);
            self.send(id, connection, actions);
        }
    }

    /// The best connection that is trusted and carries none of this request's attempts.
    fn elsewhere(&self, phase: Phase) -> Option<ConnectionId> {
        let carries = |id: ConnectionId| {
            phase.attempts().any(|out| self.attempts.get(&out).is_some_and(|out| out.connection == id))
        };
        self.ready.trusted().find(|id| !carries(*id))
    }

    /// A rescue that was wanted because of suspicion is not wanted any more when a suspect has proven itself; one that was
    /// wanted because of lateness, when two attempts may be answered.
    fn needs_rescue(&self, request: &Request) -> bool {
        let hopeful = request.phase.attempts().filter(|id| !self.is_on_suspect(*id)).count();
        hopeful <= usize::from(request.repeat == Repeat::WhenLate)
    }

    /// Sends what waits, as long as there is room: least loaded first, those in doubt after all others.
    fn send_waiting(&mut self, actions: &mut Vec<Action>) {
        while self.requests.waiting() > 0 {
            let Some(best) = self.ready.best() else { return };
            if self.is_kept_too_long(best) {
                self.close_unused(best, actions);
                if !self.connections.contains_key(&best) {
                    continue;
                }
            }
            let Some(id) = self.requests.next_waiting() else { return };
            let connection = self.on_trial(id).unwrap_or(best);
            self.send(id, connection, actions);
        }
    }

    /// Whether nothing was on it for longer than it is kept, by us or by its peer. A tick would have told, but after a sleep of our
    /// own process (P8) a request may come first.
    fn is_kept_too_long(&self, id: ConnectionId) -> bool {
        self.connections
            .get(&id)
            .is_some_and(|c| c.carried.is_empty() && c.idle + c.keeps.min(self.limits.idle) <= self.now)
    }

    /// The connection that lost the last race, if nothing is on it. A request that is rescued when it is late can show at no risk
    /// whether that one is stalled: else it would only be known when it is needed.
    fn on_trial(&mut self, request: RequestId) -> Option<ConnectionId> {
        let id = self.overtaken?;
        self.requests.get(request).filter(|request| request.repeat == Repeat::WhenLate)?;
        let connection = self.connections.get(&id).filter(|c| c.has_room() && c.load() == 0)?;
        let is_safe = connection.health == Health::Alive && self.ready.trusted().any(|other| other != id);
        (is_safe && self.budget.is_left(self.now, true, &self.limits)).then_some(id)
    }

    fn send(&mut self, request: RequestId, connection: ConnectionId, actions: &mut Vec<Action>) {
        debug_assert!(self.connections.contains_key(&connection), "who is sent there has left the queue");
        let Some(asked) = self.requests.get(request).map(|request| request.asked()) else { return };
        self.begin(connection, request, asked, actions);
        self.await_answer(connection, asked);
    }

    /// Makes sure that the silence after a send is looked at in time.
    fn await_answer(&mut self, id: ConnectionId, asked: Asked) {
        let Some(connection) = self.connections.get(&id) else { return };
        let wait = asked.deadline.map_or(Span::MAX, |deadline| deadline.since(self.now));
        let share = match (connection.can_probe, asked.repeat) {
            (true, _) => wait / 4,
            (false, Repeat::WhenLate) => wait / 8 * 3,
            (false, Repeat::IfUnprocessed | Repeat::OnSuspicion) => return,
        };
        let patience = self.patience_for(connection.evidence.rtt.pto(&self.limits));
        self.timers.no_later_than(id, self.now + patience.min(share));
    }

    /// Fails who has waited too long, and says when the next one will have.
    fn fail_waiting(&mut self, actions: &mut Vec<Action>) -> Option<Time> {
        while let Some((id, since)) = self.requests.longest_waiting() {
            let until = since + self.limits.wait;
            if until > self.now {
                return Some(until);
            }
            self.requests.remove(id);
            actions.push(Action::Fail { request: id, why: FailReason::Wait });
        }
        None
    }

    /// Fails all who wait where nothing has been open for too long, and says when that would be. Our own sleep does not count.
    fn fail_overdue(&mut self, actions: &mut Vec<Action>) -> Option<Time> {
        if self.requests.waiting() == 0 || self.need().alive > 0 {
            self.barren = None;
            return None;
        }
        let since = (*self.barren.get_or_insert(self.now)).max(self.awake);
        let until = since + self.limits.dialling;
        if until > self.now {
            return Some(until);
        }
        self.barren = None;
        for request in self.requests.drain_waiting() {
            actions.push(Action::Fail { request, why: FailReason::Overdue });
        }
        None
    }

    fn dial(&mut self, waited: Option<Time>, actions: &mut Vec<Action>) {
        self.settle_due = waited;
        if self.lacks_nothing() {
            debug_assert_eq!(self.dials.target(self.need(), &self.limits), 0, "what is plain is true");
            return; // Nearly always. Then no dial under way is late, for nobody misses it.
        }
        let need = self.need();
        if self.dials.redial_at(need, &self.limits).is_some_and(|at| at <= self.now) {
            self.redial(actions);
        }
        let need = self.need();
        for _ in 0..self.dials.wanted(self.now, need, &self.limits) {
            let Some(address) = self.addresses.best(self.now) else { break };
            self.begin_dial(address, actions);
        }
        let need = Need { dialing: self.census.dialing, last_dial: self.last_dial, ..need };
        let late = self.dials.due(need, &self.limits).filter(|at| *at > self.now);
        let redial = self.dials.redial_at(need, &self.limits).filter(|at| *at > self.now);
        let is_short = self.dials.wanted(self.now, need, &self.limits) > 0;
        let backoff = self.addresses.free_at(self.now).filter(|_| is_short);
        self.settle_due = [waited, late, redial, backoff].into_iter().flatten().min();
    }

    /// Calls off the oldest dial; another takes its place.
    fn redial(&mut self, actions: &mut Vec<Action>) {
        let dialing = self.connections.iter().filter(|(_, connection)| connection.life == Life::Dialing);
        let oldest = dialing.min_by_key(|(id, connection)| (connection.since, **id)).map(|(id, _)| *id);
        if let Some(id) = oldest {
            self.dials.redialled();
            self.close(id, CloseReason::Surplus, actions);
        }
    }

    /// Whether it is plain that nothing is missing that a dial could bring: then none is wanted, late, or to be called off.
    fn lacks_nothing(&self) -> bool {
        self.requests.waiting() + self.requests.rescuing() == 0
            && self.census.alive >= self.limits.connections_min.max(1)
            && !self.comparison.searches()
    }

    fn need(&self) -> Need {
        let succession = self.census.retiring > 0 && self.census.alive == 0;
        Need {
            waiting: self.requests.waiting() + self.requests.rescuing(),
            alive: self.census.alive + self.census.mute + self.census.retiring,
            mute: self.census.mute,
            suspects: self.census.suspect,
            leaving: self.census.leaving,
            besides: u32::from(self.comparison.searches() || succession),
            dialing: self.census.dialing,
            last_dial: self.last_dial,
        }
    }
}
