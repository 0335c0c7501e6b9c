//! What a hand can do to a wire.
//!
//! Invariant: each can be undone, and a delay has a limit.
//! Next: `wires/way.rs`, what becomes of the wire.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wires::Way;

/// The longest delay, ms each way: far beyond any timeout that suits a page, short enough to be waited for.
pub(super) const MOST_DELAY_MS: u64 = 2_000;

/// `{"do": "cut"}`, `{"do": "delay", "ms": 60}`, `{"do": "restore"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Deed {
    /// Nothing passes, and nobody is told.
    Cut,
    /// All bytes come later.
    Delay {
        /// Each way.
        ms: u64,
    },
    /// As if nothing had happened; what was on its way arrives.
    Restore,
}

impl Deed {
    /// What is asked for, or why it can't be done.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(body) {
            Ok(Deed::Delay { ms }) if !(1..=MOST_DELAY_MS).contains(&ms) => {
                Err(format!("a delay is 1 to {MOST_DELAY_MS} ms each way"))
            }
            Ok(deed) => Ok(deed),
            Err(error) => Err(format!("no such deed: {error}")),
        }
    }

    /// What the wire lets pass from then on.
    pub(super) fn way(self) -> Way {
        match self {
            Deed::Cut => Way::Held,
            Deed::Delay { ms } => Way::Late(Duration::from_millis(ms)),
            Deed::Restore => Way::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Deed;

    #[test]
    fn what_is_understood_and_what_is_not() {
        assert_eq!(Deed::read(br#"{"do": "cut"}"#), Ok(Deed::Cut));
        assert_eq!(Deed::read(br#"{"ms": 60, "do": "delay"}"#), Ok(Deed::Delay { ms: 60 }));
        assert_eq!(Deed::read(br#"{"do": "restore"}"#), Ok(Deed::Restore));
        for bad in [
            "",
            "cut",
            "[]",
            r#"{"do": "explode"}"#,
            r#"{"do": "delay"}"#,
            r#"{"do": "delay", "ms": 0}"#,
            r#"{"do": "delay", "ms": 2001}"#,
            r#"{"do": "delay", "ms": -1}"#,
            r#"{"do": "delay", "ms": 60, "more": 1}"#,
            "{\"do\": \"cut\"} {}",
            "\u{1b}[31m",
        ] {
            assert!(Deed::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
