//! What is going to happen, in the order of time. At one moment: first what is read, then the rest, as it was planned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use outlive_core::{AttemptId, RequestId};
use outlive_fault::{Direction, Micros};

/// A wire, by its place among the wires.
pub(super) type WireId = u32;

/// Something that is going to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Happening {
    /// A segment arrives at the other kernel.
    Arrive(WireId, Direction, u32),
    /// A kernel sends again what was lost; the last number tells a timer that has been called off.
    Resend(WireId, Direction, u32),
    /// A process reads what its kernel holds for it.
    Read(WireId, Direction),
    /// A server has the answer to an attempt.
    Answer(WireId, AttemptId),
    /// The next part of a body is due; so many are left.
    Part(WireId, AttemptId, u32),
    /// The client learns that its kernel takes no more bytes of a wire for now.
    Blocked(WireId),
    /// Its kernel may have room again.
    Room(WireId),
    /// A kernel gives a connection up.
    Break(WireId),
    /// A dial has taken too long.
    DialEnds(WireId),
    /// A caller gives up.
    GiveUp(RequestId),
    /// A caller makes its next request.
    Start(u32),
    /// One of the world's cuts.
    Cut(u32),
    /// The servers say GOAWAY.
    Leave,
    /// The servers close what they have left.
    Shut,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Item {
    at: Micros,
    order: u64,
    what: Happening,
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The agenda.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    items: BinaryHeap<Reverse<Item>>,
    planned: u64,
}

/// Added to the order of what is not reading.
const AFTER_READS: u64 = 1 << 63;

impl Agenda {
    pub(super) fn plan(&mut self, at: Micros, what: Happening) {
        self.planned += 1;
        let order = match what {
            Happening::Arrive(..) | Happening::Read(..) => self.planned,
            _ => self.planned | AFTER_READS,
        };
        self.items.push(Reverse(Item { at, order, what }));
    }

    pub(super) fn next_at(&self) -> Option<Micros> {
        self.items.peek().map(|item| item.0.at)
    }

    pub(super) fn next(&mut self) -> Option<(Micros, Happening)> {
        self.items.pop().map(|Reverse(item)| (item.at, item.what))
    }
}
