//! Names for requests, connections and attempts: plain numbers, never used twice within one pool.
//!
//! Who hands them out: the glue names requests; the pool names connections (when it decides to dial) and
//! attempts (when it decides to send). Invariant: a later attempt has a larger number, so on one connection
//! the order of the attempts' numbers is the order of their bytes on the wire (see [`crate::Action::Send`]).

use core::fmt;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u64);

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

/// A map from ids. Ids are our own counters, nobody outside chooses them: so they are their own places in the table, neighbours in
/// time are neighbours in memory, and only the tag that the table keeps of each is mixed (by Fibonacci hashing).
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// The hasher of [`IdMap`].
#[derive(Clone, Copy, Default, Debug)]
pub struct IdHasher(u64);

/// The bits that the standard library's table compares before it looks at a key.
const TAG: u64 = 0xFE00_0000_0000_0000;

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let value = self.0 ^ value;
        self.0 = value ^ (value.wrapping_mul(0x9E37_79B9_7F4A_7C15) & TAG);
    }
}
