//! What the command line changes about a plan.
//!
//! Invariant: a flag changes what it names and nothing else.

use super::{Method, Plan, Slow, Stop, Which};
use crate::fault::Fault;

/// The names and meanings are those of `Plan`'s parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) struct Overrides {
    pub(crate) requests: Option<u64>,
    pub(crate) for_ms: Option<u64>,
    pub(crate) unplug_interval: Option<u64>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) workers: Option<u32>,
    pub(crate) rate: Option<u32>,
    pub(crate) method: Option<Method>,
    pub(crate) think_ms: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) streams: Option<u32>,
    pub(crate) slow: Option<Slow>,
    pub(crate) body: Option<u32>,
    pub(crate) fault: Option<Fault>,
    pub(crate) which: Option<Which>,
    pub(crate) lasts_ms: Option<u64>,
}

impl Overrides {
    /// The plan with what was typed instead.
    pub(crate) fn apply(self, mut plan: Plan) -> Plan {
        let Plan { pace, stop, script, origin, seed, .. } = &mut plan;
        if self.for_ms.is_some() {
            // A time alone is the whole rule; given with a number, whichever comes first.
            *stop = Stop { requests: self.requests.unwrap_or(Stop::MOST_REQUESTS), for_ms: self.for_ms };
        } else if let Some(requests) = self.requests {
            *stop = Stop { requests, for_ms: None };
        }
        set(&mut script.every, self.unplug_interval);
        set(&mut script.fault, self.fault);
        set(&mut script.which, self.which);
        set(&mut script.lasts_ms, self.lasts_ms);
        set(&mut pace.timeout_ms, self.timeout_ms);
        set(&mut pace.workers, self.workers);
        set(&mut pace.rate, self.rate);
        set(&mut pace.method, self.method);
        set(&mut pace.think_ms, self.think_ms);
        set(&mut origin.streams, self.streams);
        set(&mut origin.body, self.body);
        set(seed, self.seed);
        origin.slow = self.slow.or(origin.slow);
        plan
    }
}

fn set<T>(value: &mut T, typed: Option<T>) {
    if let Some(typed) = typed {
        *value = typed;
    }
}

#[cfg(test)]
mod tests {
    use super::Overrides;
    use crate::{plan::Stop, scenario};

    #[test]
    fn flags_change_only_what_they_name() {
        let crowd = || scenario::plan("crowd").unwrap();
        let mut expected = crowd();
        expected.pace.workers = 2;
        let changed = Overrides { workers: Some(2), ..Overrides::default() };
        assert_eq!(changed.apply(crowd()), expected);
        assert_eq!(Overrides::default().apply(crowd()), crowd());
    }

    #[test]
    fn a_number_and_a_time_stop_by_whichever_comes_first() {
        let stop = |requests, for_ms| {
            Overrides { requests, for_ms, ..Overrides::default() }
                .apply(scenario::plan("quick").unwrap())
                .stop
        };
        assert_eq!(stop(Some(7), None), Stop { requests: 7, for_ms: None });
        assert_eq!(stop(Some(7), Some(9)), Stop { requests: 7, for_ms: Some(9) });
        assert_eq!(stop(None, Some(9)), Stop { requests: Stop::MOST_REQUESTS, for_ms: Some(9) });
    }
}
