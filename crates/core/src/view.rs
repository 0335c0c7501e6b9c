//! What can be seen of a pool from outside, for people who want to know: read-only, and no part of any decision.
//!
//! Invariant: looking changes nothing. Next: [`crate::Pool::connections`].

use crate::health::Health;
use crate::life::Life;
use crate::pool::Pool;
use crate::{AddressId, ConnectionId, Span, Time};

/// One connection as its pool sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    /// Its name.
    pub connection: ConnectionId,
    /// Where it leads, if the pool chose that.
    pub address: Option<AddressId>,
    /// Whether it takes requests.
    pub life: Life,
    /// What its silence means.
    pub health: Health,
    /// Since when it has been dialled, open, or suspect: the last of these to begin.
    pub since: Time,
    /// How many streams it may carry at a time; 0 while it is being dialled.
    pub streams: u32,
    /// How many it carries, given-up ones included.
    pub in_use: u32,
    /// How many of these nobody waits for any more.
    pub given_up: u32,
    /// When a byte was last known to have been read; at first, when it was dialled.
    pub heard: Time,
    /// The smoothed round-trip time, once it was measured.
    pub rtt: Option<Span>,
}

impl Pool {
    /// All connections, in no order, those being dialled included.
    pub fn connections(&self) -> impl Iterator<Item = View> + '_ {
        self.connections.iter().map(|(id, connection)| View {
            connection: *id,
            address: connection.address,
            life: connection.life,
            health: connection.health,
            since: connection.since,
            streams: connection.streams,
            in_use: connection.load(),
            given_up: connection.load().saturating_sub(connection.wanted()),
            heard: connection.evidence.last_heard(),
            rtt: connection.evidence.rtt.measured(),
        })
    }

    /// How many requests wait for their first connection, or for another.
    pub fn waiting(&self) -> u32 {
        self.requests.waiting()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Repeat;
    use crate::{Action, Event, Limits, RequestId};

    #[test]
    fn what_is_seen_is_what_was_told() {
        let mut pool = Pool::new(Limits::default(), 1);
        let mut actions = Vec::new();
        let at = |millis: u64| Time::from_micros(millis * 1000);
        let request = |number| Event::Request {
            request: RequestId(number),
            deadline: None,
            repeat: Repeat::IfUnprocessed,
        };
        pool.handle(at(0), request(1), &mut actions);
        let seen: Vec<_> = pool.connections().collect();
        assert_eq!((seen.len(), seen[0].life, seen[0].in_use, pool.waiting()), (1, Life::Dialing, 0, 1));
        let connection = seen[0].connection;
        pool.handle(at(10), Event::Connected { connection, streams: 100, can_probe: true }, &mut actions);
        pool.handle(at(20), request(2), &mut actions);
        pool.handle(at(30), Event::Cancel { request: RequestId(2) }, &mut actions);
        let seen: Vec<_> = pool.connections().collect();
        let [view] = seen[..] else { panic!("{seen:?}") };
        assert_eq!((view.life, view.since, view.streams), (Life::Open, at(10), 100));
        assert_eq!((view.in_use, view.given_up, pool.waiting()), (2, 1, 0));
        assert_eq!((view.health, view.rtt), (Health::Asked, None), "a caller gave up, so it was asked");
        assert!(actions.iter().any(|action| matches!(action, Action::Probe { .. })));
        pool.handle(at(31), Event::Proven { connection, through: None }, &mut actions);
        assert_eq!(pool.connections().next().unwrap().rtt, Some(Span::from_millis(1)));
    }
}
