//! The requests that have not ended: who waits, in which order, and which attempt each one has out.

use std::collections::VecDeque;

use crate::ids::IdMap;
use crate::{AttemptId, RequestId, Time};

/// What a request is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Waiting for a connection.
    Waiting,
    /// Out, as this attempt.
    Out(AttemptId),
    /// Its response head has been delivered; the body goes on.
    Delivered(AttemptId),
}

/// A request that has not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) phase: Phase,
    pub(crate) deadline: Option<Time>,
    /// Times it was refused unprocessed.
    pub(crate) refusals: u32,
}

/// All of them. Invariant: exactly the waiting ones count as waiting; the queue may also name some that left it, which
/// are skipped, and swept when they are the majority.
#[derive(Default, Debug)]
pub(crate) struct Requests {
    table: IdMap<RequestId, Request>,
    queue: VecDeque<RequestId>,
    waiting: u32,
}

impl Requests {
    pub(crate) fn contains(&self, id: RequestId) -> bool {
        self.table.contains_key(&id)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// A new request, at the end of the queue.
    pub(crate) fn add(&mut self, id: RequestId, deadline: Option<Time>) {
        self.table.insert(id, Request { phase: Phase::Waiting, deadline, refusals: 0 });
        self.queue.push_back(id);
        self.waiting += 1;
    }

    /// Puts one that was refused back, ahead of all others: it has waited longest. Counts the refusal.
    pub(crate) fn put_back(&mut self, id: RequestId) {
        if let Some(request) = self.table.get_mut(&id) {
            if request.phase != Phase::Waiting {
                request.phase = Phase::Waiting;
                request.refusals += 1;
                self.queue.push_front(id);
                self.waiting += 1;
            }
        }
    }

    /// The first one waiting, taken out of the queue and out as `attempt`.
    pub(crate) fn send_next(&mut self, attempt: AttemptId) -> Option<(RequestId, Request)> {
        while let Some(id) = self.queue.pop_front() {
            if let Some(request) = self.table.get_mut(&id).filter(|r| r.phase == Phase::Waiting) {
                request.phase = Phase::Out(attempt);
                self.waiting -= 1;
                return Some((id, *request));
            }
        }
        None
    }

    /// The head that `attempt` brought is the caller's, if that attempt is what it waits for.
    pub(crate) fn deliver(&mut self, id: RequestId, attempt: AttemptId) {
        if let Some(request) = self.table.get_mut(&id).filter(|r| r.phase == Phase::Out(attempt)) {
            request.phase = Phase::Delivered(attempt);
        }
    }

    pub(crate) fn get(&self, id: RequestId) -> Option<&Request> {
        self.table.get(&id)
    }

    /// Forgets a request that ended.
    pub(crate) fn remove(&mut self, id: RequestId) -> Option<Request> {
        let request = self.table.remove(&id)?;
        if request.phase == Phase::Waiting {
            self.waiting -= 1;
            if self.queue.len() > 2 * self.waiting as usize + 64 {
                let table = &self.table;
                self.queue.retain(|id| table.get(id).is_some_and(|r| r.phase == Phase::Waiting));
            }
        }
        Some(request)
    }

    /// All that wait, in order.
    pub(crate) fn drain_waiting(&mut self) -> Vec<RequestId> {
        let mut ids = Vec::with_capacity(self.waiting as usize);
        while let Some(id) = self.queue.pop_front() {
            if self.table.get(&id).is_some_and(|r| r.phase == Phase::Waiting) {
                self.table.remove(&id);
                ids.push(id);
            }
        }
        self.waiting = 0;
        ids
    }
}
