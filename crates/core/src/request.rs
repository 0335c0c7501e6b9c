//! A request: what its caller waits for, and the attempts that are out for it.
//!
//! Invariant: at most two attempts are out at a time, and the first answer ends the race.

use crate::event::Repeat;
use crate::{AttemptId, Time};

/// What a request is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Waiting for a connection.
    Waiting,
    /// Out, as this attempt.
    Out(AttemptId),
    /// Out, and waiting for another connection to be sent on as well.
    Rescuing(AttemptId),
    /// Out twice: the first one, and its rescue.
    Raced(AttemptId, AttemptId),
    /// Its response head has been delivered; the body goes on.
    Delivered(AttemptId),
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// It was sent.
    Send(AttemptId),
    /// A rescue is wanted.
    Wish,
    /// The rescue is not wanted any more, or not affordable.
    Drop,
    /// The response head of this attempt arrived.
    Head(AttemptId),
    /// This attempt ended without an answer.
    Lose(AttemptId),
}

impl Phase {
    pub(crate) fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::Waiting, Turn::Send(id)) => Self::Out(id),
            (Self::Waiting, Turn::Wish | Turn::Drop | Turn::Head(_) | Turn::Lose(_)) => self,

            (Self::Out(first), Turn::Send(id)) => Self::Raced(first, id),
            (Self::Out(first), Turn::Wish) => Self::Rescuing(first),
            (Self::Out(first), Turn::Head(id)) if id == first => Self::Delivered(first),
            (Self::Out(first), Turn::Lose(id)) if id == first => Self::Waiting,
            (Self::Out(_), Turn::Drop | Turn::Head(_) | Turn::Lose(_)) => self,

            (Self::Rescuing(first), Turn::Send(id)) => Self::Raced(first, id),
            (Self::Rescuing(first), Turn::Drop) => Self::Out(first),
            (Self::Rescuing(first), Turn::Head(id)) if id == first => Self::Delivered(first),
            (Self::Rescuing(first), Turn::Lose(id)) if id == first => Self::Waiting,
            (Self::Rescuing(_), Turn::Wish | Turn::Head(_) | Turn::Lose(_)) => self,

            (Self::Raced(a, b), Turn::Head(id)) if id == a || id == b => Self::Delivered(id),
            (Self::Raced(a, b), Turn::Lose(id)) if id == a => Self::Out(b),
            (Self::Raced(a, b), Turn::Lose(id)) if id == b => Self::Out(a),
            (Self::Raced(..), Turn::Send(_) | Turn::Wish | Turn::Drop | Turn::Head(_) | Turn::Lose(_)) => {
                self
            }

            (Self::Delivered(_), Turn::Send(_) | Turn::Wish | Turn::Drop | Turn::Head(_) | Turn::Lose(_)) => {
                self
            }
        }
    }

    /// The attempts that are out, or brought the answer.
    pub(crate) fn attempts(self) -> impl Iterator<Item = AttemptId> {
        let (first, second) = match self {
            Self::Waiting => (None, None),
            Self::Out(a) | Self::Rescuing(a) | Self::Delivered(a) => (Some(a), None),
            Self::Raced(a, b) => (Some(a), Some(b)),
        };
        first.into_iter().chain(second)
    }
}

/// A request that has not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) phase: Phase,
    pub(crate) arrived: Time,
    pub(crate) deadline: Option<Time>,
    pub(crate) repeat: Repeat,
    /// Times it was refused unprocessed: free of risk, and not counted against the budget.
    pub(crate) refusals: u32,
    /// Times it was sent at a risk of being processed twice.
    pub(crate) extra: u32,
}

impl Request {
    /// Whether it may be sent once more although it may have been processed (P4).
    pub(crate) fn may_repeat(&self, now: Time, most: u32) -> bool {
        self.repeat != Repeat::IfUnprocessed
            && self.extra < most
            && self.deadline.is_none_or(|deadline| now < deadline)
    }
}
