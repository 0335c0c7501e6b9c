//! The client: hands the policy its facts and carries out its decisions, as the real glue does.

use outlive_core::{
    Action, AddressId, AttemptId, CloseReason, ConnectionId, DrainReason, Event, ProbeKind, RequestId, Time,
};
use outlive_fault::{Direction, Flow, Micros};

use super::Simulation;
use super::agenda::{Happening, WireId};
use super::network::Route;
use super::pipe::Frame;
use super::wire::{Stage, Wire};
use crate::policy::Policy;

/// A small frame: PING, SETTINGS, RST_STREAM with their headers.
const SMALL: u32 = 60;

/// One sending of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) request: RequestId,
    pub(super) wire: WireId,
}

impl<P: Policy> Simulation<'_, P> {
    /// Hands in a fact and carries out what is decided on it.
    pub(super) fn tell(&mut self, event: Event) {
        let now = Time::from_micros(self.net.now);
        let due = self.policy.deadline();
        let mut actions = std::mem::take(&mut self.actions);
        self.policy.handle(now, event, &mut actions);
        if let Some(watch) = &mut self.watch {
            let seen = watch.see(now, due, event, &actions, self.policy.deadline());
            self.broken = self.broken.take().or(seen.err());
        }
        for action in actions.drain(..) {
            self.carry_out(action);
        }
        self.actions = actions;
    }

    /// Before a tick, what was read since the last one is handed in, and what the kernel knows.
    pub(super) fn tick(&mut self) {
        let mut doubted = std::mem::take(&mut self.doubted);
        self.policy.in_doubt(Time::from_micros(self.net.now), &mut doubted);
        for connection in doubted.drain(..) {
            self.tell_heard(connection);
            self.tell_kernel(connection);
        }
        self.doubted = doubted;
        self.tell(Event::Tick);
    }

    fn open_wire(&mut self, connection: ConnectionId) -> Option<&mut Wire> {
        let wire = *self.by_connection.get(&connection)?;
        Some(&mut self.wires[wire as usize]).filter(|wire| wire.stage == Stage::Open)
    }

    fn tell_heard(&mut self, connection: ConnectionId) {
        let Some(wire) = self.open_wire(connection) else { return };
        if wire.heard > wire.told {
            wire.told = wire.heard;
            let at = Time::from_micros(wire.heard);
            self.tell(Event::Heard { connection, at });
        }
    }

    fn tell_kernel(&mut self, connection: ConnectionId) {
        let now = self.net.now;
        let Some(wire) = self.open_wire(connection) else { return };
        let (unacked, retransmits) = (wire.out.unacked(now), wire.out.retransmits);
        self.tell(Event::Kernel { connection, unacked, retransmits });
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial { connection, address } => self.dial(connection, address),
            Action::Send { request, attempt, connection } => self.send(request, attempt, connection),
            Action::Abandon { attempt } => self.abandon(attempt),
            Action::Probe { connection, by } => self.probe(connection, by),
            Action::Suspect { connection } => {
                self.tally.suspicions += 1;
                self.tally.false_suspicions += u64::from(self.is_well(connection));
                self.mark_suspect(connection, true);
                let mut others = self.by_connection.values().map(|wire| &self.wires[*wire as usize]);
                let stands_by = others.any(|wire| wire.stage == Stage::Open && !wire.suspect);
                self.tally.stranded += u64::from(!stands_by);
            }
            Action::Clear { connection } => self.mark_suspect(connection, false),
            Action::Drain { why: DrainReason::Stalled, .. } => self.tally.stalled += 1,
            Action::Drain { .. } => {}
            Action::Close { connection, why } => {
                if why == CloseReason::Dead {
                    self.tally.dead += 1;
                    self.tally.false_dead += u64::from(self.is_well(connection));
                }
                self.close(connection);
            }
            Action::Fail { request, why } => {
                if !self.callers.is_waiting(request) {
                    return self
                        .break_promise("P7", format!("{request} is told that it failed after its end"));
                }
                self.end_request(request, Some(&format!("{why}")));
            }
        }
    }

    fn mark_suspect(&mut self, connection: ConnectionId, suspect: bool) {
        if let Some(wire) = self.open_wire(connection) {
            wire.suspect = suspect;
        }
    }

    /// Whether the connection's path is open, as only the model can know.
    fn is_well(&self, connection: ConnectionId) -> bool {
        let wire = self.by_connection.get(&connection).map(|wire| &self.wires[*wire as usize]);
        wire.is_some_and(|wire| self.net.is_open(wire.route))
    }

    pub(super) fn break_promise(&mut self, promise: &'static str, how: String) {
        if self.watch.is_some() && self.broken.is_none() {
            self.broken = Some(crate::promises::Broken { promise, how });
        }
    }

    fn dial(&mut self, connection: ConnectionId, address: Option<AddressId>) {
        let id = self.wires.len() as WireId;
        let address = match address {
            Some(AddressId(address)) => address.min(u64::from(self.world.addresses) - 1),
            None => self.chance.below(u64::from(self.world.addresses)),
        };
        let route = Route { flow: Flow(self.chance.draw()), address: address as u32 };
        let mut wire = Wire::new(id, connection, route);
        wire.out.send(Frame::Syn, SMALL, &mut self.net);
        self.wires.push(wire);
        self.by_connection.insert(connection, id);
        self.net.agenda.plan(self.net.now + self.world.dial_timeout, Happening::DialEnds(id));
        self.tally.dials += 1;
        self.tally.dial_times.push(self.net.now);
        self.count_connections();
    }

    fn count_connections(&mut self) {
        let wires = || self.by_connection.values().map(|wire| &self.wires[*wire as usize]);
        let dialing = wires().filter(|wire| wire.stage == Stage::Dialing).count() as u64;
        self.tally.dials_at_once = self.tally.dials_at_once.max(dialing);
        self.tally.connections = self.tally.connections.max(self.by_connection.len() as u64);
    }

    fn send(&mut self, request: RequestId, attempt: AttemptId, connection: ConnectionId) {
        self.tally.sends += 1;
        if self.callers.sent(request) {
            self.tally.risky += 1;
        }
        let bytes = self.world.load.bytes + SMALL;
        let Some(id) = self.by_connection.get(&connection).copied() else {
            return self.break_promise("P7", format!("{attempt} is sent on {connection}, which is gone"));
        };
        let wire = &mut self.wires[id as usize];
        wire.live.push(attempt);
        wire.last = Some(attempt);
        self.write(id, Frame::Request(attempt, request), bytes);
        self.attempts.insert(attempt, Attempt { request, wire: id });
    }

    fn abandon(&mut self, attempt: AttemptId) {
        self.tally.resets += 1;
        let Some(found) = self.forget(attempt) else { return };
        if self.wires[found.wire as usize].far.seen < Some(attempt) {
            self.break_promise("P2", format!("{attempt} gives its stream back and has not arrived"));
        }
        self.write(found.wire, Frame::Reset(attempt), SMALL);
    }

    fn probe(&mut self, connection: ConnectionId, by: ProbeKind) {
        self.tally.probes += 1;
        let Some(id) = self.by_connection.get(&connection).copied() else { return };
        let wire = &mut self.wires[id as usize];
        wire.pings.push(wire.last);
        self.write(id, Frame::Ask(by), SMALL);
    }

    /// Writes, as far as the kernel takes it; the rest waits in our own buffer.
    fn write(&mut self, id: WireId, frame: Frame, bytes: u32) {
        let now = self.net.now;
        let wire = &mut self.wires[id as usize];
        if wire.unsent.is_empty() && wire.out.has_room(bytes, now) {
            return wire.out.send(frame, bytes, &mut self.net);
        }
        wire.unsent.push_back((frame, bytes));
        if wire.unsent.len() == 1 {
            self.net.agenda.plan(now, Happening::Blocked(id));
            self.plan_room(id);
        }
    }

    /// When something is acknowledged, there may be room again.
    pub(super) fn plan_room(&mut self, id: WireId) {
        let wire = &self.wires[id as usize];
        if let Some(at) = wire.out.next_ack().filter(|_| !wire.unsent.is_empty()) {
            self.net.agenda.plan(at, Happening::Room(id));
        }
    }

    pub(super) fn blocked(&mut self, id: WireId) {
        let wire = &mut self.wires[id as usize];
        if wire.stage == Stage::Open && !wire.unsent.is_empty() && !wire.blocked {
            wire.blocked = true;
            let connection = wire.connection;
            self.tell(Event::Writable { connection, writable: false });
        }
    }

    pub(super) fn room(&mut self, id: WireId) {
        let now = self.net.now;
        let wire = &mut self.wires[id as usize];
        while let Some((frame, bytes)) = wire.unsent.front().copied() {
            if !wire.out.has_room(bytes, now) {
                return self.plan_room(id);
            }
            wire.unsent.pop_front();
            wire.out.send(frame, bytes, &mut self.net);
        }
        if wire.blocked && wire.stage == Stage::Open {
            wire.blocked = false;
            let connection = wire.connection;
            self.tell(Event::Writable { connection, writable: true });
        }
    }

    fn forget(&mut self, attempt: AttemptId) -> Option<Attempt> {
        let found = self.attempts.remove(&attempt)?;
        self.wires[found.wire as usize].live.retain(|live| *live != attempt);
        Some(found)
    }

    /// Closes our end, by decision.
    fn close(&mut self, connection: ConnectionId) {
        let Some(id) = self.by_connection.get(&connection).copied() else { return };
        let wire = &mut self.wires[id as usize];
        wire.out.send(Frame::Fin, SMALL, &mut self.net);
        self.hang_up(id);
    }

    /// Our end is closed, for whatever reason: bodies that were on their way break off.
    fn hang_up(&mut self, id: WireId) {
        let wire = &mut self.wires[id as usize];
        wire.stage = Stage::Gone;
        wire.unsent.clear();
        self.by_connection.remove(&wire.connection);
        for attempt in std::mem::take(&mut wire.live) {
            if let Some(found) = self.attempts.remove(&attempt) {
                self.body_breaks(found.request, attempt);
            }
        }
    }

    fn body_breaks(&mut self, request: RequestId, attempt: AttemptId) {
        if self.callers.is_answered_by(request, attempt) {
            self.end_request(request, Some("body"));
        }
    }

    /// The peer closed the connection, or our kernel gave it up.
    pub(super) fn lose_connection(&mut self, id: WireId) {
        let wire = &self.wires[id as usize];
        let connection = wire.connection;
        match wire.stage {
            Stage::Gone => {}
            Stage::Dialing => {
                self.tally.dials_failed += 1;
                self.hang_up(id);
                self.tell(Event::DialFailed { connection });
            }
            Stage::Open => {
                self.hang_up(id);
                self.tell(Event::Closed { connection });
            }
        }
    }

    pub(super) fn dial_ends(&mut self, id: WireId) {
        if self.wires[id as usize].stage == Stage::Dialing {
            self.lose_connection(id);
        }
    }

    /// The client reads one frame.
    pub(super) fn client_reads(&mut self, id: WireId) {
        let now: Micros = self.net.now;
        let wire = &mut self.wires[id as usize];
        let Some(frame) = wire.pipe(Direction::Back).inbox.pop_front() else { return };
        let connection = wire.connection;
        if wire.stage == Stage::Gone {
            return;
        }
        wire.heard = now;
        match frame {
            Frame::SynAck => wire.out.send(Frame::Hello, 500, &mut self.net),
            Frame::Welcome => {
                wire.stage = Stage::Open;
                let limit = self.world.server.streams;
                let (streams, can_probe) = (limit.unwrap_or(1), limit.is_some());
                self.tell(Event::Connected { connection, streams, can_probe });
            }
            Frame::Pong => {
                if !wire.pings.is_empty() {
                    let through = wire.pings.remove(0);
                    self.tell(Event::Proven { connection, through });
                }
            }
            Frame::Head(attempt, whole) => self.head(attempt, whole),
            Frame::Part(attempt, last) => {
                if last {
                    self.complete(attempt);
                }
            }
            Frame::Refused(attempt) => self.refused(attempt),
            Frame::GoAway(last, calm) => {
                let beyond: Vec<AttemptId> = wire.live.iter().copied().filter(|a| Some(*a) > last).collect();
                self.tell(Event::GoAway { connection, calm });
                for attempt in beyond {
                    self.refused(attempt);
                }
            }
            Frame::Fin => self.lose_connection(id),
            Frame::Syn | Frame::Hello | Frame::Request(..) | Frame::Reset(_) | Frame::Ask(_) => {}
        }
    }

    fn head(&mut self, attempt: AttemptId, whole: bool) {
        let Some(found) = self.attempts.get(&attempt) else { return };
        self.callers.answered(found.request, attempt);
        self.tell(Event::Answered { attempt });
        if whole {
            self.complete(attempt);
        }
    }

    fn complete(&mut self, attempt: AttemptId) {
        let Some(found) = self.forget(attempt) else { return };
        if self.callers.is_answered_by(found.request, attempt) {
            self.end_request(found.request, None);
        }
        self.tell(Event::Done { attempt });
    }

    fn refused(&mut self, attempt: AttemptId) {
        let Some(found) = self.forget(attempt) else { return };
        self.tally.risky -= u64::from(self.callers.not_processed(found.request));
        self.tell(Event::Refused { attempt, again: true });
    }
}
