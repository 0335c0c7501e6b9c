//! What a silence is put down to, where the kernel knows: the path, or the peer.
//!
//! A missing answer alone can't tell them apart. The kernel can: it knows whether the other kernel has what was written, and how
//! often it had to be sent again. (Measured on Linux: bytes for a program that does not answer are acknowledged after one round
//! trip, or 40 ms later when they are a lone segment; on a dead path a segment is sent again after 10 ms at the soonest, 210 ms
//! when it is alone, and never acknowledged.) Invariant: these are words for people; what is decided is decided by
//! [`crate::evidence`], from the same signs. Next: [`crate::Pool::silence`].

use core::fmt;

use crate::pool::Pool;
use crate::{ConnectionId, Time};

/// What the kernel says of a transport at one moment (Linux: TCP_INFO).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figures {
    /// Segments sent and not acknowledged by the other kernel (`tcpi_unacked`).
    pub unacked: u32,
    /// Segments ever sent again (`tcpi_total_retrans`).
    pub retransmits: u32,
    /// Retransmission timeouts in a row (`tcpi_retransmits`).
    pub timeouts: u32,
}

/// What a silence is put down to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Silence {
    /// What was written was sent again, and nobody acknowledges it.
    PathDead,
    /// The other kernel has acknowledged all that was written, and the program behind it does not answer.
    PeerStalled,
}

impl Silence {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::PathDead, Self::PeerStalled];
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PathDead => "path-dead",
            Self::PeerStalled => "peer-stalled",
        })
    }
}

impl Pool {
    /// Whether this connection was asked for proof of life and has given none. Only then does the pool make anything of what the
    /// kernel knows.
    pub fn is_asked(&self, connection: ConnectionId) -> bool {
        self.connections.get(&connection).is_some_and(|connection| connection.evidence.is_asked())
    }

    /// What a connection's silence is put down to, going by figures of its kernel's that were read at `at`. A peer that can't be
    /// asked (HTTP/1.1) is never called stalled: it may be busy. Looking changes nothing.
    pub fn silence(&self, connection: ConnectionId, at: Time, figures: Figures) -> Option<Silence> {
        self.connections.get(&connection)?.evidence.silence(at, figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Repeat;
    use crate::{AttemptId, Event, Limits, RequestId};

    const CONNECTION: ConnectionId = ConnectionId(1);

    fn at(millis: u64) -> Time {
        Time::from_micros(millis * 1000)
    }

    /// A pool whose connection was given a request that was given up, and so was asked at 30 ms, if it can be.
    fn asked(can_probe: bool) -> Pool {
        let (mut pool, mut actions) = (Pool::new(Limits::default(), 1), Vec::new());
        let request = Event::Request { request: RequestId(1), deadline: None, repeat: Repeat::IfUnprocessed };
        pool.handle(at(0), request, &mut actions);
        pool.handle(
            at(10),
            Event::Connected { connection: CONNECTION, streams: 100, can_probe },
            &mut actions,
        );
        if can_probe {
            assert!(!pool.is_asked(CONNECTION));
            pool.handle(at(30), Event::Cancel { request: RequestId(1) }, &mut actions);
            assert!(pool.is_asked(CONNECTION));
        }
        // Once, long ago, something was lost.
        let kernel = Event::Kernel { connection: CONNECTION, unacked: 1, retransmits: 5 };
        pool.handle(at(30), kernel, &mut actions);
        pool
    }

    #[test]
    fn a_table() {
        let figures = |unacked, retransmits, timeouts| Figures { unacked, retransmits, timeouts };
        for (can_probe, when, figures, is) in [
            (true, 30, figures(0, 5, 0), None), // the question is not yet written
            (true, 31, figures(0, 5, 0), Some(Silence::PeerStalled)),
            (true, 31, figures(0, 6, 0), Some(Silence::PeerStalled)),
            (true, 31, figures(1, 5, 0), None),
            (true, 31, figures(1, 6, 0), Some(Silence::PathDead)),
            (true, 31, figures(1, 5, 1), Some(Silence::PathDead)), // of what was written before the question
            (false, 31, figures(0, 5, 0), None),
            (false, 31, figures(1, 6, 0), None), // since when, nobody knows
            (false, 31, figures(1, 6, 1), Some(Silence::PathDead)),
        ] {
            let found = asked(can_probe).silence(CONNECTION, at(when), figures);
            assert_eq!(found, is, "can be asked: {can_probe}, at {when}: {figures:?}");
        }
        assert_eq!(asked(true).silence(ConnectionId(99), at(31), figures(1, 9, 9)), None, "there is none");
    }

    #[test]
    fn proof_ends_the_question() {
        let mut pool = asked(true);
        let through = Some(AttemptId(1));
        pool.handle(at(31), Event::Proven { connection: CONNECTION, through }, &mut Vec::new());
        assert!(!pool.is_asked(CONNECTION));
        let figures = Figures { unacked: 0, retransmits: 6, timeouts: 0 };
        assert_eq!(pool.silence(CONNECTION, at(32), figures), None);
    }
}
