//! The life of a connection, from dial to close.
//!
//! Health ([`crate::health`]) judges silence; life says whether the connection takes requests at all. There is no state
//! for the end: a connection that has ended is forgotten, and facts about it mean nothing any more.

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    /// Being opened.
    Dialing,
    /// Takes requests.
    Open,
    /// Takes no new requests; those under way go on.
    Draining,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// The dial succeeded.
    Connect,
    /// No new requests from now on.
    Drain,
}

impl Life {
    pub(crate) const fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::Dialing, Turn::Connect) => Self::Open,
            (Self::Dialing, Turn::Drain) => Self::Dialing, // nobody can refuse what is not there yet
            (Self::Open, Turn::Connect) => Self::Open,
            (Self::Open | Self::Draining, Turn::Drain) => Self::Draining,
            (Self::Draining, Turn::Connect) => Self::Draining,
        }
    }
}
