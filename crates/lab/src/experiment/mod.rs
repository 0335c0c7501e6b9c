//! The experiment: requests at their pace, until the stop rule ends them, and cuts in the middle of it.
//!
//! W requests are under way at any time; when one ends, the next starts (after a pause, where the pace has one). Or, in an open
//! loop, a request starts when it is due, whatever became of the others. Right after the request in the middle of each interval has started, wires are cut. What follows from it is read out of
//! the record later; this file only makes things happen and writes down when.
//!
//! Invariant: the hot path does no disk I/O, and takes no lock but `Wires`' for a cut.
//! Next: `warm_up.rs`, what comes before; `contestant/mod.rs`, the other side of each line; `summary/mod.rs`, what it
//! all meant.

mod course;
mod warm_up;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use self::course::Course;
use crate::{
    busy::Busy,
    contestant::{Breach, Contestant, Done},
    cutter::Cutter,
    lateness::Heart,
    memory,
    plan::Plan,
    progress::Bar,
    record::{Record, RequestId, STREAMS, writer::Recorder},
    stage::Stage,
};

/// What a response that never ends may take: longer than any run.
const FOR_EVER: Duration = Duration::from_secs(7 * 86_400);

/// One contestant's turn under way.
pub(crate) struct Experiment<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) stage: &'a Stage,
    pub(crate) cutter: Cutter,
    pub(crate) recorder: &'a Recorder,
    pub(crate) bar: &'a Bar,
    pub(crate) contestant: &'a mut Contestant,
}

impl Experiment<'_> {
    /// From the contestant's `ready` to its exit.
    pub(crate) async fn run(&mut self) -> Result<(), Breach> {
        let version = self.contestant.ready().await?;
        self.recorder.write(Record::Ready { at: self.recorder.now(), version });
        let requests = self.warm_up().await?;
        self.cutter.arm(self.plan).await.map_err(Breach::Lab)?;
        let memory = self.contestant.process().map(|id| memory::Watch::start(id, self.recorder.clone()));
        let heart = Heart::start();
        self.recorder.write(Record::Warm { at: self.recorder.now(), requests });
        let mut course = Course::start(self.plan, Instant::now(), self.recorder.now());
        let counted = self.count(&mut course).await;
        let offered = course.offered(Instant::now());
        let (pings, resets) = self.stage.wires.frames();
        let lateness = heart.stop().await;
        drop(memory);
        self.recorder.write(Record::Over { at: self.recorder.now(), pings, resets, lateness, offered });
        counted?;
        self.contestant.farewell().await
    }

    async fn count(&mut self, course: &mut Course) -> Result<(), Breach> {
        let _busy = self.plan.pace.busy.then(Busy::start);
        loop {
            while course.may_start(Instant::now()) {
                self.start(course).await?;
            }
            match (course.is_idle(), course.next_start()) {
                (true, None) => return Ok(()),
                (true, Some(due)) => sleep_until(due).await,
                (false, None) => {
                    let done = self.contestant.answer().await?;
                    self.end(course, done);
                }
                (false, Some(due)) => tokio::select! {
                    done = self.contestant.answer() => self.end(course, done?),
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    async fn start(&mut self, course: &mut Course) -> Result<(), Breach> {
        let request = course.next();
        if self.plan.streams_at(request) {
            self.stream(STREAMS + request).await?;
        }
        course.begin(self.recorder.now());
        self.go(request, &format!("/r/{request}"), Duration::from_millis(self.plan.pace.timeout_ms)).await?;
        if self.plan.cuts_at(request) {
            self.cut(course, request).await?;
        }
        Ok(())
    }

    async fn stream(&mut self, request: RequestId) -> Result<(), Breach> {
        self.recorder.write(Record::Stream { at: self.recorder.now(), request, outcome: None });
        self.go(request, &format!("/stream/{request}"), FOR_EVER).await
    }

    async fn go(&mut self, request: RequestId, path: &str, limit: Duration) -> Result<(), Breach> {
        self.contestant.go(request, self.plan.pace.method, &self.stage.url(path), limit).await
    }

    /// Cuts, microseconds after the request's `go` was written: usually before the origin has seen it.
    async fn cut(&mut self, course: &mut Course, request: RequestId) -> Result<(), Breach> {
        let wires = self.cutter.cut(self.plan).await.map_err(Breach::Lab)?;
        let at = self.recorder.now();
        if !wires.is_empty() {
            self.bar.cut();
        }
        let (fault, outstanding) = (self.plan.script.fault, course.outstanding());
        self.recorder.write(Record::Cut { at, request, wires, fault, outstanding });
        Ok(())
    }

    fn end(&mut self, course: &mut Course, done: Done) {
        let at = self.recorder.now();
        let Done { request, outcome, took, detail } = done;
        if request >= STREAMS {
            self.recorder.write(Record::Stream { at, request, outcome: Some(outcome) });
            return;
        }
        let due = course.due(request);
        let go = course.end(request, Instant::now()).unwrap_or(at);
        self.recorder.write(Record::Request { request, due, go, done: at, outcome, took, detail });
        self.bar.request(outcome);
    }
}
