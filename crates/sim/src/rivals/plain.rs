//! The pool that the rivals share: first connection with room, streams freed as soon as they are given up.

use std::collections::VecDeque;

use outlive_core::{
    Action, AttemptId, CloseReason, ConnectionId, Event, FailReason, IdMap, ProbeKind, RequestId, Time,
};

use crate::policy::Policy;

/// What a rival makes of silence, with its own book for each connection.
pub trait Judge {
    /// What it remembers of a connection.
    type Book: Default;

    /// A caller gave up an attempt that was sent here.
    fn given_up(&self, _: &mut Self::Book, _attempt: AttemptId, _now: Time) -> Reaction {
        Reaction::Nothing
    }

    /// A frame of a stream was read; `next` is the attempt that will be sent next.
    fn read(&self, _: &mut Self::Book, _next: AttemptId, _now: Time) {}

    /// Some bytes were read.
    fn heard(&self, _: &mut Self::Book, _at: Time) {}

    /// A PING was answered.
    fn pong(&self, _: &mut Self::Book, _now: Time) {}

    /// Whether one more request may go here beside so many, of so many that the peer allows.
    fn has_room(&self, _: &Self::Book, live: u32, allowed: u32, _now: Time) -> bool {
        live < allowed
    }

    /// When it wants to look at the connection again, on which so many requests are under way.
    fn due(&self, _: &Self::Book, _live: u32) -> Option<Time> {
        None
    }

    /// Looks at the connection, when that is due.
    fn look(&self, _: &mut Self::Book, _now: Time) -> Reaction {
        Reaction::Nothing
    }

    /// Whether it is given up for good as soon as the next request would look at it.
    fn is_spoilt(&self, _: &Self::Book, _now: Time) -> bool {
        false
    }
}

/// What is to be done about a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// Nothing.
    Nothing,
    /// Send a PING.
    Ask,
    /// No new requests; close it when the last one has ended.
    Leave,
    /// Close it now.
    Close,
}

/// Who dials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialling {
    /// One dial at a time, for all that wait.
    OneForAll,
    /// Each request that waits dials for itself; what comes too late is dropped.
    OneEach,
    /// The same, and a dial ends with the request that wanted it.
    OneEachThatDiesWithIt,
}

struct Connection<B> {
    id: ConnectionId,
    open: bool,
    leaving: bool,
    can_probe: bool,
    allowed: u32,
    live: u32,
    /// Who dialled.
    owner: Option<RequestId>,
    book: B,
}

/// A plain pool with a judge.
pub struct Plain<J: Judge> {
    judge: J,
    dialling: Dialling,
    /// Whether a second connection is opened when the first is full.
    grows: bool,
    connections: Vec<Connection<J::Book>>,
    requests: IdMap<RequestId, Option<AttemptId>>,
    attempts: IdMap<AttemptId, (RequestId, ConnectionId)>,
    waiting: VecDeque<RequestId>,
    now: Time,
    attempt: u64,
    connection: u64,
}

impl<J: Judge> Plain<J> {
    /// An empty pool.
    pub fn new(judge: J, dialling: Dialling, grows: bool) -> Self {
        Self {
            judge,
            dialling,
            grows,
            connections: Vec::new(),
            requests: IdMap::default(),
            attempts: IdMap::default(),
            waiting: VecDeque::new(),
            now: Time::ZERO,
            attempt: 0,
            connection: 0,
        }
    }

    fn find(&mut self, id: ConnectionId) -> Option<&mut Connection<J::Book>> {
        self.connections.iter_mut().find(|connection| connection.id == id)
    }

    fn react(&mut self, id: ConnectionId, reaction: Reaction, actions: &mut Vec<Action>) {
        match reaction {
            Reaction::Nothing => {}
            Reaction::Ask => actions.push(Action::Probe { connection: id, by: ProbeKind::Ping }),
            Reaction::Leave => {
                if let Some(found) = self.find(id).filter(|found| !found.leaving) {
                    found.leaving = true;
                    actions.push(Action::Suspect { connection: id });
                }
            }
            Reaction::Close => {
                actions.push(Action::Suspect { connection: id });
                self.close(id, CloseReason::Dead, actions);
            }
        }
    }

    fn close(&mut self, id: ConnectionId, why: CloseReason, actions: &mut Vec<Action>) {
        self.gone(id, actions);
        actions.push(Action::Close { connection: id, why });
    }

    /// A connection is no more: its requests fail.
    fn gone(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        self.connections.retain(|connection| connection.id != id);
        let mut hit: Vec<(AttemptId, RequestId)> =
            self.attempts.iter().filter(|(_, (_, on))| *on == id).map(|(a, (r, _))| (*a, *r)).collect();
        hit.sort_unstable();
        for (attempt, request) in hit {
            self.attempts.remove(&attempt);
            if self.requests.get(&request) == Some(&Some(attempt)) {
                self.requests.remove(&request);
                actions.push(Action::Fail { request, why: FailReason::Lost });
            }
        }
    }

    fn end(&mut self, attempt: AttemptId) -> Option<(RequestId, ConnectionId)> {
        let (request, connection) = self.attempts.remove(&attempt)?;
        if let Some(found) = self.find(connection) {
            found.live -= 1;
        }
        Some((request, connection))
    }

    fn cancel(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        let Some(out) = self.requests.remove(&request) else { return };
        let now = self.now;
        let Some(attempt) = out else {
            self.waiting.retain(|waiting| *waiting != request);
            if self.dialling == Dialling::OneEachThatDiesWithIt {
                let mut dials = self.connections.iter().filter(|c| !c.open && c.owner == Some(request));
                if let Some(id) = dials.next().map(|c| c.id) {
                    self.close(id, CloseReason::Surplus, actions);
                }
            }
            return;
        };
        let Some((_, id)) = self.end(attempt) else { return };
        let Some(found) = self.connections.iter_mut().find(|c| c.id == id) else { return };
        if !found.can_probe {
            return self.close(id, CloseReason::GivenUp, actions);
        }
        let reaction = self.judge.given_up(&mut found.book, attempt, now);
        actions.push(Action::Abandon { attempt });
        self.react(id, reaction, actions);
    }

    fn dial_failed(&mut self, id: ConnectionId, actions: &mut Vec<Action>) {
        let owner = self.find(id).and_then(|found| found.owner);
        self.connections.retain(|connection| connection.id != id);
        let unlucky = owner.filter(|owner| self.waiting.contains(owner)).or(self.waiting.front().copied());
        if let Some(request) = unlucky {
            self.waiting.retain(|waiting| *waiting != request);
            self.requests.remove(&request);
            actions.push(Action::Fail { request, why: FailReason::Dial });
        }
    }

    fn record(&mut self, event: Event, actions: &mut Vec<Action>) {
        let (now, next) = (self.now, AttemptId(self.attempt + 1));
        match event {
            Event::Request { request, .. } => {
                self.requests.insert(request, None);
                self.waiting.push_back(request);
            }
            Event::Cancel { request } => self.cancel(request, actions),
            Event::Connected { connection, streams, can_probe } => {
                let is_late =
                    self.waiting.is_empty() && self.connections.iter().any(|c| c.open && !c.leaving);
                if let Some(found) = self.find(connection) {
                    (found.open, found.allowed, found.can_probe) = (true, streams, can_probe);
                }
                self.judge_book(connection, |judge, book| judge.heard(book, now));
                if is_late && can_probe {
                    self.close(connection, CloseReason::Surplus, actions);
                }
            }
            Event::DialFailed { connection } => self.dial_failed(connection, actions),
            Event::Streams { connection, streams } => {
                if let Some(found) = self.find(connection) {
                    found.allowed = streams;
                }
            }
            Event::Heard { connection, at } => {
                self.judge_book(connection, |judge, book| judge.heard(book, at))
            }
            Event::Proven { connection, .. } => self.judge_book(connection, |judge, book| {
                judge.heard(book, now);
                judge.pong(book, now);
            }),
            Event::Answered { attempt } => {
                if let Some((_, connection)) = self.attempts.get(&attempt).copied() {
                    self.judge_book(connection, |judge, book| {
                        judge.heard(book, now);
                        judge.read(book, next, now);
                    });
                }
            }
            Event::Done { attempt } => {
                if let Some((request, _)) = self.end(attempt) {
                    self.requests.remove(&request);
                }
            }
            Event::Refused { attempt, .. } => {
                let ended = self.end(attempt).map(|(request, _)| request);
                if let Some((request, out)) = ended.and_then(|r| Some((r, self.requests.get_mut(&r)?))) {
                    *out = None;
                    self.waiting.push_front(request);
                }
            }
            Event::Reset { attempt } | Event::Failed { attempt } => {
                if let Some((request, _)) = self.end(attempt) {
                    self.requests.remove(&request);
                    actions.push(Action::Fail { request, why: FailReason::Failed });
                }
            }
            Event::GoAway { connection, .. } => {
                if let Some(found) = self.find(connection) {
                    found.leaving = true;
                }
            }
            Event::Closed { connection } => self.gone(connection, actions),
            Event::Tick => self.look(actions),
            Event::Keeps { .. } | Event::Writable { .. } | Event::Kernel { .. } | Event::Address { .. } => {}
        }
    }

    fn judge_book(&mut self, id: ConnectionId, tell: impl FnOnce(&J, &mut J::Book)) {
        if let Some(found) = self.connections.iter_mut().find(|connection| connection.id == id) {
            tell(&self.judge, &mut found.book);
        }
    }

    fn look(&mut self, actions: &mut Vec<Action>) {
        let now = self.now;
        for id in self.due_now(now) {
            let Some(found) = self.connections.iter_mut().find(|c| c.id == id) else { continue };
            let reaction = self.judge.look(&mut found.book, now);
            self.react(id, reaction, actions);
        }
    }

    fn due_now(&self, now: Time) -> Vec<ConnectionId> {
        let open = self.connections.iter().filter(|c| c.open);
        let due = |c: &&Connection<J::Book>| self.judge.due(&c.book, c.live).is_some_and(|at| at <= now);
        open.filter(due).map(|c| c.id).collect()
    }

    fn settle(&mut self, actions: &mut Vec<Action>) {
        self.send_waiting(actions);
        self.dial(actions);
        let done: Vec<ConnectionId> =
            self.connections.iter().filter(|c| c.open && c.leaving && c.live == 0).map(|c| c.id).collect();
        for id in done {
            self.close(id, CloseReason::Drained, actions);
        }
    }

    fn send_waiting(&mut self, actions: &mut Vec<Action>) {
        let now = self.now;
        while let Some(request) = self.waiting.front().copied() {
            for found in self.connections.iter_mut().filter(|c| c.open && !c.leaving) {
                if self.judge.is_spoilt(&found.book, now) {
                    found.leaving = true;
                    actions.push(Action::Suspect { connection: found.id });
                }
            }
            let judge = &self.judge;
            let has_room = |c: &&mut Connection<J::Book>| {
                c.open && !c.leaving && judge.has_room(&c.book, c.live, c.allowed, now)
            };
            let Some(found) = self.connections.iter_mut().find(has_room) else { return };
            found.live += 1;
            self.attempt += 1;
            let (attempt, connection) = (AttemptId(self.attempt), found.id);
            self.waiting.pop_front();
            self.requests.insert(request, Some(attempt));
            self.attempts.insert(attempt, (request, connection));
            actions.push(Action::Send { request, attempt, connection });
        }
    }

    fn dial(&mut self, actions: &mut Vec<Action>) {
        if self.waiting.is_empty() || !self.grows && self.connections.iter().any(|c| c.open && !c.leaving) {
            return;
        }
        let dialing = |owner: RequestId| move |c: &Connection<J::Book>| !c.open && c.owner == Some(owner);
        let owners: Vec<RequestId> = match self.dialling {
            Dialling::OneForAll if self.connections.iter().any(|c| !c.open) => return,
            Dialling::OneForAll => self.waiting.front().copied().into_iter().collect(),
            Dialling::OneEach | Dialling::OneEachThatDiesWithIt => {
                let has_none = |r: &RequestId| !self.connections.iter().any(dialing(*r));
                self.waiting.iter().copied().filter(has_none).collect()
            }
        };
        for owner in owners {
            self.connection += 1;
            let connection = ConnectionId(self.connection);
            self.connections.push(Connection {
                id: connection,
                open: false,
                leaving: false,
                can_probe: false,
                allowed: 0,
                live: 0,
                owner: Some(owner),
                book: J::Book::default(),
            });
            actions.push(Action::Dial { connection, address: None });
        }
    }
}

impl<J: Judge> Policy for Plain<J> {
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        self.now = self.now.max(now);
        self.record(event, actions);
        self.settle(actions);
    }

    fn deadline(&self) -> Option<Time> {
        let open = self.connections.iter().filter(|c| c.open);
        open.filter_map(|c| self.judge.due(&c.book, c.live)).min()
    }

    fn in_doubt(&self, now: Time, doubted: &mut Vec<ConnectionId>) {
        doubted.extend(self.due_now(now));
    }
}
