//! What is meant: pace, stop rule, fault script and origin, each a value of its own.
//!
//! A `Plan` is all that a run depends on apart from the contestants. It goes into the record as it is, so a record
//! says how to repeat itself. Plans come from `scenario.rs`; `overrides.rs` has what flags change about them.
//!
//! Invariant: whoever holds a plan need not know what was typed; questions about a request (is it cut at, is it late)
//! are functions of the plan and the request's number alone.
//! Next: `experiment.rs` carries a plan out.

mod overrides;
mod pace;
mod script;
mod setting;
mod short;
mod stop;
mod words;

use serde::{Deserialize, Serialize};

pub(crate) use self::{
    overrides::Overrides,
    pace::{Method, Pace},
    script::{Paths, Script, Which},
    setting::{Server, Setting, Slow},
    short::Short,
    stop::Stop,
};

/// What a run does with each contestant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// Which scenario this was before flags changed it.
    #[serde(default)]
    pub(crate) name: String,
    /// One line for a human.
    pub(crate) about: String,
    /// How requests are made.
    #[serde(default)]
    pub(crate) pace: Pace,
    /// When it is enough.
    #[serde(default)]
    pub(crate) stop: Stop,
    /// What goes wrong, and when.
    #[serde(default)]
    pub(crate) script: Script,
    /// What answers.
    #[serde(default)]
    pub(crate) origin: Setting,
    /// All chance follows from this number.
    #[serde(default = "seed")]
    pub(crate) seed: u64,
}

/// Any number would do; this one can be remembered.
fn seed() -> u64 {
    63_422
}

impl Plan {
    /// Whether a cut is planned right after this request starts.
    pub(crate) fn cuts_at(&self, request: u64) -> bool {
        let every = self.script.every;
        every > 0 && request % every == self.script.place()
    }

    /// Whether an endless response begins before this request: a quarter of an interval before each cut, so that it
    /// goes by the connection that is then in use; without cuts, before the first request.
    pub(crate) fn streams_at(&self, request: u64) -> bool {
        self.pace.streaming
            && match self.script.every {
                0 => request == 0,
                every => self.cuts_at(request + (every / 4).max(1)),
            }
    }

    /// How many requests the whole run makes, unless its time is over before; `None` where the time alone decides.
    pub(crate) fn requests_planned(&self) -> Option<u64> {
        (!self.stop.is_time_alone()).then_some(self.stop.requests)
    }

    /// How many cuts the whole run plans; `None` where the time alone decides.
    pub(crate) fn cuts_planned(&self) -> Option<u64> {
        let every = self.script.every;
        if self.stop.is_time_alone() && every > 0 {
            return None;
        }
        let Some(last) = self.stop.requests.checked_sub(1) else { return Some(0) };
        Some(match (every, self.script.place()) {
            (0, _) => 0,
            (_, place) if last < place => 0,
            (every, place) => (last - place) / every + 1,
        })
    }

    /// Whether a turn may run beside others, whatever flags have made of it: nothing in it is as short as a neighbour's start, it takes
    /// no more than its share, and no firewall is shared.
    pub(crate) fn bears_neighbours(&self) -> bool {
        let pace = &self.pace;
        let is_slow = pace.timeout_ms >= 500 && pace.rate == 0 && pace.workers <= 64;
        is_slow && !pace.busy && !self.script.needs_namespace()
    }

    /// How long the origin takes for this request, ms.
    pub(crate) fn takes_ms(&self, request: u64) -> u64 {
        let late = self.script.timed_out_first && self.cuts_at(request + 1);
        match self.origin.slow {
            Some(slow) if slow.hits(request) => slow.by_ms,
            // Late enough to be given up, whatever the timeout is.
            _ if late => self.pace.timeout_ms * 5,
            _ => self.origin.takes_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Overrides, Plan, Stop};
    use crate::scenario;

    fn plan(name: &str) -> Plan {
        scenario::plan(name).unwrap()
    }

    #[test]
    fn the_issues_run_cuts_where_the_issue_did() {
        let plan = plan("seed");
        let cuts: Vec<u64> = (0..plan.stop.requests).filter(|&i| plan.cuts_at(i)).collect();
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
                let plan = changed.apply(plan("quick"));
                let happen = (0..requests).filter(|&i| plan.cuts_at(i)).count() as u64;
                assert_eq!(
                    plan.cuts_planned(),
                    Some(happen),
                    "{requests} requests, interval {unplug_interval}"
                );
            }
        }
    }

    #[test]
    fn a_cut_may_come_early() {
        let plan = plan("write-blocked");
        assert_eq!(plan.cuts_planned(), Some(1));
        assert!(plan.cuts_at(10_000) && !plan.cuts_at(505_000));
    }

    #[test]
    fn who_counts_the_time_plans_no_number_of_cuts() {
        let plan = Plan { stop: Stop { for_ms: Some(1), requests: Stop::MOST_REQUESTS }, ..plan("quick") };
        assert_eq!(plan.cuts_planned(), None);
        let plan = Plan { stop: Stop { for_ms: Some(1), requests: 3_000 }, ..plan };
        assert_eq!(plan.cuts_planned(), Some(3), "a number that was given is a plan");
    }

    #[test]
    fn a_stream_begins_before_each_cut() {
        let plan = plan("stall-up-streaming");
        let at =
            |asked: fn(&Plan, u64) -> bool| -> Vec<u64> { (0..3000).filter(|&i| asked(&plan, i)).collect() };
        assert_eq!((at(Plan::streams_at), at(Plan::cuts_at)), (vec![250, 1250, 2250], vec![500, 1500, 2500]));
    }

    #[test]
    fn the_request_before_the_cut_is_late() {
        let plan = plan("timed-out-then-cut");
        assert_eq!([498, 499, 500].map(|i| plan.takes_ms(i)), [0, 50, 0]);
    }
}
