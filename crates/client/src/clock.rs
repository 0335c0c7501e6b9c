//! The client's clock: where the core's plain numbers come from.
//!
//! One clock per client, started when the client is made. It reads tokio's time, so that a test which pauses
//! tokio's time pauses the pool with it. Next: [`crate::origin`], which stamps every fact with it.

use outlive_core::Time;
use tokio::time::{Duration, Instant};

/// Microseconds since a client was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(self) -> Time {
        self.time_of(Instant::now())
    }

    pub(crate) fn time_of(self, instant: Instant) -> Time {
        let micros = instant.saturating_duration_since(self.start).as_micros();
        Time::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The first instant at which [`Self::now`] is not before `time`; `None` if no clock will ever show it.
    pub(crate) fn instant_of(self, time: Time) -> Option<Instant> {
        self.start.checked_add(Duration::from_micros(time.as_micros()))
    }
}
