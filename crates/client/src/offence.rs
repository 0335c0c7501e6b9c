//! What a peer did that a connection can't go on after, or a response can't be used after.
//!
//! h2 and hyper refuse most of what breaks the protocol; the rest of it is noticed by this crate, and named here. Invariant: an
//! offence is always the peer's fault, so its error always blames the peer. Next: [`crate::meter`], which counts frames,
//! and [`crate::vet`], which looks at responses.

use std::error::Error as StdError;
use std::fmt;

/// The peer's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Offence {
    /// It sends frame after frame, and none of use.
    Chatter,
    /// It sends informational responses without end.
    Informational,
    /// It ended the connection with this error code (RFC 9113 section 7).
    GoAway(u32),
    /// The response has more fields than we take.
    Fields,
    /// The response says in two ways how long it is (RFC 9112 section 6.3), or in a way that we did not offer.
    Framing,
    /// The response has content although it can't have any (RFC 9110 section 6.4.1).
    Content,
    /// It changes to another protocol although nobody asked (RFC 9110 section 7.8).
    Switch,
    /// It ended the connection before the response was as long as it had said.
    Short,
}

impl Offence {
    /// As a number that is not zero, for the gauge.
    pub(crate) fn encode(self) -> u64 {
        match self {
            Self::Chatter => 1,
            Self::Informational => 2,
            Self::Fields => 3,
            Self::Framing => 4,
            Self::Content => 5,
            Self::Switch => 6,
            Self::Short => 7,
            Self::GoAway(code) => 1 << 32 | u64::from(code),
        }
    }

    pub(crate) fn decode(number: u64) -> Option<Self> {
        match number {
            0 => None,
            1 => Some(Self::Chatter),
            2 => Some(Self::Informational),
            3 => Some(Self::Fields),
            4 => Some(Self::Framing),
            5 => Some(Self::Content),
            6 => Some(Self::Switch),
            7 => Some(Self::Short),
            code => Some(Self::GoAway(code as u32)),
        }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chatter => "the server sends frames without end, and none of use",
            Self::Informational => "the server sends informational responses (1xx) without end",
            Self::GoAway(code) => {
                let reason = h2::Reason::from(*code);
                return write!(f, "the server ended the connection with GOAWAY, code {code}: {reason}");
            }
            Self::Fields => "the response has too many header fields",
            Self::Framing => "the response is not clear about its own length",
            Self::Content => "the response has content although it can't have any",
            Self::Switch => "the server changes to another protocol, which nobody asked for",
            Self::Short => "the server ended the connection before the response's announced length",
        })
    }
}

impl StdError for Offence {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_offences_are_one_to_one() {
        use Offence::*;
        for offence in [
            Chatter,
            Informational,
            Fields,
            Framing,
            Content,
            Switch,
            Short,
            GoAway(0),
            GoAway(1),
            GoAway(u32::MAX),
        ] {
            assert_eq!(Offence::decode(offence.encode()), Some(offence));
        }
        assert_eq!(Offence::decode(0), None);
    }
}
