//! What a hand can do to a wire.
//!
//! Invariant: each can be undone, and a delay has a limit.
//! Next: `wires/way.rs`, what becomes of the wire.

use std::time::Duration;

use outlive_fault::Direction;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wires::Way;

/// The longest delay, ms each way: far beyond any timeout that suits a page, short enough to be waited for.
pub(super) const MOST_DELAY_MS: u64 = 2_000;

/// `{"do": "cut"}`, `{"do": "stall-up"}`, `{"do": "stall-down"}`, `{"do": "delay", "ms": 60}`, `{"do": "restore"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Deed {
    /// Nothing passes, and nobody is told.
    Cut,
    /// Nothing passes to the origin; what it sends arrives. The fault of the same name, but one that can be undone.
    StallUp,
    /// Nothing comes back; what the contestant sends arrives.
    StallDown,
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
        let no_such = |error: serde_json::Error| format!("no such deed: {error}");
        let asked: Value = serde_json::from_slice(body).map_err(no_such)?;
        let deed = Deed::deserialize(&asked).map_err(no_such)?;
        match deed {
            Deed::Delay { ms } if !(1..=MOST_DELAY_MS).contains(&ms) => {
                Err(format!("a delay is 1 to {MOST_DELAY_MS} ms each way"))
            }
            // serde lets fields pass beside the name of what has none.
            _ if serde_json::to_value(deed).map_err(no_such)? != asked => {
                Err("no such deed: it says more than is understood".to_owned())
            }
            _ => Ok(deed),
        }
    }

    /// What the wire lets pass from then on.
    pub(super) fn way(self) -> Way {
        match self {
            Deed::Cut => Way::Held,
            Deed::StallUp => Way::HalfHeld(Direction::Out),
            Deed::StallDown => Way::HalfHeld(Direction::Back),
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
        assert_eq!(Deed::read(br#"{"do": "stall-up"}"#), Ok(Deed::StallUp));
        assert_eq!(Deed::read(br#"{"do": "stall-down"}"#), Ok(Deed::StallDown));
        assert_eq!(Deed::read(br#"{"ms": 60, "do": "delay"}"#), Ok(Deed::Delay { ms: 60 }));
        assert_eq!(Deed::read(br#"{"do": "restore"}"#), Ok(Deed::Restore));
        for bad in [
            "",
            "cut",
            "[]",
            r#"{"do": "explode"}"#,
            r#"{"do": "stall"}"#,
            r#"{"do": "stall_up"}"#,
            r#"{"do": "cut", "more": 1}"#,
            r#"{"do": "stall-up", "ms": 60}"#,
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
