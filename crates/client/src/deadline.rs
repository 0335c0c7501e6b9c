//! The caller's timeouts: for the whole of a request, and by phase.
//!
//! Invariants: a timeout closes nothing; it is a fact about the caller, not about the connection. And there is at most one
//! timer per request, for whichever limit comes first. Next: [`crate::response_future`] and [`crate::response_body`], which
//! it interrupts.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use crate::error::Elapsed;

/// A request's own timeout, in place of the client's: put it into the request's extensions.
///
/// ```
/// # use std::time::Duration;
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(outlive::RequestTimeout(Duration::from_millis(10)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestTimeout(
    /// From the first poll of the response's future to the end of the response's body.
    pub Duration,
);

/// When a request is given up, by phase; `None` is never. For a client with [`Builder::timeouts`]; for a single request as
/// an extension, which replaces all of the client's. The phases of a dial have their own limits, since dials belong to the pool
/// and not to a request.
///
/// [`Builder::timeouts`]: crate::Builder::timeouts
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Timeouts {
    /// From the first poll of the response's future to the end of the response's body. [`RequestTimeout`] sets it alone.
    pub request: Option<Duration>,
    /// Waiting for a connection, each time that it has to.
    pub connection: Option<Duration>,
    /// From being sent to the head of the response. A request that is sent again meanwhile has no more time for it.
    pub response: Option<Duration>,
    /// Silence within the response's body.
    pub read: Option<Duration>,
}

impl Timeouts {
    /// How long its caller waits for an answer at most.
    pub(crate) fn patience(&self) -> Option<Duration> {
        match (self.request, self.response) {
            (Some(request), Some(response)) => Some(request.min(response)),
            (request, response) => request.or(response),
        }
    }
}

/// When the caller gives up; never, if it said nothing. It goes from hand to hand with the request, so it is small.
#[derive(Default)]
pub(crate) struct Deadline(Option<Pin<Box<Limits>>>);

pin_project! {
    struct Limits {
        timeouts: Timeouts,
        // The end of the whole request.
        end: Option<Instant>,
        // The limit of the phase, and when the phase began or something last happened in it.
        phase: Option<(Duration, Instant)>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Deadline {
    /// Of a request that has not begun.
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        if timeouts == Timeouts::default() {
            return Self(None);
        }
        Self(Some(Box::pin(Limits { timeouts, end: None, phase: None, sleep: None })))
    }

    /// The request begins now, and waits for a connection. How long its caller waits for an answer at most.
    pub(crate) fn begin(&mut self) -> Option<Duration> {
        let limits = self.0.as_mut()?;
        let timeouts = limits.timeouts;
        *limits.as_mut().project().end = timeouts.request.and_then(|limit| Instant::now().checked_add(limit));
        limits.as_mut().enter(timeouts.connection);
        timeouts.patience()
    }

    /// It waits for a connection from now on.
    pub(crate) fn enter_connection(&mut self) {
        self.enter(|timeouts| timeouts.connection);
    }

    /// It waits for the head of the response from now on.
    pub(crate) fn enter_response(&mut self) {
        self.enter(|timeouts| timeouts.response);
    }

    /// It reads the response's body from now on.
    pub(crate) fn enter_body(&mut self) {
        self.enter(|timeouts| timeouts.read);
    }

    /// Something happened that the phase's limit is about.
    pub(crate) fn stir(&mut self) {
        if let Some((_, since)) = self.0.as_mut().and_then(|limits| limits.as_mut().project().phase.as_mut())
        {
            *since = Instant::now();
        }
    }

    fn enter(&mut self, limit: impl FnOnce(&Timeouts) -> Option<Duration>) {
        let Some(limits) = &mut self.0 else { return };
        let limit = limit(&limits.timeouts);
        if limit.is_none() && limits.phase.is_none() {
            return; // The common case: only the whole counts.
        }
        limits.as_mut().enter(limit);
    }

    pub(crate) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<Elapsed> {
        self.0.as_mut().map_or(Poll::Pending, |limits| limits.as_mut().poll_passed(cx))
    }
}

impl Limits {
    /// A phase with this limit begins.
    fn enter(mut self: Pin<&mut Self>, limit: Option<Duration>) {
        *self.as_mut().project().phase = limit.map(|limit| (limit, Instant::now()));
        self.set();
    }

    /// When the phase is over.
    fn phase_end(&self) -> Option<Instant> {
        self.phase.and_then(|(limit, since)| since.checked_add(limit))
    }

    /// Sets the timer to the earlier of the two ends.
    fn set(self: Pin<&mut Self>) {
        let Some(at) = [self.end, self.phase_end()].into_iter().flatten().min() else { return };
        let mut sleep = self.project().sleep;
        match sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.reset(at),
            None => sleep.set(Some(tokio::time::sleep_until(at))),
        }
    }

    fn poll_passed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Elapsed> {
        loop {
            let Some(mut sleep) = self.as_mut().project().sleep.as_pin_mut() else { return Poll::Pending };
            ready!(sleep.as_mut().poll(cx));
            let rang = sleep.deadline();
            if let (Some(end), Some(limit)) = (self.end, self.timeouts.request) {
                if end <= rang {
                    return Poll::Ready(Elapsed { limit, whole: true });
                }
            }
            match (self.phase, self.phase_end()) {
                (Some((limit, _)), Some(end)) if end <= rang => {
                    return Poll::Ready(Elapsed { limit, whole: false });
                }
                // The phase has ended, or something stirred in it.
                _ if self.end.is_none() && self.phase.is_none() => {
                    self.project().sleep.set(None);
                    return Poll::Pending;
                }
                _ => self.as_mut().set(),
            }
        }
    }
}
