//! A witness that sees every fact and every decision, keeps its own books, and says when a promise is broken.
//!
//! It knows nothing of the pool's inside. Its books are as simple as they can be made, so that a reader can check the
//! checker: a promise is a few lines below, next to its name.

use std::collections::{BTreeMap, BTreeSet};

use outlive_core::{Action, AttemptId, CloseReason, ConnectionId, Event, Limits, RequestId, Time};

/// A broken promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    pub promise: &'static str,
    pub how: String,
}

fn broken<T>(promise: &'static str, how: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { promise, how: how.into() })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    Waiting,
    Out(AttemptId),
    Delivered(AttemptId),
}

struct Attempt {
    request: RequestId,
    connection: ConnectionId,
    given_up: bool,
    /// Proven to have arrived.
    arrived: bool,
}

/// The probe that is out, and the last attempt that was sent before it.
#[derive(Clone, Copy)]
struct Probe {
    behind: Option<AttemptId>,
}

struct Connection {
    dialled: Time,
    open: bool,
    draining: bool,
    suspect: bool,
    streams: u32,
    /// The attempts that take a stream: all whose fate is unknown.
    held: BTreeSet<AttemptId>,
    last_sent: Option<AttemptId>,
    probe: Option<Probe>,
}

impl Connection {
    fn dialling(now: Time) -> Self {
        Self {
            dialled: now,
            open: false,
            draining: false,
            suspect: false,
            streams: 0,
            held: BTreeSet::new(),
            last_sent: None,
            probe: None,
        }
    }

    fn has_room(&self) -> bool {
        self.open && !self.draining && !self.suspect && self.held.len() < self.streams as usize
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
    requests: BTreeMap<RequestId, Doing>,
    attempts: BTreeMap<AttemptId, Attempt>,
    connections: BTreeMap<ConnectionId, Connection>,
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
            attempts: BTreeMap::new(),
            connections: BTreeMap::new(),
            owed: BTreeSet::new(),
            last_attempt: None,
            last_connection: None,
        }
    }

    /// Requests whose caller still waits.
    pub fn unfinished(&self) -> Vec<RequestId> {
        let waits = |doing: &Doing| !matches!(doing, Doing::Delivered(_));
        self.requests.iter().filter(|(_, doing)| waits(doing)).map(|(id, _)| *id).collect()
    }

    /// A fact is about to be told, when the pool had asked to be woken at `due`.
    pub fn fact(&mut self, now: Time, due: Option<Time>, event: Event) {
        self.now = self.now.max(now);
        if due.is_some_and(|due| now > due + self.limits.late) {
            self.woke = self.now;
        }
        match event {
            Event::Request { request, .. } => _ = self.requests.entry(request).or_insert(Doing::Waiting),
            Event::Cancel { request } => {
                if let Some(Doing::Out(id) | Doing::Delivered(id)) = self.requests.remove(&request) {
                    self.attempts.entry(id).and_modify(|attempt| attempt.given_up = true);
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
            Event::Proven { connection, through } => {
                if let Some(found) = self.connections.get_mut(&connection).filter(|c| c.open) {
                    found.probe = None;
                    self.arrive(connection, through);
                }
            }
            Event::Answered { attempt } => self.answered(attempt),
            Event::Done { attempt } => {
                self.answered(attempt);
                self.ended(attempt, false);
            }
            Event::Refused { attempt, again } => self.ended(attempt, again),
            Event::Failed { attempt } => self.ended(attempt, false),
            Event::GoAway { connection, .. } => {
                self.connections.entry(connection).and_modify(|found| found.draining |= found.open);
            }
            Event::Closed { connection } => self.gone(connection),
            Event::Heard { .. }
            | Event::Tick
            | Event::Writable { .. }
            | Event::Kernel { .. }
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

    fn answered(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let (request, connection) = (attempt.request, attempt.connection);
        if let Some(doing) = self.requests.get_mut(&request).filter(|doing| **doing == Doing::Out(id)) {
            *doing = Doing::Delivered(id);
        }
        self.arrive(connection, Some(id));
    }

    /// An attempt ended without an answer; its request may go `again`, or is owed its fate.
    fn ended(&mut self, id: AttemptId, again: bool) {
        let Some(attempt) = self.release(id) else { return };
        match self.requests.get_mut(&attempt.request) {
            Some(doing) if *doing == Doing::Out(id) => {
                *doing = Doing::Waiting;
                if !again {
                    self.owed.insert(attempt.request);
                }
            }
            Some(Doing::Delivered(out)) if *out == id => _ = self.requests.remove(&attempt.request),
            Some(_) | None => {}
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
            self.ended(attempt, false);
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
        let busy =
            self.connections.values().any(|connection| !connection.open || !connection.held.is_empty());
        if due.is_none() && !busy {
            return broken("P7", "requests wait and nothing will wake them");
        }
        Ok(())
    }

    fn waiting(&self) -> u32 {
        self.requests.values().filter(|doing| **doing == Doing::Waiting).count() as u32
    }

    fn decision(&mut self, event: Event, action: Action) -> Result<(), Broken> {
        match action {
            Action::Dial { connection, .. } => self.dial(connection),
            Action::Send { request, attempt, connection } => self.send(request, attempt, connection),
            Action::Abandon { attempt } => self.abandon(attempt),
            Action::Probe { connection } => self.probe(connection),
            Action::Suspect { connection } => self.suspect(connection),
            Action::Clear { connection } => self.clear(event, connection),
            Action::Drain { .. } => Ok(()),
            Action::Close { connection, why } => self.close(connection, why),
            Action::Fail { request, .. } => self.fail(request),
        }
    }

    /// P6: dials come from need, within limits, and a late one gets one more for company.
    fn dial(&mut self, id: ConnectionId) -> Result<(), Broken> {
        if Some(id) <= self.last_connection {
            return broken("P16", format!("{id} is no new name"));
        }
        self.last_connection = Some(id);
        let open = |suspect| {
            self.connections.values().filter(move |c| c.open && !c.draining && c.suspect == suspect)
        };
        let waiting = self.waiting();
        if waiting == 0 && (open(false).count() > 0 || open(true).count() == 0) {
            return broken("P6", format!("{id} is dialled and nobody needs it"));
        }
        let dialing = || self.connections.values().filter(|c| !c.open);
        let (at_once, needed) = match self.streams {
            None => (self.limits.dials, 1),
            Some(1) => (self.limits.dials_single, waiting.max(1)),
            Some(streams) => (self.limits.dials, waiting.div_ceil(streams.max(1)).max(1)),
        };
        if dialing().count() >= at_once as usize {
            return broken("P6", format!("{id} is one dial too many at a time"));
        }
        let youngest = dialing().map(|c| c.dialled).max();
        let is_company = youngest.is_some_and(|last| self.now.since(last) >= self.limits.stagger_min);
        if dialing().count() >= needed as usize && !is_company {
            return broken("P6", format!("{id} is one dial more than are needed"));
        }
        self.connections.insert(id, Connection::dialling(self.now));
        Ok(())
    }

    fn send(&mut self, request: RequestId, id: AttemptId, connection: ConnectionId) -> Result<(), Broken> {
        if Some(id) <= self.last_attempt {
            return broken("P16", format!("{id} is no new name"));
        }
        self.last_attempt = Some(id);
        match self.requests.get_mut(&request) {
            Some(doing) if *doing == Doing::Waiting => *doing = Doing::Out(id),
            Some(_) => return broken("P4", format!("{request} is sent while it is out")),
            None => return broken("P7", format!("{request} is sent after its end")),
        }
        let Some(found) = self.connections.get_mut(&connection).filter(|c| c.open && !c.draining) else {
            return broken("P7", format!("{request} is sent where no requests are taken: {connection}"));
        };
        if found.suspect {
            return broken("P1", format!("{request} is sent on the suspect {connection}"));
        }
        if found.held.len() >= found.streams as usize {
            return broken("P3", format!("{connection} carries more than {} streams", found.streams));
        }
        found.held.insert(id);
        found.last_sent = Some(id);
        self.attempts.insert(id, Attempt { request, connection, given_up: false, arrived: false });
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
        if self.connections.get(&attempt.connection).is_some_and(|c| c.suspect) {
            return broken("P10", format!("{id} is reset on a suspect"));
        }
        Ok(())
    }

    fn probe(&mut self, id: ConnectionId) -> Result<(), Broken> {
        let Some(found) = self.connections.get_mut(&id).filter(|c| c.open) else {
            return broken("P9", format!("{id} is asked and is not there"));
        };
        if found.probe.is_some() {
            return broken("P9", format!("{id} is asked twice at a time"));
        }
        found.probe = Some(Probe { behind: found.last_sent });
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
                let later = found.probe.is_some_and(|probe| Some(attempt) > probe.behind);
                later && self.attempts.get(&attempt).is_none_or(|found| found.connection == id)
            }
            _ => false,
        };
        if proof { Ok(()) } else { broken("P15", format!("{id} is cleared by what proves nothing: {event}")) }
    }

    fn close(&mut self, id: ConnectionId, why: CloseReason) -> Result<(), Broken> {
        let Some(found) = self.connections.get(&id) else {
            return broken("P7", format!("{id} is closed and is not there"));
        };
        if !found.open {
            return broken("P6", format!("the dial of {id} is called off"));
        }
        let slept = self.now.since(self.woke) < self.limits.dead_after && self.woke > Time::ZERO;
        match why {
            CloseReason::Dead if !found.suspect => {
                return broken("P12", format!("{id} died without suspicion"));
            }
            CloseReason::Dead if slept => return broken("P8", format!("{id} died of our own sleep")),
            CloseReason::Idle | CloseReason::Drained | CloseReason::Surplus if !found.held.is_empty() => {
                return broken("P7", format!("{id} is closed as {why} with requests on it"));
            }
            CloseReason::Dead
            | CloseReason::Idle
            | CloseReason::Drained
            | CloseReason::Surplus
            | CloseReason::GivenUp => {}
        }
        self.gone(id);
        match self.owed.pop_first() {
            Some(request) => broken("P7", format!("{request} is not told that {id} closes")),
            None => Ok(()),
        }
    }

    fn fail(&mut self, request: RequestId) -> Result<(), Broken> {
        self.owed.remove(&request);
        match self.requests.remove(&request) {
            Some(Doing::Waiting | Doing::Out(_)) => Ok(()),
            Some(Doing::Delivered(_)) => broken("P7", format!("{request} fails after its answer")),
            None => broken("P7", format!("{request} ends twice")),
        }
    }
}
