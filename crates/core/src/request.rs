//! A request: what its caller waits for, and the attempts that are out for it.
//!
//! Invariant: the first answer ends the race, whichever attempt brings it.

use core::fmt;

use crate::event::Repeat;
use crate::{AttemptId, Time};

/// What a request is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waiting for a connection.
    Waiting,
    /// Out, as these attempts.
    Out(Outs),
    /// Out, and waiting for another connection to be sent on as well.
    Rescuing(Outs),
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
    #[inline]
    pub(crate) fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::Waiting, Turn::Send(id)) => Self::Out(Outs::one(id)),
            (Self::Waiting, Turn::Wish | Turn::Drop | Turn::Head(_) | Turn::Lose(_)) => self,

            (Self::Out(outs) | Self::Rescuing(outs), Turn::Send(id)) => Self::Out(outs.with(id)),
            (Self::Out(outs), Turn::Wish) if outs.has_room() => Self::Rescuing(outs),
            (Self::Rescuing(outs), Turn::Drop) => Self::Out(outs),
            (Self::Out(outs) | Self::Rescuing(outs), Turn::Head(id)) if outs.contains(id) => {
                Self::Delivered(id)
            }
            (Self::Out(outs), Turn::Lose(id)) => outs.without(id).map_or(Self::Waiting, Self::Out),
            (Self::Rescuing(outs), Turn::Lose(id)) => outs.without(id).map_or(Self::Waiting, Self::Rescuing),
            (Self::Out(_), Turn::Wish | Turn::Drop | Turn::Head(_)) => self,
            (Self::Rescuing(_), Turn::Wish | Turn::Head(_)) => self,

            (Self::Delivered(_), Turn::Send(_) | Turn::Wish | Turn::Drop | Turn::Head(_) | Turn::Lose(_)) => {
                self
            }
        }
    }

    /// The attempts that are out, or brought the answer, oldest first.
    pub(crate) fn attempts(self) -> impl Iterator<Item = AttemptId> {
        let outs = match self {
            Self::Waiting => None,
            Self::Out(outs) | Self::Rescuing(outs) => Some(outs),
            Self::Delivered(id) => Some(Outs::one(id)),
        };
        outs.into_iter().flat_map(Outs::iter)
    }

    /// The attempts whose race is lost when this one brings the answer, if it is out and not alone.
    #[inline]
    pub(crate) fn losers(self, winner: AttemptId) -> Option<Outs> {
        match self {
            Self::Out(outs) | Self::Rescuing(outs) if !outs.is_alone() && outs.contains(winner) => {
                outs.without(winner)
            }
            Self::Out(_) | Self::Rescuing(_) | Self::Waiting | Self::Delivered(_) => None,
        }
    }

    /// Whether this attempt is one that the caller waits for.
    pub(crate) fn is_out(self, id: AttemptId) -> bool {
        match self {
            Self::Out(outs) | Self::Rescuing(outs) => outs.contains(id),
            Self::Waiting | Self::Delivered(_) => false,
        }
    }
}

/// The attempts that are out for one request: at least one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outs {
    /// Oldest first; behind the last there is none.
    ids: [AttemptId; Self::MOST],
}

impl Outs {
    /// How many may be out at a time: the first, and as many rescues as one request may have by default.
    pub(crate) const MOST: usize = 4;
    /// A pool's first attempt is `a1`.
    const NONE: AttemptId = AttemptId(0);

    pub(crate) const fn one(id: AttemptId) -> Self {
        let mut ids = [Self::NONE; Self::MOST];
        ids[0] = id;
        Self { ids }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = AttemptId> {
        self.ids.into_iter().take_while(|id| *id != Self::NONE)
    }

    pub(crate) fn contains(self, id: AttemptId) -> bool {
        self.iter().any(|out| out == id)
    }

    fn is_alone(self) -> bool {
        self.ids[1] == Self::NONE
    }

    pub(crate) fn has_room(self) -> bool {
        self.ids.contains(&Self::NONE)
    }

    /// With one more, if it is new and there is room.
    pub(crate) fn with(mut self, id: AttemptId) -> Self {
        if self.contains(id) {
            return self;
        }
        if let Some(place) = self.ids.iter_mut().find(|id| **id == Self::NONE) {
            *place = id;
        }
        self
    }

    /// Without this one; `None` if that leaves none.
    fn without(self, id: AttemptId) -> Option<Self> {
        let mut rest = self.iter().filter(|out| *out != id);
        let first = Self::one(rest.next()?);
        Some(rest.fold(first, Self::with))
    }
}

/// As diagrams and logs name it: `Out_a1_a2`.
impl fmt::Debug for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "Waiting",
            Self::Out(_) => "Out",
            Self::Rescuing(_) => "Rescuing",
            Self::Delivered(_) => "Delivered",
        })?;
        self.attempts().try_for_each(|id| write!(f, "_{id}"))
    }
}

/// What it costs to be sent again after a loss.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Again {
    /// Nothing.
    Free,
    /// One of the times that it may be refused.
    Refusal,
    /// One of the times that it may be sent at a risk, and a share of the pool's budget.
    Risk,
    /// It is not.
    Never,
}

/// What its caller asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) deadline: Option<Time>,
    pub(crate) repeat: Repeat,
}

/// A request that has not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) phase: Phase,
    /// Since when it has been waiting, when it last began to.
    pub(crate) since: Time,
    pub(crate) deadline: Option<Time>,
    pub(crate) repeat: Repeat,
    /// Times it was refused unprocessed: free of risk, and not counted against the budget.
    pub(crate) refusals: u32,
    /// Times it was sent at a risk of being processed twice.
    pub(crate) extra: u32,
}

impl Request {
    pub(crate) fn asked(&self) -> Asked {
        Asked { deadline: self.deadline, repeat: self.repeat }
    }

    /// Whether it may be sent once more although it may have been processed (P4).
    pub(crate) fn may_repeat(&self, now: Time, most: u32) -> bool {
        self.repeat != Repeat::IfUnprocessed
            && self.extra < most
            && self.deadline.is_none_or(|deadline| now < deadline)
    }
}
