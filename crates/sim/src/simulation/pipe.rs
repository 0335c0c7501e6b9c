//! One direction of a TCP connection: in order, acknowledged, sent again when lost.
//!
//! Modelled on Linux as measured: a lone lost segment is sent again after 200 ms and a round trip, once more after as
//! long, then after twice as long each time, up to 15 times; with two or more under way the first time is after two round
//! trips (a tail loss probe); and what the other side can tell is missing, because later segments arrived, follows after
//! one. Not modelled: windows and
//! congestion control. Invariant: frames leave in the order in which they were sent, each once.

use std::collections::VecDeque;

use outlive_core::{AttemptId, ProbeKind, RequestId};
use outlive_fault::{Direction, Micros, Verdict};

use super::agenda::{Happening, WireId};
use super::network::{Network, Route};
use crate::world::{MS, SEC};

/// What is said on a wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frame {
    /// May I?
    Syn,
    /// Go on.
    SynAck,
    /// The client's part of TLS.
    Hello,
    /// The server's part, and its SETTINGS.
    Welcome,
    /// A request.
    Request(AttemptId, RequestId),
    /// The client resets a stream.
    Reset(AttemptId),
    /// A question for proof of life: a PING, or SETTINGS that change nothing.
    Ask(ProbeKind),
    /// Its answer.
    Pong,
    /// A response head, and whether the body is complete with it.
    Head(AttemptId, bool),
    /// A part of a body, and whether it is the last.
    Part(AttemptId, bool),
    /// REFUSED_STREAM.
    Refused(AttemptId),
    /// GOAWAY: the last attempt that is dealt with, and whether it asks for calm.
    GoAway(Option<AttemptId>, bool),
    /// The sender has closed the connection, or never had it.
    Fin,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Flying,
    Lost,
    Arrived,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    frame: Frame,
    bytes: u32,
    fate: Fate,
}

/// The delayed acknowledgement of a lone segment (Linux; measured 40 to 47 ms).
const DELAYED_ACK: Micros = 40 * MS;
/// What a kernel keeps for a socket until it is acknowledged.
const SEND_BUFFER: u64 = 512 * 1024;
/// Retransmissions before a kernel gives up (`tcp_retries2`).
const RETRIES: u32 = 15;

#[derive(Debug)]
pub(super) struct Pipe {
    wire: WireId,
    route: Route,
    direction: Direction,
    /// Not yet delivered in order; the first is number `base`.
    segments: VecDeque<Segment>,
    base: u32,
    /// Below this, all is acknowledged; and what will be, when.
    acked: u32,
    acks: Vec<(u32, Micros)>,
    /// The sizes of what is not acknowledged, and their sum.
    sizes: VecDeque<u32>,
    in_flight: u64,
    ack_lost: bool,
    /// The running timer, if any, and timeouts in a row.
    timer: Option<u32>,
    timers: u32,
    backoff: u32,
    pub(super) retransmits: u32,
    /// Delivered, and not yet read by the process there.
    pub(super) inbox: VecDeque<Frame>,
}

impl Pipe {
    pub(super) fn new(wire: WireId, route: Route, direction: Direction) -> Self {
        Self {
            wire,
            route,
            direction,
            segments: VecDeque::new(),
            base: 0,
            acked: 0,
            acks: Vec::new(),
            sizes: VecDeque::new(),
            in_flight: 0,
            ack_lost: false,
            timer: None,
            timers: 0,
            backoff: 0,
            retransmits: 0,
            inbox: VecDeque::new(),
        }
    }

    /// The sender's kernel takes a frame.
    pub(super) fn send(&mut self, frame: Frame, bytes: u32, net: &mut Network) {
        self.segments.push_back(Segment { frame, bytes, fate: Fate::Flying });
        self.sizes.push_back(bytes);
        self.in_flight += u64::from(bytes);
        self.launch(self.next() - 1, net);
    }

    fn next(&self) -> u32 {
        self.base + self.segments.len() as u32
    }

    /// Segments sent and not acknowledged.
    pub(super) fn unacked(&mut self, now: Micros) -> u32 {
        let due = self.acks.iter().filter(|(_, at)| *at <= now).map(|(through, _)| *through).max();
        self.acks.retain(|(_, at)| *at > now);
        for _ in self.acked..due.unwrap_or(self.acked) {
            self.acked += 1;
            self.in_flight -= self.sizes.pop_front().map_or(0, u64::from);
        }
        self.next() - self.acked
    }

    /// Whether the sender's kernel takes so many bytes more.
    pub(super) fn has_room(&mut self, bytes: u32, now: Micros) -> bool {
        self.unacked(now) == 0 || self.in_flight + u64::from(bytes) <= SEND_BUFFER
    }

    /// When the next acknowledgement that is on its way arrives.
    pub(super) fn next_ack(&self) -> Option<Micros> {
        self.acks.iter().map(|(_, at)| *at).min()
    }

    /// The other process writes: what it has read so far is acknowledged with that.
    pub(super) fn acknowledge_now(&mut self, net: &Network) {
        for (_, at) in &mut self.acks {
            *at = (*at).min(net.now + net.rtt / 2);
        }
    }

    fn launch(&mut self, number: u32, net: &mut Network) {
        let bytes = self.segments[(number - self.base) as usize].bytes;
        let verdict = net.judge(self.route, self.direction, bytes);
        let arrival = Happening::Arrive(self.wire, self.direction, number);
        let fate = match verdict {
            Verdict::Pass => {
                net.agenda.plan(net.now, arrival);
                Fate::Flying
            }
            Verdict::Delay(delay) => {
                net.agenda.plan(net.now + delay, arrival);
                Fate::Flying
            }
            Verdict::Hold => {
                self.acks.push((number + 1, net.now + net.rtt / 2));
                Fate::Flying
            }
            Verdict::Drop => Fate::Lost,
        };
        self.segments[(number - self.base) as usize].fate = fate;
        if fate == Fate::Lost {
            self.arm(net);
        }
    }

    /// Starts the retransmission timer, if it is not running.
    fn arm(&mut self, net: &mut Network) {
        if self.timer.is_some() {
            return;
        }
        let first = match self.segments.front().map(|segment| segment.frame) {
            Some(Frame::Syn) => SEC,
            _ => 200 * MS + net.rtt,
        };
        let is_tail = self.backoff == 0 && self.unacked(net.now) >= 2;
        let doublings = self.backoff.saturating_sub(1).min(16);
        let wait = if is_tail { 2 * net.rtt + 3 * MS } else { (first << doublings).min(120 * SEC) };
        self.start_timer(net.now + wait, net);
    }

    fn start_timer(&mut self, at: Micros, net: &mut Network) {
        self.timers += 1;
        self.timer = Some(self.timers);
        net.agenda.plan(at, Happening::Resend(self.wire, self.direction, self.timers));
    }

    /// A retransmission timer fires.
    pub(super) fn resend(&mut self, timer: u32, net: &mut Network) {
        if self.timer != Some(timer) {
            return;
        }
        self.timer = None;
        self.backoff += 1;
        if self.backoff > RETRIES {
            return net.agenda.plan(net.now, Happening::Break(self.wire));
        }
        match self.segments.iter().position(|segment| segment.fate == Fate::Lost) {
            Some(place) => {
                self.retransmits += 1;
                self.launch(self.base + place as u32, net);
            }
            None if self.ack_lost => {
                self.retransmits += 1; // it arrives a second time, and is acknowledged a second time
                match net.judge(self.route, self.direction, 40) {
                    Verdict::Drop | Verdict::Hold => self.arm(net),
                    Verdict::Pass | Verdict::Delay(_) => self.acknowledge(false, net),
                }
            }
            None => {}
        }
    }

    /// A segment arrives. What is in order now goes to the inbox; returns how many frames that were.
    pub(super) fn arrive(&mut self, number: u32, net: &mut Network) -> usize {
        let is_lone = self.unacked(net.now) == 1;
        if let Some(segment) = number.checked_sub(self.base).and_then(|i| self.segments.get_mut(i as usize)) {
            segment.fate = Fate::Arrived;
        }
        let before = self.inbox.len();
        while let Some(segment) = self.segments.front().filter(|segment| segment.fate == Fate::Arrived) {
            self.inbox.push_back(segment.frame);
            self.segments.pop_front();
            self.base += 1;
        }
        self.acknowledge(is_lone, net);
        self.inbox.len() - before
    }

    /// The receiver's kernel says what it has.
    fn acknowledge(&mut self, is_lone: bool, net: &mut Network) {
        let back = match self.direction {
            Direction::Out => Direction::Back,
            Direction::Back => Direction::Out,
        };
        let delay = match net.judge(self.route, back, 0) {
            Verdict::Pass => 0,
            Verdict::Delay(delay) => delay,
            Verdict::Hold => net.rtt / 2,
            Verdict::Drop => {
                self.ack_lost = true;
                return self.arm(net);
            }
        };
        self.ack_lost = false;
        (self.backoff, self.timer) = (0, None);
        let late = if is_lone { DELAYED_ACK } else { 0 };
        self.acks.push((self.base, net.now + delay + late));
        if self.segments.iter().any(|segment| segment.fate == Fate::Lost) {
            self.start_timer(net.now + delay, net);
        }
    }
}
