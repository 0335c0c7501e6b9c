//! Every limit of the pool, with its default, its unit and its reason.

use crate::Span;

/// What one pool may do at most, and how long it waits for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Dials under way at a time.
    pub dials: u32,
    /// Unused connections are closed after this.
    pub idle: Span,
    /// Streams that a first connection is expected to carry, where it is known before any dial; `None` where
    /// ALPN has to tell. 1 for HTTP/1.1.
    pub streams_expected: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { dials: 4, idle: Span::from_secs(90), streams_expected: None }
    }
}
