//! The callers: they make requests, wait, and give up.

use outlive_core::{AttemptId, Event, Repeat, RequestId, Time};
use outlive_fault::Micros;

use super::Simulation;
use super::agenda::Happening;
use crate::policy::Policy;
use crate::world::{Arrivals, SEC};

/// One request, as its caller sees it.
#[derive(Clone, Copy, Debug)]
struct Request {
    worker: u32,
    started: Micros,
    ended: bool,
    /// Whether it may be sent more than once.
    repeatable: bool,
    /// Sendings of it that may have been or may be processed.
    out: u32,
    /// The first attempt whose head came.
    answered_by: Option<AttemptId>,
    /// Times that a server dealt with it.
    processed: u32,
    ever_sent: bool,
}

/// All requests so far. The first has the number 1.
#[derive(Debug, Default)]
pub(super) struct Callers {
    requests: Vec<Request>,
    unfinished: u64,
    /// Of these, never sent yet.
    waiting: u64,
}

impl Callers {
    pub(super) fn unfinished(&self) -> u64 {
        self.unfinished
    }

    fn get(&self, id: RequestId) -> Option<&Request> {
        self.requests.get(id.0.checked_sub(1)? as usize)
    }

    fn get_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        self.requests.get_mut(id.0.checked_sub(1)? as usize)
    }

    pub(super) fn is_waiting(&self, id: RequestId) -> bool {
        self.get(id).is_some_and(|request| !request.ended)
    }

    pub(super) fn is_answered_by(&self, id: RequestId, attempt: AttemptId) -> bool {
        self.get(id).is_some_and(|request| !request.ended && request.answered_by == Some(attempt))
    }

    pub(super) fn answered(&mut self, id: RequestId, attempt: AttemptId) {
        if let Some(request) = self.get_mut(id) {
            request.answered_by = request.answered_by.or(Some(attempt));
        }
    }

    /// It is sent. Says whether it may be processed elsewhere too.
    pub(super) fn sent(&mut self, id: RequestId) -> bool {
        let Some(request) = self.get_mut(id) else { return false };
        let first = !request.ever_sent && !request.ended;
        request.ever_sent = true;
        request.out += 1;
        let risky = request.out > 1;
        self.waiting -= u64::from(first);
        risky
    }

    /// One sending of it provably came to nothing. Says whether that takes a risk back.
    pub(super) fn not_processed(&mut self, id: RequestId) -> bool {
        let Some(request) = self.get_mut(id) else { return false };
        request.out = request.out.saturating_sub(1);
        request.out > 0
    }

    /// A server deals with it. Says how often that has happened by now, and whether it may happen more than once.
    pub(super) fn processed(&mut self, id: RequestId) -> (u32, bool) {
        self.get_mut(id).map_or((0, true), |request| {
            request.processed += 1;
            (request.processed, request.repeatable)
        })
    }
}

impl<P: Policy> Simulation<'_, P> {
    pub(super) fn plan_callers(&mut self) {
        match self.world.load.arrivals {
            Arrivals::Closed(workers, think) => {
                for worker in 0..workers {
                    let at = self.chance.between(0, think.max(1));
                    self.net.agenda.plan(at, Happening::Start(worker));
                }
            }
            Arrivals::Open(mean) => {
                let at = self.chance.wait(mean);
                self.net.agenda.plan(at, Happening::Start(0));
            }
        }
    }

    /// A caller makes a request, unless it is late or quiet.
    pub(super) fn start(&mut self, worker: u32) {
        let (now, load) = (self.net.now, &self.world.load);
        if now > load.until {
            return;
        }
        if let Some((every, quiet)) = load.quiet {
            let into = now % every;
            if into >= every - quiet {
                let at = now - into + every + self.chance.below(1000);
                return self.net.agenda.plan(at, Happening::Start(worker));
            }
        }
        if let Arrivals::Open(mean) = load.arrivals {
            let at = now + self.chance.wait(mean);
            self.net.agenda.plan(at, Happening::Start(worker));
        }
        let repeatable = self.chance.happens(load.repeatable);
        self.callers.requests.push(Request {
            worker,
            started: now,
            ended: false,
            repeatable,
            out: 0,
            answered_by: None,
            processed: 0,
            ever_sent: false,
        });
        let request = RequestId(self.callers.requests.len() as u64);
        self.callers.unfinished += 1;
        self.callers.waiting += 1;
        self.tally.requests += 1;
        let deadline = load.timeout.map(|timeout| now + timeout);
        if let Some(deadline) = deadline {
            self.net.agenda.plan(deadline, Happening::GiveUp(request));
        }
        let repeat = match (repeatable, load.when_late) {
            (false, _) => Repeat::IfUnprocessed,
            (true, false) => Repeat::OnSuspicion,
            (true, true) => Repeat::WhenLate,
        };
        let deadline = deadline.filter(|_| load.says_deadline).map(Time::from_micros);
        self.tell(Event::Request { request, deadline, repeat });
        self.tally.waiting = self.tally.waiting.max(self.callers.waiting);
        let is_left_waiting = self.callers.get(request).is_some_and(|request| !request.ever_sent);
        self.tally.waited += u64::from(is_left_waiting && now > SEC);
    }

    pub(super) fn give_up(&mut self, request: RequestId) {
        let has_head = self.callers.get(request).is_some_and(|request| request.answered_by.is_some());
        if self.callers.is_waiting(request) && !(has_head && self.world.load.head_only) {
            self.end_request(request, Some("timeout"));
            self.tell(Event::Cancel { request });
        }
    }

    /// A request ends for its caller: well, or with an error.
    pub(super) fn end_request(&mut self, id: RequestId, error: Option<&str>) {
        let now = self.net.now;
        let Some(request) = self.callers.get_mut(id) else { return };
        request.ended = true;
        let (worker, started, was_sent) = (request.worker, request.started, request.ever_sent);
        self.callers.unfinished -= 1;
        self.callers.waiting -= u64::from(!was_sent);
        match error {
            None => {
                self.tally.ok += 1;
                self.note_success(started);
            }
            Some("timeout") => self.tally.timeouts += 1,
            Some(name) => *self.tally.errors.entry(name.to_owned()).or_default() += 1,
        }
        if error.is_some() {
            self.note_loss();
        }
        if let Arrivals::Closed(_, think) = self.world.load.arrivals {
            let pause = think / 2 + self.chance.below(think.max(1));
            self.net.agenda.plan(now + pause.max(1), Happening::Start(worker));
        }
    }
}
