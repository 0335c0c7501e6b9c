//! One sending of a request, as the connection that carries it sees it.
//!
//! Invariant (promise P2): the stream an attempt takes is free again only in `Ended`, and a given-up attempt gets
//! there only through `Resetting`, that is, after proof that the peer has received it, or with its connection.

use crate::{ConnectionId, RequestId, Time};

/// How far an attempt has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Handed to the connection; whether it arrived is unknown.
    Sent,
    /// Proven to have arrived; no answer yet.
    Received,
    /// The response head arrived; the body may go on.
    Answered,
    /// Its caller gave up; whether it arrived is unknown. Keeps its stream, is not reset.
    Abandoned,
    /// Its caller gave up, it has arrived, and the peer is to be told by a reset when its turn comes.
    Resetting,
    /// The same, and the response head has arrived too.
    Dropping,
    /// Over.
    Ended,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// It is proven to have arrived.
    Proof,
    /// Its response head arrived.
    Head,
    /// Its caller gave up.
    GiveUp,
    /// Its reset is sent.
    Reset,
    /// It completed, failed or was refused, or its connection ended.
    End,
}

impl State {
    pub(crate) const fn after(self, step: Step) -> Self {
        match (self, step) {
            (Self::Sent, Step::Proof) => Self::Received,
            (Self::Sent | Self::Received, Step::Head) => Self::Answered,
            (Self::Sent, Step::GiveUp) => Self::Abandoned,
            (Self::Sent, Step::Reset) => Self::Sent,
            (Self::Received, Step::Proof | Step::Reset) => Self::Received,
            (Self::Received, Step::GiveUp) => Self::Resetting,
            (Self::Answered, Step::Proof | Step::Head | Step::Reset) => Self::Answered,
            (Self::Answered, Step::GiveUp) => Self::Dropping,
            (Self::Abandoned, Step::Proof) => Self::Resetting,
            (Self::Abandoned | Self::Resetting, Step::Head) => Self::Dropping,
            (Self::Abandoned, Step::GiveUp | Step::Reset) => Self::Abandoned,
            (Self::Resetting, Step::Proof | Step::GiveUp) => Self::Resetting,
            (Self::Dropping, Step::Proof | Step::Head | Step::GiveUp) => Self::Dropping,
            (Self::Resetting | Self::Dropping, Step::Reset) => Self::Ended,
            (
                Self::Sent
                | Self::Received
                | Self::Answered
                | Self::Abandoned
                | Self::Resetting
                | Self::Dropping,
                Step::End,
            ) => Self::Ended,
            (Self::Ended, Step::Proof | Step::Head | Step::GiveUp | Step::Reset | Step::End) => Self::Ended,
        }
    }

    /// Whether a caller still waits for its response head.
    pub(crate) const fn is_unanswered(self) -> bool {
        matches!(self, Self::Sent | Self::Received)
    }

    /// Whether its response head would be the first.
    pub(crate) const fn lacks_head(self) -> bool {
        matches!(self, Self::Sent | Self::Received | Self::Abandoned | Self::Resetting)
    }

    /// Whether it is to be reset when its turn comes.
    pub(crate) const fn awaits_reset(self) -> bool {
        matches!(self, Self::Resetting | Self::Dropping)
    }
}

/// An attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) request: RequestId,
    pub(crate) connection: ConnectionId,
    pub(crate) sent: Time,
    pub(crate) state: State,
    /// Where its connection lists it.
    pub(crate) place: u32,
}
