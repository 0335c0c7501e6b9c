//! A random world around a pool: it dials, answers, dies, sleeps, changes its mind, and sometimes tells nonsense.
//!
//! What the pool decides is answered after random delays, or never. One seed makes one history, always the same.

use std::collections::{BTreeMap, BTreeSet};

use outlive_core::{
    Action, AddressId, AttemptId, ConnectionId, Event, Limits, Repeat, RequestId, Span, Time,
};

use super::chance::Chance;
use super::history::History;
use super::witness::Broken;

/// How the world behaves, drawn once per history.
#[derive(Debug)]
struct Manner {
    /// HTTP/1.1 or HTTP/2.
    single: bool,
    streams: u32,
    /// Usual microseconds of a round trip, of a handler, between requests.
    trip: u64,
    handler: u64,
    think: u64,
    /// One in so many: connections that die in silence, dials that fail, ticks that come late.
    deaths: u64,
    failures: u64,
    sleeps: u64,
    /// One in so many facts is nonsense; 0 for none.
    nonsense: u64,
    /// Usual microseconds of a caller's timeout; 0 for none.
    timeout: u64,
    /// One in so many: connections that answer probes and no requests.
    stalls: u64,
}

struct Wire {
    dies: Time,
    /// From when on it answers no requests, but still probes.
    stalls: Time,
    single: bool,
    sent: Vec<AttemptId>,
}

impl Wire {
    /// Whether nobody can find out by asking that requests are lost here.
    fn is_hopeless(&self, at: Time) -> bool {
        self.dies <= at && self.single || self.stalls <= at
    }
}

pub struct World {
    chance: Chance,
    manner: Manner,
    now: Time,
    /// Facts to come.
    coming: BTreeMap<(Time, u64), Event>,
    order: u64,
    dialing: BTreeSet<ConnectionId>,
    wires: BTreeMap<ConnectionId, Wire>,
    attempts: BTreeMap<AttemptId, ConnectionId>,
    requests: u64,
    asked_for: u64,
}

/// Facts per history, at most, before the world turns kind and lets everything end.
const FACTS: usize = 250;
/// Steps until everything must have ended.
const PATIENCE: usize = 60_000;

impl World {
    pub fn new(seed: u64) -> (Self, Limits) {
        let mut chance = Chance::new(seed);
        let single = chance.once_in(4);
        let manner = Manner {
            single,
            streams: if single { 1 } else { [1, 2, 3, 10, 100][chance.below(5) as usize] },
            trip: [50, 200, 5_000, 40_000][chance.below(4) as usize],
            handler: [10, 500, 20_000][chance.below(3) as usize],
            think: [20, 500, 10_000][chance.below(3) as usize],
            deaths: [2, 4, 1000][chance.below(3) as usize],
            failures: [2, 8, 1000][chance.below(3) as usize],
            sleeps: [10, 1000][chance.below(2) as usize],
            nonsense: [0, 0, 10][chance.below(3) as usize],
            timeout: [0, 10_000, 50_000][chance.below(3) as usize],
            stalls: [2, 10, 1000][chance.below(3) as usize],
        };
        let mut limits = Limits::default();
        if chance.once_in(2) {
            limits.streams_expected = Some(manner.streams);
        }
        if chance.once_in(3) {
            limits.connections = 1 + chance.below(5) as u32;
        }
        if chance.once_in(4) {
            limits.resets = 1 + chance.below(3) as u32;
            limits.resets_unproven = 1 + chance.below(5) as u32;
        }
        if chance.once_in(4) {
            limits.connections_min = (1 + chance.below(3) as u32).min(limits.connections);
        }
        if chance.once_in(4) {
            limits.age = Span::from_millis(20 + chance.below(1_000));
        }
        if chance.once_in(4) {
            limits.wait = Span::from_millis(1 + chance.below(100));
        }
        if chance.once_in(4) {
            (limits.extra_percent, limits.extra_floor) = (chance.below(30) as u32, chance.below(5) as u32);
        }
        if chance.once_in(4) {
            limits.dialling = Span::from_millis(1 + chance.below(200));
        }
        if chance.once_in(3) {
            limits.waiting = 1 + chance.below(20) as u32;
        }
        if chance.once_in(3) {
            limits.idle = Span::from_millis(1 + chance.below(50));
        }
        if chance.once_in(3) {
            limits.dead_after = Span::from_millis(20 + chance.below(400));
        }
        let asked_for = 5 + chance.below(60);
        let world = Self {
            chance,
            manner,
            now: Time::ZERO,
            coming: BTreeMap::new(),
            order: 0,
            dialing: BTreeSet::new(),
            wires: BTreeMap::new(),
            attempts: BTreeMap::new(),
            requests: 0,
            asked_for,
        };
        (world, limits)
    }

    /// Lives through one history.
    pub fn live(mut self, history: &mut History) -> Result<(), Broken> {
        for address in 0..self.chance.below(4) {
            self.tell(Time::ZERO, Event::Address { address: AddressId(address), known: true });
        }
        self.next_request(Time::ZERO);
        for _ in 0..FACTS {
            if !self.step(history)? {
                break;
            }
        }
        self.turn_kind();
        for _ in 0..PATIENCE {
            if history.witness.unfinished().is_empty() || !self.step(history)? {
                break;
            }
        }
        match history.witness.unfinished().first() {
            None => Ok(()),
            Some(request) => Err(Broken { promise: "P7", how: format!("{request} never ends") }),
        }
    }

    /// From here on nothing dies, fails, sleeps or lies, and what is dead is closed at last.
    fn turn_kind(&mut self) {
        self.manner = Manner {
            stalls: u64::MAX,
            deaths: u64::MAX,
            failures: u64::MAX,
            sleeps: u64::MAX,
            nonsense: 0,
            ..self.manner
        };
        self.asked_for = 0;
        let end = self.now + Span::from_secs(40);
        let dead: Vec<ConnectionId> =
            self.wires.iter().filter(|(_, wire)| wire.is_hopeless(end)).map(|(id, _)| *id).collect();
        for connection in dead {
            self.tell(end, Event::Closed { connection });
        }
        for wire in self.wires.values_mut() {
            wire.dies = if wire.dies > self.now { Time::NEVER } else { wire.dies };
            wire.stalls = if wire.stalls > self.now { Time::NEVER } else { wire.stalls };
        }
    }

    fn tell(&mut self, at: Time, event: Event) {
        self.order += 1;
        self.coming.insert((at, self.order), event);
    }

    fn after(&mut self, usual: u64) -> Time {
        self.now + Span::from_micros(self.chance.micros(usual))
    }

    fn next_request(&mut self, at: Time) {
        self.requests += 1;
        let request = RequestId(self.requests);
        let timeout = match self.manner.timeout {
            0 => None,
            usual => Some(at + Span::from_micros(1 + self.chance.below(2 * usual))),
        };
        let deadline = timeout.filter(|_| !self.chance.once_in(3));
        let repeat =
            [Repeat::IfUnprocessed, Repeat::OnSuspicion, Repeat::WhenLate][self.chance.below(3) as usize];
        self.tell(at, Event::Request { request, deadline, repeat });
        if let Some(timeout) = timeout {
            self.tell(timeout, Event::Cancel { request });
        } else if self.chance.once_in(4) {
            let usual = self.manner.trip + self.manner.handler;
            let at = at + Span::from_micros(self.chance.micros(usual));
            self.tell(at, Event::Cancel { request });
        }
    }

    /// The next thing that happens. False when nothing is left to happen.
    fn step(&mut self, history: &mut History) -> Result<bool, Broken> {
        if self.manner.nonsense > 0 && self.chance.once_in(self.manner.nonsense) {
            let event = self.nonsense();
            let at =
                if self.chance.once_in(5) { Time::from_micros(self.chance.below(1 << 24)) } else { self.now };
            self.happen(history, at, event)?;
        }
        let fact = self.coming.keys().next().map(|(at, _)| *at);
        let due = history.core.deadline();
        match (fact, due) {
            (None, None) => return Ok(false),
            (fact, Some(due)) if fact.is_none_or(|fact| due <= fact) => self.wake(history, due)?,
            (_, _) => {
                let Some(((at, _), event)) = self.coming.pop_first() else { return Ok(false) };
                self.now = self.now.max(at);
                if let Event::Request { .. } = event {
                    if self.requests < self.asked_for {
                        let next = at + Span::from_micros(self.chance.micros(self.manner.think));
                        self.next_request(next);
                    }
                }
                if self.is_lost(event, self.now) {
                    return Ok(true);
                }
                self.happen(history, self.now, event)?;
            }
        }
        Ok(true)
    }

    /// The pool wanted to be woken at `due`; its process may oversleep.
    fn wake(&mut self, history: &mut History, due: Time) -> Result<(), Broken> {
        let late = match self.chance.once_in(self.manner.sleeps) {
            true => self.chance.below(200_000),
            false => self.chance.below(500),
        };
        let at = due.max(self.now) + Span::from_micros(late);
        let heard: Vec<ConnectionId> = history.core.in_doubt(at);
        for connection in heard {
            if self.chance.once_in(4) {
                let at_least = at - Span::from_micros(self.chance.below(5_000));
                self.happen(history, at, Event::Heard { connection, at: at_least })?;
            }
            if self.chance.once_in(3) {
                let (unacked, retransmits) = (self.chance.below(2) as u32, self.chance.below(3) as u32);
                self.happen(history, at, Event::Kernel { connection, unacked, retransmits })?;
            }
        }
        self.happen(history, at, Event::Tick)
    }

    /// Whether the fact would have come over a wire that is dead by then.
    fn is_lost(&self, event: Event, at: Time) -> bool {
        let connection = match event {
            Event::Proven { connection, .. } | Event::GoAway { connection, .. } => Some(connection),
            Event::Answered { attempt }
            | Event::Done { attempt }
            | Event::Reset { attempt }
            | Event::Failed { attempt } => self.attempts.get(&attempt).copied(),
            _ => None,
        };
        let needs_handler = !matches!(event, Event::Proven { .. } | Event::GoAway { .. });
        let is_gone = |wire: &Wire| wire.dies <= at || needs_handler && wire.stalls <= at;
        connection.and_then(|connection| self.wires.get(&connection)).is_some_and(is_gone)
    }

    fn happen(&mut self, history: &mut History, at: Time, event: Event) -> Result<(), Broken> {
        self.now = self.now.max(at);
        if let Event::Connected { connection, can_probe, .. } = event {
            let dies = match self.chance.once_in(self.manner.deaths) {
                true => self.after(self.manner.trip * 20),
                false => Time::NEVER,
            };
            let stalls = match self.chance.once_in(self.manner.stalls) {
                true => self.after(self.manner.trip * 20),
                false => Time::NEVER,
            };
            if self.dialing.remove(&connection) {
                self.wires.insert(connection, Wire { dies, stalls, single: !can_probe, sent: Vec::new() });
            }
        }
        for action in history.tell(at, event)? {
            self.answer(action);
        }
        Ok(())
    }

    fn answer(&mut self, action: Action) {
        match action {
            Action::Dial { connection, .. } => self.dialled(connection),
            Action::Send { attempt, connection, .. } => self.sent(attempt, connection),
            Action::Probe { connection, .. } => {
                let through = self.wires.get(&connection).and_then(|wire| match self.chance.once_in(4) {
                    // PINGs may overtake what was queued last.
                    true => wire.sent.iter().rev().nth(1).copied(),
                    false => wire.sent.last().copied(),
                });
                let at = self.after(self.manner.trip);
                self.tell(at, Event::Proven { connection, through });
            }
            Action::Close { .. }
            | Action::Abandon { .. }
            | Action::Suspect { .. }
            | Action::Clear { .. }
            | Action::Drain { .. }
            | Action::Fail { .. } => {}
        }
    }

    fn dialled(&mut self, connection: ConnectionId) {
        self.dialing.insert(connection);
        let at = self.after(self.manner.trip * 2);
        if self.chance.once_in(self.manner.failures) {
            return self.tell(at, Event::DialFailed { connection });
        }
        let streams = if self.chance.once_in(50) && !self.manner.single { 0 } else { self.manner.streams };
        self.tell(at, Event::Connected { connection, streams, can_probe: !self.manner.single });
        if streams == 0 {
            let at = at + Span::from_micros(self.chance.micros(self.manner.trip));
            self.tell(at, Event::Streams { connection, streams: self.manner.streams });
        }
        let later = at + Span::from_micros(self.chance.micros(self.manner.trip * 50));
        match self.chance.below(12) {
            0 => {
                let calm = self.chance.once_in(3);
                self.tell(later, Event::GoAway { connection, calm });
            }
            3 => {
                self.tell(later, Event::Writable { connection, writable: false });
                let again = later + Span::from_micros(self.chance.micros(self.manner.trip * 5));
                self.tell(again, Event::Writable { connection, writable: true });
            }
            4 => {
                let idle = Span::from_micros(self.chance.below(self.manner.trip * 20));
                self.tell(later, Event::Keeps { connection, idle });
            }
            1 => self.tell(later, Event::Closed { connection }),
            2 if !self.manner.single => {
                let streams = 1 + self.chance.below(4) as u32;
                self.tell(later, Event::Streams { connection, streams });
            }
            _ => {}
        }
    }

    fn sent(&mut self, attempt: AttemptId, connection: ConnectionId) {
        self.attempts.insert(attempt, connection);
        if let Some(wire) = self.wires.get_mut(&connection) {
            wire.sent.push(attempt);
        }
        let head = self.after(self.manner.trip) + Span::from_micros(self.chance.micros(self.manner.handler));
        match self.chance.below(40) {
            0 => return self.tell(head, Event::Refused { attempt, again: true }),
            1 => return self.tell(head, Event::Refused { attempt, again: false }),
            2 => return self.tell(head, Event::Failed { attempt }),
            3 => return self.tell(head, Event::Reset { attempt }),
            _ => {}
        }
        self.tell(head, Event::Answered { attempt });
        let body = if self.chance.once_in(3) { self.chance.micros(self.manner.trip) } else { 0 };
        self.tell(head + Span::from_micros(body), Event::Done { attempt });
    }

    /// A fact about anything, whether it exists or not.
    fn nonsense(&mut self) -> Event {
        let connection = ConnectionId(self.chance.below(self.wires.len() as u64 + 3));
        let attempt = AttemptId(self.chance.below(self.attempts.len() as u64 + 3));
        let request = RequestId(self.chance.below(self.requests + 3));
        let streams = self.chance.below(4) as u32;
        match self.chance.below(18) {
            17 => Event::Reset { attempt },
            14 => Event::Writable { connection, writable: streams > 0 },
            15 => Event::Kernel { connection, unacked: streams, retransmits: streams },
            16 => Event::Address { address: AddressId(u64::from(streams)), known: request.0 % 3 > 0 },
            0 => Event::Request { request, deadline: Some(self.now), repeat: Repeat::OnSuspicion },
            1 => Event::Cancel { request },
            2 => Event::Connected { connection, streams, can_probe: streams != 1 },
            3 => Event::DialFailed { connection },
            4 => Event::Streams { connection, streams },
            5 => Event::Heard { connection, at: Time::from_micros(self.chance.draw()) },
            6 => Event::Proven { connection, through: Some(attempt) },
            7 => Event::Answered { attempt },
            8 => Event::Done { attempt },
            9 => Event::Refused { attempt, again: streams > 1 },
            10 => Event::Failed { attempt },
            11 => Event::GoAway { connection, calm: false },
            12 => Event::Closed { connection },
            _ => Event::Tick,
        }
    }
}
