//! OkHttp 5: a stream's timeout sends a "degraded" PING, and a connection whose PING is not answered within one second
//! is not healthy: the next request that looks at it leaves it for good.
//!
//! From `Http2Connection.kt` (`isHealthy`, `sendDegradedPingLater`, `DEGRADED_PONG_TIMEOUT_NS`), 5.4.0. Only a stream's
//! read or write timeout asks; a call's own timeout or its cancellation does not (measured: never recovers), so this is
//! its better side.

use outlive_core::{AttemptId, Span, Time};

use super::{Judge, Reaction};

/// A second for the PING's answer.
const PONG_TIMEOUT: Span = Span::from_secs(1);

/// Asks when a request times out.
#[derive(Clone, Copy, Debug)]
pub struct DegradedPing;

impl Judge for DegradedPing {
    /// Since when a PING is out.
    type Book = Option<Time>;

    fn given_up(&self, asked: &mut Option<Time>, _: AttemptId, now: Time) -> Reaction {
        if asked.is_some() {
            return Reaction::Nothing;
        }
        *asked = Some(now);
        Reaction::Ask
    }

    fn pong(&self, asked: &mut Option<Time>, _: Time) {
        *asked = None;
    }

    fn is_spoilt(&self, asked: &Option<Time>, now: Time) -> bool {
        asked.is_some_and(|asked| now >= asked + PONG_TIMEOUT)
    }
}
