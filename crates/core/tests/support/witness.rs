//! A witness that sees every fact and every decision, keeps its own books, and says when a promise is broken.
//!
//! It knows nothing of the pool's inside. Its books are as simple as they can be made, so that a reader can check the
//! checker: a promise is a few lines below, next to its name.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use outlive_core::{
    Action, AttemptId, CloseReason, ConnectionId, DrainReason, Event, Limits, ProbeKind, Repeat, RequestId,
    Span, Time,
};

/// A broken promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    pub promise: &'static str,
    pub how: String,
}

fn broken<T>(promise: &'static str, how: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { promise, how: how.into() })
}

/// A request that has not ended.
struct Request {
    /// The attempts out for it; the one that brought the head, once that has arrived.
    out: BTreeSet<AttemptId>,
    delivered: bool,
    repeat: Repeat,
    /// Attempts that the peer may have processed.
    risky: u32,
}

impl Request {
    fn waits(&self) -> bool {
        self.out.is_empty() && !self.delivered
    }
}

struct Attempt {
    request: RequestId,
    connection: ConnectionId,
    given_up: bool,
    /// Its head has arrived.
    answered: bool,
    /// Proven to have arrived.
    arrived: bool,
}

struct Connection {
    dialled: Time,
    has_address: bool,

    open: bool,
    draining: bool,
    suspect: bool,
    streams: u32,
    writable: bool,
    /// Requests given up since the last response head.
    silent: u32,
    /// Probes since the last response head, and when the last one was sent.
    probes: u32,
    last_probe: Time,
    /// When resets were sent, of late; and how many since proof arrived.
    resets: Vec<Time>,
    unproven_resets: u32,
    /// The attempts that take a stream: all whose fate is unknown.
    held: BTreeSet<AttemptId>,
    last_sent: Option<AttemptId>,
    /// The last attempt that was sent before the latest question.
    behind: Option<AttemptId>,
    /// The probe that is out.
    probe: Option<ProbeKind>,
    /// Whether something was in question when the last probe was answered, and the answer did not cover it.
    doubtful: bool,
}

impl Connection {
    fn dialling(now: Time) -> Self {
        Self {
            dialled: now,
            has_address: false,

            open: false,
            draining: false,
            suspect: false,
            streams: 0,
            writable: true,
            silent: 0,
            probes: 0,
            last_probe: Time::ZERO,
            resets: Vec::new(),
            unproven_resets: 0,
            held: BTreeSet::new(),
            last_sent: None,
            behind: None,
            probe: None,
            doubtful: false,
        }
    }

    fn takes_requests(&self) -> bool {
        self.open && !self.draining
    }

    fn has_room(&self) -> bool {
        self.takes_requests() && !self.suspect && self.writable && self.held.len() < self.streams as usize
    }

    /// Whether nothing at all speaks against it.
    fn is_trusted(&self) -> bool {
        self.has_room() && self.probe.is_none() && self.silent == 0 && !self.doubtful
    }
}

/// The witness's books.
pub struct Witness {
    limits: Limits,
    now: Time,
    /// When our own process last woke from a sleep, as its late coming shows.
    woke: Time,
    /// Streams that the last connection to open could carry: what the pool may expect of the next.
    streams: Option<u32>,
    requests: BTreeMap<RequestId, Request>,
    /// Times of requests, and of extra attempts, of late.
    recent: VecDeque<Time>,
    extra: VecDeque<Time>,
    attempts: BTreeMap<AttemptId, Attempt>,
    connections: BTreeMap<ConnectionId, Connection>,
    /// Requests that the last fact left to be sent again at a risk, or to fail.
    retried: BTreeSet<RequestId>,
    /// Requests that must be told their fate among the decisions on the last fact.
    owed: BTreeSet<RequestId>,
    last_attempt: Option<AttemptId>,
    last_connection: Option<ConnectionId>,
}

/// What the pool is told.
impl Witness {
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            now: Time::ZERO,
            woke: Time::ZERO,
            streams: limits.streams_expected,
            requests: BTreeMap::new(),
            recent: VecDeque::new(),
            extra: VecDeque::new(),
            attempts: BTreeMap::new(),
            connections: BTreeMap::new(),
            retried: BTreeSet::new(),
            owed: BTreeSet::new(),
            last_attempt: None,
            last_connection: None,
        }
    }

    /// Requests whose caller still waits.
    pub fn unfinished(&self) -> Vec<RequestId> {
        self.requests.iter().filter(|(_, request)| !request.delivered).map(|(id, _)| *id).collect()
    }

    /// A fact is about to be told, when the pool had asked to be woken at `due`.
    pub fn fact(&mut self, now: Time, due: Option<Time>, event: Event) {
        self.now = self.now.max(now);
        if due.is_some_and(|due| now > due + self.limits.late) {
            self.woke = self.now;
        }
        match event {
            Event::Request { request, repeat, .. } => {
                if let Entry::Vacant(entry) = self.requests.entry(request) {
                    self.recent.push_back(self.now);
                    entry.insert(Request { out: BTreeSet::new(), delivered: false, repeat, risky: 0 });
                }
            }
            Event::Cancel { request } => {
                for id in self.requests.remove(&request).into_iter().flat_map(|request| request.out) {
                    self.give_up(id);
                }
            }
            Event::Connected { connection, streams, .. } => {
                if let Some(found) = self.connections.get_mut(&connection).filter(|c| !c.open) {
                    (found.open, found.streams) = (true, streams);
                    self.streams = Some(streams);
                }
            }
            Event::DialFailed { connection } => {
                if self.connections.get(&connection).is_some_and(|c| !c.open) {
                    self.connections.remove(&connection);
                }
            }
            Event::Streams { connection, streams } => {
                self.connections.entry(connection).and_modify(|found| found.streams = streams);
            }
            Event::Writable { connection, writable } => {
                self.connections.entry(connection).and_modify(|found| found.writable = writable);
            }
            Event::Proven { connection, through } => {
                if let Some(found) = self.connections.get_mut(&connection).filter(|c| c.open) {
                    (found.probe, found.unproven_resets) = (None, 0);
                    self.arrive(connection, through);
                    self.doubt(connection);
                }
            }
            Event::Answered { attempt } => self.answered(attempt),
            Event::Done { attempt } => {
                self.answered(attempt);
                self.ended(attempt, true);
            }
            Event::Refused { attempt, again } => {
                if !again {
                    self.owe(attempt);
                }
                self.ended(attempt, false);
            }
            Event::Reset { attempt } => self.ended(attempt, true),
            Event::Failed { attempt } => {
                self.owe(attempt);
                self.ended(attempt, true);
            }
            Event::GoAway { connection, .. } => {
                self.connections.entry(connection).and_modify(|found| found.draining |= found.open);
            }
            Event::Closed { connection } => self.gone(connection),
            Event::Heard { .. }
            | Event::Tick
            | Event::Kernel { .. }
            | Event::Keeps { .. }
            | Event::Address { .. } => {}
        }
    }

    /// Everything sent on a connection up to `through` has arrived.
    fn arrive(&mut self, connection: ConnectionId, through: Option<AttemptId>) {
        for (id, attempt) in &mut self.attempts {
            if attempt.connection == connection && Some(*id) <= through {
                attempt.arrived = true;
            }
        }
    }

    /// A probe was answered: what it did not cover may still be in question, and a new probe may have to wait.
    fn doubt(&mut self, id: ConnectionId) {
        let Some(found) = self.connections.get_mut(&id) else { return };
        found.doubtful = found.held.iter().any(|held| !self.attempts[held].arrived);
    }

    fn answered(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        if std::mem::replace(&mut attempt.answered, true) {
            return;
        }
        let (request, connection) = (attempt.request, attempt.connection);
        self.connections
            .entry(connection)
            .and_modify(|c| (c.silent, c.probes, c.unproven_resets) = (0, 0, 0));
        if let Some(request) = self.requests.get_mut(&request).filter(|r| !r.delivered && r.out.contains(&id))
        {
            request.delivered = true;
            let losers = std::mem::replace(&mut request.out, BTreeSet::from([id]));
            for loser in losers.into_iter().filter(|loser| *loser != id) {
                self.give_up(loser);
            }
        }
        self.arrive(connection, Some(id));
    }

    /// Nobody waits for this attempt any more.
    fn give_up(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        attempt.given_up = true;
        self.connections.entry(attempt.connection).and_modify(|c| c.silent += 1);
    }

    /// If this attempt is the only one out, its end is its request's end.
    fn owe(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let only = BTreeSet::from([id]);
        if self.requests.get(&attempt.request).is_some_and(|r| !r.delivered && r.out == only) {
            self.owed.insert(attempt.request);
        }
    }

    /// An attempt ended without an answer, and may or may not have been processed. A request that has no other one out and
    /// may not be sent again is owed its fate.
    fn ended(&mut self, id: AttemptId, is_risky: bool) {
        let Some(attempt) = self.release(id) else { return };
        let Some(request) = self.requests.get_mut(&attempt.request) else { return };
        if !request.out.remove(&id) {
            return;
        }
        if request.delivered {
            self.requests.remove(&attempt.request);
            return;
        }
        if is_risky && request.waits() {
            self.retried.insert(attempt.request);
        }
        request.risky -= u32::from(!is_risky);
        if request.waits() && request.repeat == Repeat::IfUnprocessed && request.risky > 0 {
            self.owed.insert(attempt.request);
        }
    }

    /// Its fate is known: the stream is free.
    fn release(&mut self, id: AttemptId) -> Option<Attempt> {
        let attempt = self.attempts.remove(&id)?;
        self.connections.entry(attempt.connection).and_modify(|connection| _ = connection.held.remove(&id));
        Some(attempt)
    }

    /// A connection has ended, and with it what was on it.
    fn gone(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else { return };
        for attempt in connection.held {
            self.ended(attempt, true);
        }
    }
}

/// What the pool decides.
impl Witness {
    /// The decisions on the last fact, and when the pool wants to be woken next.
    pub fn decisions(&mut self, event: Event, actions: &[Action], due: Option<Time>) -> Result<(), Broken> {
        for action in actions {
            self.decision(event, *action)?;
        }
        while self.retried.pop_first().is_some() {
            self.spend()?;
        }
        if let Some(request) = self.owed.pop_first() {
            return broken("P7", format!("{request} lost its attempt and was not told"));
        }
        self.stuck(due)
    }

    /// P7: nobody waits while there is room, or for something that will never come.
    fn stuck(&self, due: Option<Time>) -> Result<(), Broken> {
        if self.waiting() == 0 {
            return Ok(());
        }
        if let Some((id, _)) = self.connections.iter().find(|(_, connection)| connection.has_room()) {
            return broken("P7", format!("requests wait although {id} has room"));
        }
        let busy = self.connections.values().any(|c| !c.open || !c.held.is_empty() || !c.writable);
        if due.is_none() && !busy {
            return broken("P7", "requests wait and nothing will wake them");
        }
        Ok(())
    }

    fn waiting(&self) -> u32 {
        self.requests.values().filter(|request| request.waits()).count() as u32
    }

    /// Requests that may want to be sent on one more connection.
    fn rescuable(&self) -> u32 {
        let may = |r: &&Request| !r.delivered && r.repeat != Repeat::IfUnprocessed && !r.out.is_empty();
        self.requests.values().filter(may).count() as u32
    }

    fn decision(&mut self, event: Event, action: Action) -> Result<(), Broken> {
        match action {
            Action::Dial { connection, address } => self.dial(connection, address.is_some()),
            Action::Send { request, attempt, connection } => self.send(request, attempt, connection),
            Action::Abandon { attempt } => self.abandon(attempt),
            Action::Probe { connection, by } => self.probe(event, connection, by),
            Action::Suspect { connection } => self.suspect(connection),
            Action::Clear { connection } => self.clear(event, connection),
            Action::Drain { connection, why } => self.drain(connection, why),
            Action::Close { connection, why } => self.close(event, connection, why),
            Action::Fail { request, .. } => self.fail(request),
        }
    }

    /// P6: dials come from need, within limits, and a late one gets one more for company. P11: connections are limited.
    fn dial(&mut self, id: ConnectionId, has_address: bool) -> Result<(), Broken> {
        if Some(id) <= self.last_connection {
            return broken("P16", format!("{id} is no new name"));
        }
        self.last_connection = Some(id);
        let open =
            |suspect| self.connections.values().filter(move |c| c.takes_requests() && c.suspect == suspect);
        let (alive, suspects) = (open(false).count(), open(true).count());
        let wanting = self.waiting() + self.rescuable();
        let is_compared = self.connections.values().any(|c| c.silent >= self.limits.silent_row);
        let is_cold = alive < self.limits.connections_min as usize;
        let is_alone = alive == 0 && suspects > 0;
        if wanting == 0 && !is_alone && !is_compared && !is_cold && self.limits.age == Span::MAX {
            return broken("P6", format!("{id} is dialled and nobody needs it"));
        }
        let dialing = || self.connections.values().filter(|c| !c.open);
        let twice = 2 * self.limits.connections as usize;
        if alive + dialing().count() >= self.limits.connections as usize || self.connections.len() >= twice {
            return broken("P11", format!("{id} is one connection too many"));
        }
        let (at_once, for_wanting) = match self.streams {
            None => (self.limits.dials, 1),
            Some(1) => (self.limits.dials_single, wanting),
            Some(streams) => (self.limits.dials, wanting.div_ceil(streams.max(1))),
        };
        if dialing().count() >= at_once as usize {
            return broken("P6", format!("{id} is one dial too many at a time"));
        }
        let needed = for_wanting.max(self.limits.connections_min).max(1);
        let youngest = dialing().map(|c| c.dialled).max();
        let is_company = youngest.is_some_and(|last| self.now.since(last) >= self.limits.stagger_min);
        if dialing().count() >= needed as usize && !is_company {
            return broken("P6", format!("{id} is one dial more than are needed"));
        }
        self.connections.insert(id, Connection { has_address, ..Connection::dialling(self.now) });
        Ok(())
    }

    fn send(&mut self, request: RequestId, id: AttemptId, connection: ConnectionId) -> Result<(), Broken> {
        if Some(id) <= self.last_attempt {
            return broken("P16", format!("{id} is no new name"));
        }
        self.last_attempt = Some(id);
        self.repeat(request, connection)?;
        let is_first = self.requests.get(&request).is_some_and(|request| request.out.is_empty());
        let least = self.connections.values().filter(|c| c.is_trusted()).map(|c| c.held.len()).min();
        let Some(found) = self.connections.get_mut(&connection).filter(|c| c.takes_requests()) else {
            return broken("P7", format!("{request} is sent where no requests are taken: {connection}"));
        };
        if found.suspect {
            return broken("P1", format!("{request} is sent on the suspect {connection}"));
        }
        if found.held.len() >= found.streams as usize {
            return broken("P3", format!("{connection} carries more than {} streams", found.streams));
        }
        if !found.writable {
            return broken("P11", format!("{request} is sent on the blocked {connection}"));
        }
        if is_first && least.is_some_and(|least| found.held.len() > least) {
            return broken("P13", format!("{request} is sent on {connection}, and another carries less"));
        }
        found.held.insert(id);
        found.last_sent = Some(id);
        self.requests.entry(request).and_modify(|request| {
            request.out.insert(id);
            request.risky += 1;
        });
        self.attempts
            .insert(id, Attempt { request, connection, given_up: false, answered: false, arrived: false });
        Ok(())
    }

    /// P4: only what may be repeated is sent again when it may have been processed. P5: and not too often.
    fn repeat(&mut self, id: RequestId, connection: ConnectionId) -> Result<(), Broken> {
        let Some(request) = self.requests.get(&id).filter(|request| !request.delivered) else {
            return broken("P7", format!("{id} is sent after its end"));
        };
        // One more at a time than suspicion asks for is waste: all others must be where no answer is expected.
        let is_hopeless = |out: &AttemptId| {
            let attempt = self.attempts.get(out);
            attempt.and_then(|a| self.connections.get(&a.connection)).is_none_or(|c| c.suspect)
        };
        let hopeful = request.out.iter().filter(|out| !is_hopeless(out)).count();
        if hopeful > usize::from(request.repeat == Repeat::WhenLate) {
            return broken("P4", format!("{id} is rescued although it is not in danger"));
        }
        if request.out.iter().any(|out| self.attempts.get(out).is_some_and(|a| a.connection == connection)) {
            return broken("P4", format!("{id} is rescued where it is out already"));
        }
        if request.risky == 0 {
            return Ok(());
        }
        if request.repeat == Repeat::IfUnprocessed {
            return broken("P4", format!("{id} may not be repeated, and may have been processed"));
        }
        if request.risky > self.limits.extra {
            return broken("P5", format!("{id} is sent too often"));
        }
        match request.out.is_empty() {
            true => Ok(()), // counted when it was decided not to let it fail
            false => self.spend(),
        }
    }

    /// P5: one more extra attempt.
    fn spend(&mut self) -> Result<(), Broken> {
        // The pool counts by seconds: between nine and ten of them, and this one.
        let is_past = |at: &Time, secs| *at + Span::from_secs(secs) <= self.now;
        while self.recent.front().is_some_and(|at| is_past(at, 11)) {
            self.recent.pop_front();
        }
        while self.extra.front().is_some_and(|at| is_past(at, 9)) {
            self.extra.pop_front();
        }
        self.extra.push_back(self.now);
        let share = self.recent.len() as u32 * self.limits.extra_percent / 100;
        if self.extra.len() as u32 > share + self.limits.extra_floor {
            return broken(
                "P5",
                format!("{} extra attempts, {} requests", self.extra.len(), self.recent.len()),
            );
        }
        Ok(())
    }

    fn abandon(&mut self, id: AttemptId) -> Result<(), Broken> {
        let Some(attempt) = self.release(id) else {
            return broken("P7", format!("{id} is abandoned after its end"));
        };
        if !attempt.given_up {
            return broken("P7", format!("{id} is abandoned although its caller waits"));
        }
        if !attempt.arrived {
            return broken("P2", format!("{id} gave its stream back before it was proven to have arrived"));
        }
        let (now, limits) = (self.now, &self.limits);
        let Some(found) = self.connections.get_mut(&attempt.connection) else { return Ok(()) };
        if found.suspect {
            return broken("P10", format!("{id} is reset on a suspect"));
        }
        found.unproven_resets += 1;
        if found.unproven_resets > limits.resets_unproven {
            return broken("P10", format!("{} resets without proof of their arrival", found.unproven_resets));
        }
        let window = limits.reset_interval * limits.resets;
        found.resets.push(now);
        found.resets.retain(|at| *at + window > now);
        if found.resets.len() as u32 > 2 * limits.resets {
            return broken("P10", format!("{} resets within {window} ms", found.resets.len()));
        }
        Ok(())
    }

    /// P9: one probe at a time, and few without a response in between.
    fn probe(&mut self, event: Event, id: ConnectionId, by: ProbeKind) -> Result<(), Broken> {
        let Some(found) = self.connections.get_mut(&id).filter(|c| c.open) else {
            return broken("P9", format!("{id} is asked and is not there"));
        };
        if found.probe.is_some() {
            return broken("P9", format!("{id} is asked twice at a time"));
        }
        let is_soon = self.now < found.last_probe + self.limits.probe_rest_min;
        if found.probes >= self.limits.pings && (by == ProbeKind::Ping || is_soon) {
            return broken("P9", format!("{id} is asked too often without a response in between"));
        }
        found.probes += 1;
        // One that follows at once on the answer to another may go on with an older question.
        if !matches!(event, Event::Proven { connection, .. } if connection == id) {
            found.behind = found.last_sent;
        }
        (found.probe, found.last_probe) = (Some(by), self.now);
        Ok(())
    }

    fn suspect(&mut self, id: ConnectionId) -> Result<(), Broken> {
        let (now, woke) = (self.now, self.woke);
        let Some(found) = self.connections.get_mut(&id).filter(|c| c.open && !c.suspect) else {
            return broken("P12", format!("{id} is suspected and is not there, or is suspect already"));
        };
        if found.probe.is_none() {
            return broken("P12", format!("{id} is suspected without having been asked"));
        }
        if woke > Time::ZERO && now.since(woke) < self.limits.granularity {
            return broken("P8", format!("{id} is suspected right after our own sleep"));
        }
        found.suspect = true;
        Ok(())
    }

    /// P15: only proof of a later write clears a suspect.
    fn clear(&mut self, event: Event, id: ConnectionId) -> Result<(), Broken> {
        let Some(found) = self.connections.get_mut(&id).filter(|c| c.suspect) else {
            return broken("P12", format!("{id} is cleared and was not suspect"));
        };
        found.suspect = false;
        let proof = match event {
            Event::Proven { connection, .. } => connection == id,
            Event::Answered { attempt } | Event::Done { attempt } => {
                // Of the question: the probe that stands for it may be an older one, whose answer came and settled nothing.
                let later = Some(attempt) > found.behind;
                later && self.attempts.get(&attempt).is_none_or(|found| found.connection == id)
            }
            _ => false,
        };
        if proof { Ok(()) } else { broken("P15", format!("{id} is cleared by what proves nothing: {event}")) }
    }

    /// P14: stalled is a comparison's verdict.
    fn drain(&mut self, id: ConnectionId, why: DrainReason) -> Result<(), Broken> {
        let others =
            self.connections.iter().any(|(other, c)| *other != id && c.takes_requests() && !c.suspect);
        let Some(found) = self.connections.get_mut(&id).filter(|c| c.takes_requests()) else {
            return broken("P7", format!("{id} is drained and takes no requests anyway"));
        };
        found.draining = true;
        match why {
            DrainReason::Stalled if !others => {
                broken("P14", format!("{id} is stalled compared with nothing"))
            }
            DrainReason::Aged if self.limits.age == Span::MAX => {
                broken("P14", format!("{id} has no age limit"))
            }
            DrainReason::Stalled | DrainReason::Aged => Ok(()),
        }
    }

    fn close(&mut self, event: Event, id: ConnectionId, why: CloseReason) -> Result<(), Broken> {
        let Some(found) = self.connections.get(&id) else {
            return broken("P7", format!("{id} is closed and is not there"));
        };
        let is_late = self.now.since(found.dialled) >= self.limits.redial;
        let is_resolved = !found.has_address && matches!(event, Event::Address { known: true, .. });
        if !found.open && (why != CloseReason::Surplus || !is_late && !is_resolved) {
            return broken("P6", format!("the dial of {id} is called off"));
        }
        let slept = self.now.since(self.woke) < self.limits.dead_after && self.woke > Time::ZERO;
        match why {
            CloseReason::Dead if !found.suspect => {
                return broken("P12", format!("{id} died without suspicion"));
            }
            CloseReason::Dead if slept => return broken("P8", format!("{id} died of our own sleep")),
            CloseReason::Idle | CloseReason::Drained | CloseReason::Surplus if self.wants(id) => {
                return broken("P7", format!("{id} is closed as {why} with requests on it"));
            }
            CloseReason::Dead
            | CloseReason::Idle
            | CloseReason::Drained
            | CloseReason::Surplus
            | CloseReason::GivenUp => {}
        }
        self.gone(id);
        Ok(())
    }

    /// Whether a caller waits for anything on this connection.
    fn wants(&self, id: ConnectionId) -> bool {
        self.attempts.values().any(|attempt| attempt.connection == id && !attempt.given_up)
    }

    fn fail(&mut self, id: RequestId) -> Result<(), Broken> {
        self.owed.remove(&id);
        self.retried.remove(&id);
        match self.requests.remove(&id) {
            Some(request) if request.waits() => Ok(()),
            Some(request) if request.delivered => broken("P7", format!("{id} fails after its answer")),
            Some(_) => broken("P7", format!("{id} fails while it is out")),
            None => broken("P7", format!("{id} ends twice")),
        }
    }
}
