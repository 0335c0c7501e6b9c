//! How far the counted part is, and when its next request may start.
//!
//! Invariant: no more requests are under way or resting than there are workers, and no request starts after the stop
//! rule has ended the run. Time is an argument.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::{plan::Plan, record::RequestId};

pub(super) struct Course {
    next: RequestId,
    most: u64,
    until: Option<Instant>,
    workers: usize,
    think: Duration,
    /// Requests under way, and when their `go` was written.
    outstanding: BTreeMap<RequestId, u64>,
    /// When each resting worker goes on, the soonest first.
    resting: VecDeque<Instant>,
    over: bool,
}

impl Course {
    pub(super) fn start(plan: &Plan) -> Self {
        let until = plan.stop.for_ms.map(|ms| Instant::now() + Duration::from_millis(ms));
        Self {
            next: 0,
            most: plan.stop.requests,
            until,
            workers: plan.pace.workers as usize,
            think: Duration::from_millis(plan.pace.think_ms),
            outstanding: BTreeMap::new(),
            resting: VecDeque::new(),
            over: false,
        }
    }

    /// The request that starts next.
    pub(super) fn next(&self) -> RequestId {
        self.next
    }

    /// Whether it may start now.
    pub(super) fn may_start(&mut self, now: Instant) -> bool {
        self.over |= self.next >= self.most || self.until.is_some_and(|until| now >= until);
        while self.resting.front().is_some_and(|due| *due <= now) {
            self.resting.pop_front();
        }
        !self.over && self.outstanding.len() + self.resting.len() < self.workers
    }

    /// When one may start that may not now, if no request ends before.
    pub(super) fn next_start(&self) -> Option<Instant> {
        let due = self.resting.front().copied().filter(|_| !self.over)?;
        Some(self.until.map_or(due, |until| due.min(until)))
    }

    /// No request is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// The next one starts.
    pub(super) fn begin(&mut self, go: u64) {
        self.outstanding.insert(self.next, go);
        self.next += 1;
    }

    /// One has ended; says when it had started.
    pub(super) fn end(&mut self, request: RequestId, now: Instant) -> Option<u64> {
        let go = self.outstanding.remove(&request)?;
        if !self.think.is_zero() {
            self.resting.push_back(now + self.think);
        }
        Some(go)
    }

    /// Requests under way.
    pub(super) fn outstanding(&self) -> Vec<RequestId> {
        self.outstanding.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Course;
    use crate::{plan::Overrides, scenario};

    fn course(changed: Overrides) -> Course {
        Course::start(&changed.apply(scenario::plan("quick").unwrap()))
    }

    #[test]
    fn so_many_at_a_time_and_so_many_in_all() {
        let mut course = course(Overrides { workers: Some(2), requests: Some(3), ..Overrides::default() });
        let now = Instant::now();
        for start in [true, true, false] {
            assert_eq!(course.may_start(now), start);
            if start {
                course.begin(7);
            }
        }
        assert_eq!(course.outstanding(), [0, 1]);
        assert_eq!(course.end(1, now), Some(7));
        assert!(course.may_start(now));
        course.begin(8);
        assert_eq!((course.end(0, now), course.end(2, now), course.end(2, now)), (Some(7), Some(8), None));
        assert!(!course.may_start(now) && course.is_idle() && course.next_start().is_none());
    }

    #[test]
    fn a_worker_rests_between_two_requests_and_time_ends_it() {
        let (think_ms, for_ms) = (Some(20), Some(50));
        let mut course = course(Overrides { think_ms, for_ms, ..Overrides::default() });
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(course.may_start(at(0)));
        course.begin(0);
        course.end(0, at(5));
        assert!(!course.may_start(at(24)));
        assert_eq!(course.next_start(), Some(at(25)));
        assert!(course.may_start(at(25)));
        course.begin(0);
        course.end(1, at(40));
        assert_eq!(course.next_start().map(|due| due < at(60)), Some(true), "the end comes first");
        assert!(!course.may_start(at(70)), "it is over");
        assert_eq!(course.next_start(), None);
    }
}
