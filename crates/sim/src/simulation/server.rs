//! The servers: they deal with requests, answer PINGs, count what they think impolite, and restart.

use outlive_core::{AttemptId, ProbeKind};
use outlive_fault::peer::Standing;

use super::Simulation;
use super::agenda::{Happening, WireId};
use super::pipe::Frame;
use super::wire::Stage;
use crate::policy::Policy;

/// A frame without a body, and a part of one.
const SMALL: u32 = 60;
const HEAD: u32 = 200;
const PART: u32 = 16_384;

impl<P: Policy> Simulation<'_, P> {
    /// The server reads one frame.
    pub(super) fn server_reads(&mut self, id: WireId) {
        let Some(frame) = self.wires[id as usize].out.inbox.pop_front() else { return };
        if !self.wires[id as usize].far.open {
            return;
        }
        match frame {
            Frame::Syn => {
                let restart = self.world.server.restart;
                let is_down = restart.is_some_and(|r| r.standing(self.net.now) == Standing::Down);
                self.server_sends(id, if is_down { Frame::Fin } else { Frame::SynAck }, SMALL);
            }
            Frame::Hello => {
                self.wires[id as usize].far.ready = true;
                self.server_sends(id, Frame::Welcome, 3000);
            }
            Frame::Request(attempt, request) => self.deal_with(id, attempt, request),
            Frame::Reset(attempt) => {
                self.wires[id as usize].far.streams.retain(|stream| *stream != attempt);
                if self.wires[id as usize].far.resets.reset(self.net.now) {
                    self.tally.punished.1 += 1;
                    self.break_promise("P10", "the server complains of too many resets".to_owned());
                    self.throw_out(id);
                }
            }
            Frame::Ask(by) => {
                if by == ProbeKind::Ping && self.wires[id as usize].far.pings.ping(self.net.now) {
                    self.tally.punished.0 += 1;
                    self.break_promise("P9", "the server complains of too many PINGs".to_owned());
                    return self.throw_out(id);
                }
                self.server_sends(id, Frame::Pong, SMALL);
            }
            Frame::Fin => {
                let far = &mut self.wires[id as usize].far;
                far.open = false;
                far.streams.clear();
            }
            _ => {}
        }
    }

    fn server_sends(&mut self, id: WireId, frame: Frame, bytes: u32) {
        let wire = &mut self.wires[id as usize];
        wire.out.acknowledge_now(&self.net);
        wire.back.send(frame, bytes, &mut self.net);
    }

    fn deal_with(&mut self, id: WireId, attempt: AttemptId, request: outlive_core::RequestId) {
        let limit = self.world.server.streams.unwrap_or(1) as usize;
        let far = &mut self.wires[id as usize].far;
        if far.left {
            return; // beyond GOAWAY's last stream: the client knows that it was not dealt with
        }
        far.seen = Some(attempt);
        if far.streams.len() >= limit {
            self.break_promise(
                "P3",
                format!("the server gets {attempt} beyond its limit of {limit} streams"),
            );
            return self.server_sends(id, Frame::Refused(attempt), SMALL);
        }
        far.streams.push(attempt);
        let asleep = far.asleep;
        let (times, repeatable) = self.callers.processed(request);
        if times > 1 && !repeatable {
            self.break_promise("P4", format!("{request} is processed {times} times and must not be"));
        }
        let takes = self.slow.takes(self.net.now);
        if !asleep {
            self.net.agenda.plan(self.net.now + takes, Happening::Answer(id, attempt));
        }
    }

    pub(super) fn answer(&mut self, id: WireId, attempt: AttemptId) {
        let awake = self.server_pause.awake(self.net.now);
        if awake > self.net.now {
            return self.net.agenda.plan(awake, Happening::Answer(id, attempt));
        }
        let far = &mut self.wires[id as usize].far;
        if !far.streams.contains(&attempt) || far.asleep {
            return;
        }
        far.pings.sent_data();
        let server = &self.world.server;
        let parts = if self.chance.once_in(server.parts_one_in) { server.parts } else { 0 };
        if parts > 0 {
            self.net.agenda.plan(self.net.now + server.part_every, Happening::Part(id, attempt, parts));
        } else {
            self.end_stream(id, attempt);
        }
        self.server_sends(id, Frame::Head(attempt, parts == 0), HEAD);
    }

    pub(super) fn part(&mut self, id: WireId, attempt: AttemptId, left: u32) {
        let far = &mut self.wires[id as usize].far;
        if !far.streams.contains(&attempt) {
            return;
        }
        far.pings.sent_data();
        self.server_sends(id, Frame::Part(attempt, left == 1), PART);
        if left > 1 {
            let at = self.net.now + self.world.server.part_every;
            self.net.agenda.plan(at, Happening::Part(id, attempt, left - 1));
        } else {
            self.end_stream(id, attempt);
        }
    }

    fn end_stream(&mut self, id: WireId, attempt: AttemptId) {
        let wire = &mut self.wires[id as usize];
        wire.far.streams.retain(|stream| *stream != attempt);
        if wire.far.left && wire.far.streams.is_empty() {
            self.net.agenda.plan(self.net.now, Happening::Shut);
        }
    }

    /// ENHANCE_YOUR_CALM: all that is under way on the connection is lost.
    fn throw_out(&mut self, id: WireId) {
        let seen = self.wires[id as usize].far.seen;
        self.server_sends(id, Frame::GoAway(seen, true), SMALL);
        self.server_closes(id);
    }

    fn server_closes(&mut self, id: WireId) {
        self.server_sends(id, Frame::Fin, SMALL);
        let far = &mut self.wires[id as usize].far;
        far.open = false;
        far.streams.clear();
    }

    /// The servers say GOAWAY on every connection, unless they have no manners at all.
    pub(super) fn leave(&mut self) {
        let has_manners = self.world.server.restart.is_some_and(|restart| restart.grace > 0);
        for id in 0..self.wires.len() as WireId {
            let wire = &mut self.wires[id as usize];
            if !wire.far.open || !wire.far.ready || wire.stage == Stage::Gone {
                continue;
            }
            self.leaving.push(id);
            if has_manners {
                wire.far.left = true;
                let seen = wire.far.seen;
                if self.world.server.streams.is_some() {
                    self.server_sends(id, Frame::GoAway(seen, false), SMALL);
                }
            }
        }
    }

    /// They close what has nothing under way any more, and, when their time is over, everything.
    pub(super) fn shut(&mut self) {
        let restart = self.world.server.restart;
        let is_over = restart.is_none_or(|restart| self.net.now >= restart.at + restart.grace);
        for id in std::mem::take(&mut self.leaving) {
            let far = &self.wires[id as usize].far;
            if far.open && (is_over || far.streams.is_empty()) {
                self.server_closes(id);
            } else if far.open {
                self.leaving.push(id);
            }
        }
    }
}
