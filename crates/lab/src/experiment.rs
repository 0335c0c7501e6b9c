//! The experiment: a closed loop of requests, and cuts in the middle of it.
//!
//! W requests are under way at any time; when one ends, the next starts. Right after the request in the middle of
//! each interval has started, one live wire is cut. What follows from it is read out of the record later; this file
//! only makes things happen and writes down when.
//!
//! Invariant: the hot path does no disk I/O, and takes no lock but `Wires`' for a cut.
//! Next: `contestant/mod.rs`, the other side of each line; `summary/mod.rs`, what it all meant.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    contestant::{Breach, Contestant, Done},
    plan::Plan,
    progress::Bar,
    record::{Outcome, Record, RequestId, writer::Recorder},
    stage::Stage,
};

/// What a request of the warm-up may take: a first dial on a busy machine is not what is measured.
const WARM_UP: Duration = Duration::from_secs(5);

/// Successes until a worker is warm. A client that leaves Nagle's algorithm on may wait 40 ms for an acknowledgement on each of
/// the first few requests of a connection.
const WARM_UP_SUCCESSES: u32 = 10;

/// How often a worker tries to warm up before the contestant counts as unable to.
const WARM_UP_TRIES: u32 = 5;

/// One contestant's turn under way.
pub(crate) struct Experiment<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) stage: &'a Stage,
    pub(crate) recorder: &'a Recorder,
    pub(crate) bar: &'a Bar,
    pub(crate) contestant: &'a mut Contestant,
}

/// How far the counted part is.
struct Course {
    rng: fastrand::Rng,
    next: RequestId,
    /// Requests under way, and when their `go` was written.
    outstanding: BTreeMap<RequestId, u64>,
}

impl Experiment<'_> {
    /// From the contestant's `ready` to its exit.
    pub(crate) async fn run(&mut self) -> Result<(), Breach> {
        let version = self.contestant.ready().await?;
        self.recorder.write(Record::Ready { at: self.recorder.now(), version });
        let requests = self.warm_up().await?;
        self.recorder.write(Record::Warm { at: self.recorder.now(), requests });
        self.count().await?;
        self.contestant.farewell().await
    }

    /// A few successful requests per worker, all workers at once, so that neither the program's start nor its first dials
    /// are in the figures. Their numbers come after those of the counted requests. Returns how many it took.
    async fn warm_up(&mut self) -> Result<u64, Breach> {
        let mut next = self.plan.requests;
        let mut tries = BTreeMap::new();
        for _ in 0..self.plan.workers {
            self.warm_up_request(next).await?;
            tries.insert(next, (1, 0));
            next += 1;
        }
        while !tries.is_empty() {
            let done = self.contestant.answer().await?;
            let (tried, succeeded) = tries.remove(&done.request).unwrap_or((WARM_UP_TRIES, 0));
            let then = match done.outcome {
                Outcome::Ok => (1, succeeded + 1),
                _ if tried == WARM_UP_TRIES => {
                    return Err(Breach::Cold { tries: tried, last: words(&done) });
                }
                _ => (tried + 1, succeeded),
            };
            if then.1 < WARM_UP_SUCCESSES {
                self.warm_up_request(next).await?;
                tries.insert(next, then);
                next += 1;
            }
        }
        if self.stage.strayed() {
            return Err(Breach::Strayed(self.stage.protocol));
        }
        Ok(next - self.plan.requests)
    }

    async fn warm_up_request(&mut self, request: RequestId) -> Result<(), Breach> {
        self.contestant.go(request, &self.stage.url(&format!("/w/{request}")), WARM_UP).await
    }

    async fn count(&mut self) -> Result<(), Breach> {
        let rng = fastrand::Rng::with_seed(self.plan.seed);
        let mut course = Course { rng, next: 0, outstanding: BTreeMap::new() };
        loop {
            while course.next < self.plan.requests && course.outstanding.len() < self.plan.workers as usize {
                self.start(&mut course).await?;
            }
            if course.outstanding.is_empty() {
                return Ok(());
            }
            let done = self.contestant.answer().await?;
            self.end(&mut course, done);
        }
    }

    async fn start(&mut self, course: &mut Course) -> Result<(), Breach> {
        let request = course.next;
        let url = self.stage.url(&format!("/r/{request}"));
        course.next += 1;
        course.outstanding.insert(request, self.recorder.now());
        self.contestant.go(request, &url, Duration::from_millis(self.plan.timeout_ms)).await?;
        if self.plan.cuts_at(request) {
            self.cut(course, request);
        }
        Ok(())
    }

    /// Cuts a wire, microseconds after the request's `go` was written: usually before the origin has seen it.
    fn cut(&mut self, course: &mut Course, request: RequestId) {
        let fault = self.plan.fault;
        let wire = self.stage.wires.cut_one(&mut course.rng, fault);
        let at = self.recorder.now();
        let outstanding = course.outstanding.keys().copied().collect();
        self.recorder.write(Record::Cut { at, request, wire, fault, outstanding });
        if wire.is_some() {
            self.bar.cut();
        }
    }

    fn end(&mut self, course: &mut Course, done: Done) {
        let at = self.recorder.now();
        let Done { request, outcome, took, detail } = done;
        let go = course.outstanding.remove(&request).unwrap_or(at);
        self.recorder.write(Record::Request { request, go, done: at, outcome, took, detail });
        self.bar.request(outcome);
    }
}

fn words(done: &Done) -> String {
    match done.outcome {
        Outcome::Timeout => format!("timeout {}", done.detail),
        Outcome::Ok | Outcome::Error => done.detail.clone(),
    }
}
