//! Stalled, or just slow? Judged by comparison, since a probe can't tell (promise P14).
//!
//! A connection may answer every PING and no request: a proxy in front lives, what is behind it sleeps. Asking again shows
//! nothing, and drawing conclusions from timeouts alone re-dials on every slow request. So after a few requests in a row were
//! given up with no response head in between, the next go to another connection. It answers: the silent one is stalled. It
//! does not: the origin is slow, both stay, and the next comparison waits longer.

use crate::{ConnectionId, Limits, Span, Time};

/// The comparison of a pool. There is one at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    /// None, and no new one before `until`.
    Rest {
        until: Time,
        /// How long the rest after the next fruitless one is.
        next: Span,
    },
    /// `accused` is silent, and another connection is needed to compare it with.
    Search { accused: ConnectionId, next: Span },
    /// Requests go to `other`, to see whether it answers.
    Trial { accused: ConnectionId, other: ConnectionId, next: Span },
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    /// So many requests in a row were given up on this connection, with no head in between.
    Silent(ConnectionId),
    /// Another connection that could be compared with the accused.
    Candidate(ConnectionId),
    /// A response head arrived on this connection.
    Answered(ConnectionId),
    /// This connection is gone, suspect, or draining.
    Lost(ConnectionId),
}

/// What a comparison has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Nothing yet.
    Open,
    /// This connection is stalled.
    Stalled(ConnectionId),
}

impl Comparison {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self::Rest { until: Time::ZERO, next: limits.comparison_min }
    }

    pub(crate) fn after(self, finding: Finding, now: Time, limits: &Limits) -> (Self, Outcome) {
        let fresh = Self::Rest { until: now, next: limits.comparison_min };
        let next = match (self, finding) {
            (Self::Rest { until, next }, Finding::Silent(accused)) if until <= now => {
                Self::Search { accused, next }
            }
            (Self::Rest { .. }, Finding::Answered(_)) => fresh, // the origin is not slow any more
            (Self::Rest { .. }, Finding::Silent(_) | Finding::Candidate(_) | Finding::Lost(_)) => self,

            (Self::Search { accused, next }, Finding::Candidate(other)) if other != accused => {
                Self::Trial { accused, other, next }
            }
            (Self::Search { accused, .. }, Finding::Answered(id) | Finding::Lost(id)) if id == accused => {
                fresh
            }
            (
                Self::Search { .. },
                Finding::Silent(_) | Finding::Candidate(_) | Finding::Answered(_) | Finding::Lost(_),
            ) => self,

            (Self::Trial { accused, other, .. }, Finding::Answered(id)) if id == other => {
                return (fresh, Outcome::Stalled(accused));
            }
            (Self::Trial { accused, .. }, Finding::Answered(id) | Finding::Lost(id)) if id == accused => {
                fresh
            }
            (Self::Trial { other, next, .. }, Finding::Silent(id)) if id == other => {
                Self::Rest { until: now + next, next: (next * 2).min(limits.comparison_max) }
            }
            (Self::Trial { accused, other, next }, Finding::Lost(id)) if id == other => {
                Self::Search { accused, next }
            }
            (
                Self::Trial { .. },
                Finding::Silent(_) | Finding::Candidate(_) | Finding::Answered(_) | Finding::Lost(_),
            ) => self,
        };
        (next, Outcome::Open)
    }

    /// The connection under accusation, which gets new requests only when nothing else is there.
    pub(crate) const fn accused(self) -> Option<ConnectionId> {
        match self {
            Self::Rest { .. } => None,
            Self::Search { accused, .. } | Self::Trial { accused, .. } => Some(accused),
        }
    }

    /// Whether another connection is needed.
    pub(crate) const fn searches(self) -> bool {
        matches!(self, Self::Search { .. })
    }
}
