//! What decides: the face of [`outlive_core::Pool`], so that others can stand in its place.

use outlive_core::{Action, ConnectionId, Event, Pool, Time};

/// A policy for the connections of one origin. What the core's pool promises of these three, a rival keeps too.
pub trait Policy {
    /// Takes a fact and appends what is to be done.
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>);
    /// When it wants a tick.
    fn deadline(&self) -> Option<Time>;
    /// The connections that a tick at `now` would judge: it wants to know when they were last heard.
    fn in_doubt(&self, now: Time, doubted: &mut Vec<ConnectionId>);
}

impl Policy for Pool {
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        Self::handle(self, now, event, actions);
    }

    fn deadline(&self) -> Option<Time> {
        Self::deadline(self)
    }

    fn in_doubt(&self, now: Time, doubted: &mut Vec<ConnectionId>) {
        doubted.extend(Self::in_doubt(self, now));
    }
}

impl<P: Policy + ?Sized> Policy for Box<P> {
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        (**self).handle(now, event, actions);
    }

    fn deadline(&self) -> Option<Time> {
        (**self).deadline()
    }

    fn in_doubt(&self, now: Time, doubted: &mut Vec<ConnectionId>) {
        (**self).in_doubt(now, doubted);
    }
}
