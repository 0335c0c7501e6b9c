//! The life of a connection, from dial to close.
//!
//! Health ([`crate::health`]) judges silence; life says whether the connection takes requests at all. There is no state
//! for the end: a connection that has ended is forgotten, and facts about it mean nothing any more.

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// Being opened.
    Dialing,
    /// Takes requests.
    Open,
    /// Takes requests until its successor is there: it is old.
    Retiring,
    /// Takes no new requests; those under way go on.
    Draining,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// The dial succeeded.
    Connect,
    /// It has reached its maximum age.
    Age,
    /// No new requests from now on.
    Drain,
}

impl Life {
    pub(crate) const fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::Dialing, Turn::Connect) => Self::Open,
            (Self::Dialing, Turn::Age | Turn::Drain) => Self::Dialing, // nobody can refuse what is not there yet
            (Self::Open, Turn::Connect) => Self::Open,
            (Self::Open, Turn::Age) => Self::Retiring,
            (Self::Retiring, Turn::Connect | Turn::Age) => Self::Retiring,
            (Self::Open | Self::Retiring, Turn::Drain) => Self::Draining,
            (Self::Draining, Turn::Connect | Turn::Age | Turn::Drain) => Self::Draining,
        }
    }

    /// Whether it takes requests.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Retiring)
    }
}
