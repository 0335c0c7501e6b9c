//! The health of a connection: what its silence means.
//!
//! Invariant: only proof makes a suspect alive again, and only proof of something written after the doubt began
//! (promise P15; whoever calls [`Health::after`] with [`Sign::Proof`] has checked that).

/// What the pool thinks of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// Nothing speaks against it.
    Alive,
    /// It owed an answer for longer than the patience and was asked for proof. Still takes requests, after all
    /// others.
    Asked,
    /// It did not answer in time. Takes no requests.
    Suspect,
}

/// What can change that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sign {
    /// A probe was sent.
    Ask,
    /// The probe's answer is overdue, or a caller gave up on what is overdue.
    Miss,
    /// Proof of life arrived.
    Proof,
}

impl Health {
    pub(crate) const fn after(self, sign: Sign) -> Self {
        match (self, sign) {
            (Self::Alive, Sign::Ask) => Self::Asked,
            (Self::Alive, Sign::Miss) => Self::Alive, // nothing was asked, so nothing is overdue
            (Self::Alive, Sign::Proof) => Self::Alive,
            (Self::Asked, Sign::Ask) => Self::Asked,
            (Self::Asked, Sign::Miss) => Self::Suspect,
            (Self::Asked, Sign::Proof) => Self::Alive,
            (Self::Suspect, Sign::Ask | Sign::Miss) => Self::Suspect,
            (Self::Suspect, Sign::Proof) => Self::Alive,
        }
    }
}
