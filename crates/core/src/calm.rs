//! How long the origin wants to be left alone between two probes, as its complaints show (promise P9).
//!
//! One complaint a connection counts. What was learned is forgotten again, by halves: a server that was changed, or an
//! accident, must not make the pool slow to notice a dead connection for as long as the process runs.

use crate::{Limits, Span, Time};

/// The rest that the origin has asked for.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Calm {
    rest: Span,
    since: Time,
}

impl Calm {
    /// The least time between two probes, as of `now`.
    pub(crate) fn rest(self, now: Time, limits: &Limits) -> Span {
        let halves = now.since(self.since).as_micros() / limits.calm_forget.as_micros().max(1);
        let rest = Span::from_micros(self.rest.as_micros() >> halves.min(63));
        if rest < limits.calm { Span::ZERO } else { rest }
    }

    /// The peer complained.
    pub(crate) fn complain(&mut self, now: Time, limits: &Limits) {
        let rest = (self.rest(now, limits) * 2).max(limits.calm).min(limits.probe_rest_max.max(limits.calm));
        *self = Self { rest, since: now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_double_and_are_forgotten_by_halves() {
        let limits = Limits::default();
        let at = |minutes: u64| Time::from_micros(minutes * 60_000_000);
        let mut calm = Calm::default();
        assert_eq!(calm.rest(at(0), &limits), Span::ZERO);
        for secs in [1, 2, 4, 8, 16, 32, 60, 60] {
            calm.complain(at(1), &limits);
            assert_eq!(calm.rest(at(1), &limits), Span::from_secs(secs));
        }
        assert_eq!(calm.rest(at(12), &limits), Span::from_secs(30));
        assert_eq!(calm.rest(at(1_000), &limits), Span::ZERO);
    }
}
