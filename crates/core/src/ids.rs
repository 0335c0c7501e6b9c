//! Names for requests, connections and attempts: plain numbers, never used twice within one pool.
//!
//! Who hands them out: the glue names requests; the pool names connections (when it decides to dial) and
//! attempts (when it decides to send). Invariant: a later attempt has a larger number, so on one connection
//! the order of the attempts' numbers is the order of their bytes on the wire (see [`crate::Action::Send`]).

use core::fmt;

use crate::table::Id;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u64);

        impl Id for $name {
            fn number(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }

        impl core::str::FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let digits = text.strip_prefix($letter).ok_or(NotAnId)?;
                digits.parse().map(Self).map_err(|_| NotAnId)
            }
        }
    };
}

id!(
    /// A caller's wish, named by the glue: `r7`.
    RequestId, "r"
);
id!(
    /// One transport from dial to close, named by the pool when it dials: `c7`.
    ConnectionId, "c"
);
id!(
    /// One sending of a request, named by the pool when it sends: `a7`.
    AttemptId, "a"
);

id!(
    /// One resolved IP address and port of the origin, named by the glue: `ip7`.
    AddressId, "ip"
);

/// A text that is not a letter and a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAnId;
