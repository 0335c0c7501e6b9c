//! Who wants to be told, and what waits to be told until the lock is free.
//!
//! Invariant: where nobody observes, nothing is made and nothing is kept: one branch an event. Next: [`crate::Event`].

use std::sync::Arc;

use http::HeaderMap;

use super::event::{Course, Event};
use crate::builder::Builder;
use crate::name::OriginName;

/// Is told what happens to a client's connections and requests.
///
/// Called synchronously in whatever task brought the event about, a caller's or a connection's, after all locks are
/// released: it may use the client, must be quick, and must not block. What one task brings about is told in order; events
/// of different tasks may overtake each other by a moment.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(Default)]
/// struct Rescues(AtomicU64);
///
/// impl outlive::Observer for Rescues {
///     fn observe(&self, _origin: &outlive::OriginName, event: &outlive::Event) {
///         if let outlive::Event::RequestSent { how: outlive::How::Rescue, .. } = event {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let client = outlive::Client::builder().observer(Rescues::default()).build();
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, origin: &OriginName, event: &Event);

    /// A request is about to start: has it carry these fields beside its own, such as `traceparent`, in place of those of the same
    /// names. `course` has its number, its method and its URI; the next that is told of it is [`Event::RequestStarted`], by the
    /// same task. Fields about the connection and the message's form are left out. Default: none.
    fn propagate(&self, origin: &OriginName, course: &Course, fields: &mut HeaderMap) {
        _ = (origin, course, fields);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, origin: &OriginName, event: &Event) {
        (**self).observe(origin, event);
    }

    fn propagate(&self, origin: &OriginName, course: &Course, fields: &mut HeaderMap) {
        (**self).propagate(origin, course, fields);
    }
}

/// One after the other.
struct Both(Arc<dyn Observer>, Arc<dyn Observer>);

impl Observer for Both {
    fn observe(&self, origin: &OriginName, event: &Event) {
        self.0.observe(origin, event);
        self.1.observe(origin, event);
    }

    fn propagate(&self, origin: &OriginName, course: &Course, fields: &mut HeaderMap) {
        self.0.propagate(origin, course, fields);
        self.1.propagate(origin, course, fields);
    }
}

impl Builder {
    /// Tells this observer what happens. Several are told in the order in which they were added. Default: none.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        let new: Arc<dyn Observer> = Arc::new(observer);
        self.observer = Some(match self.observer {
            None => new,
            Some(first) => Arc::new(Both(first, new)),
        });
        self
    }
}

/// What happened under the lock and is to be told once it is free.
pub(crate) struct Watch {
    is_observed: bool,
    seen: Vec<Event>,
}

impl Watch {
    pub(crate) fn new(is_observed: bool) -> Self {
        Self { is_observed, seen: Vec::new() }
    }

    /// Whether anybody wants to know.
    pub(crate) fn is_observed(&self) -> bool {
        self.is_observed
    }

    /// Notes an event, if so.
    #[inline]
    pub(crate) fn note(&mut self, event: impl FnOnce() -> Event) {
        if self.is_observed {
            self.seen.push(event());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    pub(crate) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.seen)
    }
}
