//! The choices about a pool's size and its queue, and how they become the core's limits.
//!
//! Invariant: what the caller did not choose is the core's default, with the reason that stands there. Next:
//! [`outlive_core::Limits`].

use std::time::Duration;

use outlive_core::{Limits, Span};

use crate::builder::Builder;
use crate::settings::AGE_LEAST;

/// What the caller chose; `None` is the core's default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PoolLimits {
    connections: Option<u32>,
    connections_min: Option<u32>,
    age: Option<Duration>,
    waiting: Option<u32>,
    wait: Option<Duration>,
}

/// The limits of an origin's pool.
impl Builder {
    /// At most this many connections to one origin, those being opened included. Suspects and those that take no new
    /// requests do not count, so that a full pool of them can be replaced; with them there are at most twice as many.
    /// Default: 256. At least 1.
    pub fn max_connections_per_origin(mut self, connections: u32) -> Self {
        self.pool.connections = Some(connections.max(1));
        self
    }

    /// This many connections to each origin are kept open from its first request on, whether needed or not, and dialled
    /// anew when they end. With 2 or more, a dead connection never makes a request wait for a dial. Default: 0. More than
    /// [`Builder::max_connections_per_origin`] is as many as that.
    pub fn min_connections_per_origin(mut self, connections: u32) -> Self {
        self.pool.connections_min = Some(connections);
        self
    }

    /// A connection this old takes no new requests once its successor is there, and is closed when its last request has
    /// ended, so that load follows changed names and new servers. Up to a tenth less by chance, so that they do not
    /// all go at once. Default: no limit. At least 1 s.
    pub fn max_connection_age(mut self, age: Duration) -> Self {
        self.pool.age = Some(age.max(AGE_LEAST));
        self
    }

    /// At most this many requests wait for a connection to one origin; one more fails at once with
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit), unsent. Default: 100,000.
    pub fn max_waiting_requests(mut self, requests: u32) -> Self {
        self.pool.waiting = Some(requests);
        self
    }

    /// A request that has waited this long for a connection at a stretch fails with
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit). It is a limit of the pool, the same for all; what a single caller
    /// bears is in its [`Timeouts`](crate::Timeouts). Default: no limit.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.pool.wait = Some(wait);
        self
    }
}

impl PoolLimits {
    /// The core's limits with these choices in place.
    pub(crate) fn over(&self, defaults: Limits) -> Limits {
        let connections = self.connections.unwrap_or(defaults.connections);
        Limits {
            connections,
            connections_min: self.connections_min.unwrap_or(defaults.connections_min).min(connections),
            age: self.age.map_or(defaults.age, span),
            waiting: self.waiting.unwrap_or(defaults.waiting),
            wait: self.wait.map_or(defaults.wait, span),
            ..defaults
        }
    }
}

/// As the core counts it.
pub(crate) fn span(duration: Duration) -> Span {
    Span::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_chosen_is_the_cores_default() {
        assert_eq!(PoolLimits::default().over(Limits::default()), Limits::default());
    }

    #[test]
    fn what_is_chosen_reaches_the_core() {
        let builder = Builder::new()
            .max_connections_per_origin(3)
            .min_connections_per_origin(7)
            .max_connection_age(Duration::from_secs(60))
            .max_waiting_requests(5)
            .max_wait(Duration::from_millis(20));
        let expected = Limits {
            connections: 3,
            connections_min: 3,
            age: Span::from_secs(60),
            waiting: 5,
            wait: Span::from_millis(20),
            ..Limits::default()
        };
        assert_eq!(builder.pool.over(Limits::default()), expected);
    }
}
