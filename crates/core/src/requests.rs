//! All requests that have not ended, and the order in which they wait.
//!
//! Two queues: those that are out and want to be rescued go before those that wait for their first connection, since they
//! have waited longer. A queue may also name requests that left it; these are skipped, and swept when they are the majority.
//! A third list has those that wait for their first connection in the order in which they began to, for the wait limit;
//! a request that comes back to the head of the queue is at its end.
//! Invariant: `waiting` and `rescuing` count exactly the requests in those phases.

use std::collections::VecDeque;

use crate::event::Repeat;
use crate::request::{Phase, Request, Turn};
use crate::table::IdMap;
use crate::{AttemptId, Limits, RequestId, Span, Time};

#[derive(Default, Debug)]
pub(crate) struct Requests {
    table: IdMap<RequestId, Request>,
    queue: VecDeque<RequestId>,
    rescues: VecDeque<RequestId>,
    /// By when they began to wait; kept only where there is a limit to that.
    waits: Option<VecDeque<(Time, RequestId)>>,
    waiting: u32,
    rescuing: u32,
}

impl Requests {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { waits: (limits.wait < Span::MAX).then(VecDeque::new), ..Self::default() }
    }

    pub(crate) fn contains(&self, id: RequestId) -> bool {
        self.table.contains_key(&id)
    }

    pub(crate) fn get(&self, id: RequestId) -> Option<&Request> {
        self.table.get(&id)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    pub(crate) fn rescuing(&self) -> u32 {
        self.rescuing
    }

    /// A new request, at the end of the queue.
    pub(crate) fn add(&mut self, id: RequestId, since: Time, deadline: Option<Time>, repeat: Repeat) {
        let request = Request { phase: Phase::Waiting, since, deadline, repeat, refusals: 0, extra: 0 };
        self.table.insert(id, request);
        self.queue.push_back(id);
        self.waits.iter_mut().for_each(|waits| waits.push_back((since, id)));
        self.waiting += 1;
    }

    /// Moves a request on, into the queue where it has to wait, if it has. One that comes back is ahead of all others. The phase
    /// in which it was.
    pub(crate) fn turn(&mut self, id: RequestId, turn: Turn, now: Time) -> Option<Phase> {
        let request = self.table.get_mut(&id)?;
        let before = request.phase;
        request.phase = before.after(turn);
        match (before, request.phase) {
            (Phase::Waiting, Phase::Waiting) | (Phase::Rescuing(_), Phase::Rescuing(_)) => {
                return Some(before); // it keeps its place
            }
            (Phase::Out(_) | Phase::Rescuing(_) | Phase::Delivered(_), Phase::Waiting) => {
                request.since = now;
                self.waiting += 1;
                self.queue.push_front(id);
                self.waits.iter_mut().for_each(|waits| waits.push_back((now, id)));
            }
            (Phase::Waiting | Phase::Out(_) | Phase::Delivered(_), Phase::Rescuing(_)) => {
                self.rescuing += 1;
                self.rescues.push_back(id);
            }
            (
                Phase::Waiting | Phase::Out(_) | Phase::Rescuing(_) | Phase::Delivered(_),
                Phase::Out(_) | Phase::Delivered(_),
            ) => {}
        }
        self.uncount(before);
        Some(before)
    }

    /// Counts a repetition: a refused one (free of risk), or an extra one (at a risk).
    pub(crate) fn count(&mut self, id: RequestId, refusals: u32, extra: u32) {
        if let Some(request) = self.table.get_mut(&id) {
            request.refusals = request.refusals.saturating_add(refusals);
            request.extra = request.extra.saturating_add(extra);
        }
    }

    /// Takes the request that has waited longest for its first connection out of the queue. It has to be sent, or to end.
    #[inline]
    pub(crate) fn next_waiting(&mut self) -> Option<RequestId> {
        let is_waiting = |id: &RequestId| self.table.get(id).is_some_and(|r| r.phase == Phase::Waiting);
        std::iter::from_fn(|| self.queue.pop_front()).find(is_waiting)
    }

    /// The request that has waited longest for its rescue.
    #[inline]
    pub(crate) fn first_rescuing(&mut self) -> Option<(RequestId, Request)> {
        while let Some(id) = self.rescues.front().copied() {
            match self.table.get(&id).filter(|request| matches!(request.phase, Phase::Rescuing(_))) {
                Some(request) => return Some((id, *request)),
                None => self.rescues.pop_front(),
            };
        }
        None
    }

    /// The request that began first, of those that wait for their first connection. `None` where no limit asks.
    #[inline]
    pub(crate) fn longest_waiting(&mut self) -> Option<(RequestId, Time)> {
        let waits = self.waits.as_mut()?;
        while let Some((since, id)) = waits.front().copied() {
            let waits_still = |r: &Request| r.phase == Phase::Waiting && r.since == since;
            if self.table.get(&id).is_some_and(waits_still) {
                return Some((id, since));
            }
            waits.pop_front();
        }
        None
    }

    /// Puts the first of those that want a rescue behind the others.
    pub(crate) fn rotate_rescuing(&mut self) {
        self.rescues.rotate_left(usize::from(!self.rescues.is_empty()));
    }

    /// Forgets a request that ended. What it was doing.
    pub(crate) fn remove(&mut self, id: RequestId) -> Option<Phase> {
        let Request { phase, .. } = self.table.remove(&id)?;
        self.uncount(phase);
        self.sweep();
        Some(phase)
    }

    /// Forgets the request if `attempt` is what answered it.
    pub(crate) fn remove_delivered(&mut self, id: RequestId, attempt: AttemptId) {
        if self.get(id).is_some_and(|request| request.phase == Phase::Delivered(attempt)) {
            self.remove(id);
        }
    }

    /// All that wait for their first connection, in order, forgotten.
    pub(crate) fn drain_waiting(&mut self) -> Vec<RequestId> {
        let mut ids = Vec::with_capacity(self.waiting as usize);
        while let Some(id) = self.next_waiting() {
            self.remove(id);
            ids.push(id);
        }
        ids
    }

    fn uncount(&mut self, phase: Phase) {
        match phase {
            Phase::Waiting => self.waiting -= 1,
            Phase::Rescuing(_) => self.rescuing -= 1,
            Phase::Out(_) | Phase::Delivered(_) => {}
        }
    }

    fn sweep(&mut self) {
        let table = &self.table;
        if self.queue.len() > 2 * self.waiting as usize + 64 {
            self.queue.retain(|id| table.get(id).is_some_and(|r| r.phase == Phase::Waiting));
        }
        if let Some(waits) = self.waits.as_mut().filter(|waits| waits.len() > 2 * self.waiting as usize + 64)
        {
            waits.retain(|(since, id)| {
                table.get(id).is_some_and(|r| r.phase == Phase::Waiting && r.since == *since)
            });
        }
        if self.rescues.len() > 2 * self.rescuing as usize + 64 {
            self.rescues.retain(|id| table.get(id).is_some_and(|r| matches!(r.phase, Phase::Rescuing(_))));
        }
    }
}
