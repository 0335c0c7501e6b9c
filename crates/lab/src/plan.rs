//! What is meant: the plans, and what the flags change about them.
//!
//! A `Plan` is all that a run depends on apart from the contestants. It goes into the record as it is, so a record
//! says how to repeat itself.
//!
//! Invariant: nothing here is optional but `slow`; whoever holds a plan need not know what was typed.
//! Next: `experiment.rs` carries a plan out.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// The plans by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanName {
    /// The issue's run, a tenth of it: enough to see who is like that
    #[default]
    Quick,
    /// The run of golang/go issue 63422 itself
    Seed,
    /// 64 requests under way at any time
    Crowd,
}

/// What a run does with each contestant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Which plan this was before flags changed it.
    pub(crate) name: String,
    /// Requests that are made and counted.
    pub(crate) requests: u64,
    /// One cut is planned in this many requests; 0 is none at all.
    pub(crate) unplug_interval: u64,
    /// What each request may take.
    pub(crate) timeout_ms: u64,
    /// Requests under way at any time (a closed loop: a new one starts when one ends).
    pub(crate) workers: u32,
    /// Decides which of several live wires is cut.
    pub(crate) seed: u64,
    /// HTTP/2 streams that the origin allows on one connection.
    pub(crate) streams: u32,
    /// Which requests the origin answers late, if any.
    pub(crate) slow: Option<Slow>,
    /// What a cut does.
    pub(crate) fault: Fault,
}

/// Some answers come late, on a healthy wire: a client must not take that for a dead one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slow {
    /// One request in this many.
    pub(crate) every: u64,
    /// How late.
    pub(crate) by_ms: u64,
}

/// What the command line changes about a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // The names and meanings are those of `Plan`.
pub(crate) struct Overrides {
    pub(crate) requests: Option<u64>,
    pub(crate) unplug_interval: Option<u64>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) workers: Option<u32>,
    pub(crate) seed: Option<u64>,
    pub(crate) streams: Option<u32>,
    pub(crate) slow: Option<Slow>,
    pub(crate) fault: Option<Fault>,
}

impl PlanName {
    /// The plan as it stands.
    pub(crate) fn plan(self) -> Plan {
        let (name, requests, unplug_interval, timeout_ms, workers) = match self {
            PlanName::Quick => ("quick", 3_000, 1_000, 10, 1),
            PlanName::Seed => ("seed", 30_000, 10_000, 10, 1),
            PlanName::Crowd => ("crowd", 30_000, 10_000, 50, 64),
        };
        Plan {
            name: name.to_owned(),
            requests,
            unplug_interval,
            timeout_ms,
            workers,
            // Any number would do; this one can be remembered.
            seed: 63_422,
            // Go's server, the one of the issue, allows 250.
            streams: 250,
            slow: None,
            fault: Fault::Stall,
        }
    }

    /// The plan with what was typed instead.
    pub(crate) fn with(self, overrides: Overrides) -> Plan {
        let plan = self.plan();
        Plan {
            name: plan.name,
            requests: overrides.requests.unwrap_or(plan.requests),
            unplug_interval: overrides.unplug_interval.unwrap_or(plan.unplug_interval),
            timeout_ms: overrides.timeout_ms.unwrap_or(plan.timeout_ms),
            workers: overrides.workers.unwrap_or(plan.workers),
            seed: overrides.seed.unwrap_or(plan.seed),
            streams: overrides.streams.unwrap_or(plan.streams),
            slow: overrides.slow.or(plan.slow),
            fault: overrides.fault.unwrap_or(plan.fault),
        }
    }
}

impl Plan {
    /// Whether a cut is planned right after this request starts: midway in its interval, as in the issue.
    pub(crate) fn cuts_at(&self, request: u64) -> bool {
        self.unplug_interval > 0 && request % self.unplug_interval == self.unplug_interval / 2
    }

    /// How many cuts the whole run plans.
    pub(crate) fn cuts_planned(&self) -> u64 {
        let Some(last) = self.requests.checked_sub(1) else { return 0 };
        match (self.unplug_interval, self.unplug_interval / 2) {
            (0, _) => 0,
            (_, midway) if last < midway => 0,
            (interval, midway) => (last - midway) / interval + 1,
        }
    }
}

impl Slow {
    /// Whether this request's answer is late. The last one of each group of `every` is, so that of N requests
    /// exactly N / every are.
    pub(crate) fn hits(&self, request: u64) -> bool {
        request % self.every == self.every - 1
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Plan { name, requests, unplug_interval, timeout_ms, workers, seed, streams, slow, fault } = self;
        write!(f, "{name}: {requests} requests, {timeout_ms} ms each, {workers} at a time")?;
        match self.cuts_planned() {
            0 => write!(f, ", no cut")?,
            n => write!(f, ", {n} cuts ({fault}, every {unplug_interval} requests)")?,
        }
        if let Some(Slow { every, by_ms }) = slow {
            write!(f, ", 1 in {every} answered {by_ms} ms late")?;
        }
        write!(f, ", {streams} streams a connection, seed {seed}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Overrides, PlanName, Slow};

    #[test]
    fn the_issues_run_cuts_where_the_issue_did() {
        let plan = PlanName::Seed.plan();
        let cuts: Vec<u64> = (0..plan.requests).filter(|&i| plan.cuts_at(i)).collect();
        assert_eq!(cuts, [5_000, 15_000, 25_000]);
    }

    #[test]
    fn planned_cuts_are_those_that_happen() {
        for requests in [1, 2, 3, 7, 10, 100] {
            for unplug_interval in [0, 1, 2, 3, 10, 15, 300] {
                let changed = Overrides {
                    requests: Some(requests),
                    unplug_interval: Some(unplug_interval),
                    ..Overrides::default()
                };
                let plan = PlanName::Quick.with(changed);
                let happen = (0..requests).filter(|&i| plan.cuts_at(i)).count() as u64;
                assert_eq!(plan.cuts_planned(), happen, "{requests} requests, interval {unplug_interval}");
            }
        }
    }

    #[test]
    fn flags_change_only_what_they_name() {
        let changed = Overrides { workers: Some(2), ..Overrides::default() };
        let plan = PlanName::Crowd.with(changed);
        assert_eq!(plan, super::Plan { workers: 2, ..PlanName::Crowd.plan() });
    }

    #[test]
    fn one_in_a_hundred_is_slow() {
        let slow = Slow { every: 100, by_ms: 50 };
        assert_eq!((0..3000).filter(|&i| slow.hits(i)).count(), 30);
        assert!(Slow { every: 1, by_ms: 1 }.hits(0));
    }

    #[test]
    fn reads_well() {
        let changed = Overrides { slow: Some(Slow { every: 100, by_ms: 50 }), ..Overrides::default() };
        assert_eq!(
            PlanName::Quick.with(changed).to_string(),
            "quick: 3000 requests, 10 ms each, 1 at a time, 3 cuts (stall, every 1000 requests), \
             1 in 100 answered 50 ms late, 250 streams a connection, seed 63422"
        );
    }
}
