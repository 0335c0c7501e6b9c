//! How far the counted part is, and when its next request may start.
//!
//! In the closed loop a request starts when another has ended; in the open loop at the moment that the rate gives it, and if that
//! is not possible, as soon after it as can be: it then counts from when it was due.
//!
//! Invariant: no more requests are under way or resting than there are workers (open loop: than `MOST_UNDER_WAY`), and no
//! request starts after the stop rule has ended the run. Time is an argument.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::{plan::Plan, record::RequestId};

/// An open loop does not care how many are under way. This many at once are a contestant that has stopped answering, and
/// neither its memory nor the lab's is what is measured.
const MOST_UNDER_WAY: usize = 10_000;

pub(super) struct Course {
    next: RequestId,
    most: u64,
    until: Option<Instant>,
    workers: usize,
    think: Duration,
    schedule: Option<Schedule>,
    /// Requests under way, and when their `go` was written.
    outstanding: BTreeMap<RequestId, u64>,
    /// When each resting worker goes on, the soonest first.
    resting: VecDeque<Instant>,
    over: bool,
}

/// When each request of an open loop is due.
#[derive(Clone, Copy)]
struct Schedule {
    start: Instant,
    /// The same moment by the record's clock, µs.
    at: u64,
    rate: u64,
}

impl Schedule {
    fn micros(&self, request: RequestId) -> u64 {
        request.saturating_mul(1_000_000) / self.rate
    }

    fn due(&self, request: RequestId) -> Instant {
        self.start + Duration::from_micros(self.micros(request))
    }

    /// How many are due by then.
    fn offered(&self, then: Instant) -> u64 {
        let micros = then.saturating_duration_since(self.start).as_micros();
        u64::try_from(micros * u128::from(self.rate) / 1_000_000).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Course {
    /// `now` and `at` are the same moment, by tokio's clock and by the record's.
    pub(super) fn start(plan: &Plan, now: Instant, at: u64) -> Self {
        let rate = u64::from(plan.pace.rate);
        let schedule = (rate > 0).then_some(Schedule { start: now, at, rate });
        Self {
            next: 0,
            most: plan.stop.requests,
            until: plan.stop.for_ms.map(|ms| now + Duration::from_millis(ms)),
            workers: if schedule.is_some() { MOST_UNDER_WAY } else { plan.pace.workers as usize },
            think: Duration::from_millis(if schedule.is_some() { 0 } else { plan.pace.think_ms }),
            schedule,
            outstanding: BTreeMap::new(),
            resting: VecDeque::new(),
            over: false,
        }
    }

    /// The request that starts next.
    pub(super) fn next(&self) -> RequestId {
        self.next
    }

    /// When this request was to start, µs; only an open loop knows.
    pub(super) fn due(&self, request: RequestId) -> Option<u64> {
        self.schedule.map(|schedule| schedule.at + schedule.micros(request))
    }

    /// How many requests were due until now, whether they were sent or not.
    pub(super) fn offered(&self, now: Instant) -> Option<u64> {
        let then = self.until.map_or(now, |until| until.min(now));
        self.schedule.map(|schedule| schedule.offered(then).min(self.most))
    }

    /// Whether it may start now.
    pub(super) fn may_start(&mut self, now: Instant) -> bool {
        self.over |= self.next >= self.most || self.until.is_some_and(|until| now >= until);
        while self.resting.front().is_some_and(|due| *due <= now) {
            self.resting.pop_front();
        }
        let is_due = self.schedule.is_none_or(|schedule| schedule.due(self.next) <= now);
        !self.over && is_due && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.outstanding.len() + self.resting.len() < self.workers
    }

    /// When one may start that may not now, if no request ends before.
    pub(super) fn next_start(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let due = match self.schedule {
            Some(schedule) => Some(schedule.due(self.next)).filter(|_| self.has_room()),
            None => self.resting.front().copied(),
        }?;
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

    fn course(changed: Overrides, now: Instant) -> Course {
        Course::start(&changed.apply(scenario::plan("quick").unwrap()), now, 1_000)
    }

    #[test]
    fn so_many_at_a_time_and_so_many_in_all() {
        let now = Instant::now();
        let mut course =
            course(Overrides { workers: Some(2), requests: Some(3), ..Overrides::default() }, now);
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
        assert_eq!((course.due(0), course.offered(now)), (None, None));
    }

    #[test]
    fn a_worker_rests_between_two_requests_and_time_ends_it() {
        let (think_ms, for_ms) = (Some(20), Some(50));
        let start = Instant::now();
        let mut course = course(Overrides { think_ms, for_ms, ..Overrides::default() }, start);
        let at = |ms| start + Duration::from_millis(ms);
        assert!(course.may_start(at(0)));
        course.begin(0);
        course.end(0, at(5));
        assert!(!course.may_start(at(24)));
        assert_eq!(course.next_start(), Some(at(25)));
        assert!(course.may_start(at(25)));
        course.begin(0);
        course.end(1, at(40));
        assert_eq!(course.next_start(), Some(at(50)), "the end comes first");
        assert!(!course.may_start(at(70)), "it is over");
        assert_eq!(course.next_start(), None);
    }

    #[test]
    fn an_open_loop_waits_for_nobody() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let changed = Overrides { rate: Some(100), requests: Some(3), ..Overrides::default() };
        let mut course = course(changed, start);
        assert!(course.may_start(at(0)));
        course.begin(1_000);
        assert!(!course.may_start(at(9)), "not yet");
        assert_eq!(course.next_start(), Some(at(10)));
        for request in [1, 2] {
            assert!(course.may_start(at(25)), "one worker, and {request} under way");
            course.begin(26_000);
        }
        assert_eq!([0, 1, 2].map(|request| course.due(request)), [1_000, 11_000, 21_000].map(Some));
        assert!(!course.may_start(at(99)));
        assert_eq!([5, 10, 15, 99].map(|ms| course.offered(at(ms))), [1, 2, 2, 3].map(Some));
    }

    #[test]
    fn what_is_due_when_the_time_is_over_was_offered_and_is_not_sent() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut course =
            course(Overrides { rate: Some(100), for_ms: Some(45), ..Overrides::default() }, start);
        assert!(course.may_start(at(0)));
        course.begin(1_000);
        assert!(!course.may_start(at(60)));
        assert_eq!(course.offered(at(60)), Some(5));
    }
}
