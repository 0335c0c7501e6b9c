//! One connection: a pipe each way, and what the process at each end knows of it.

use std::collections::VecDeque;

use outlive_core::{AttemptId, ConnectionId};
use outlive_fault::peer::{PingPolice, ResetPolice};
use outlive_fault::{Direction, Micros};

use super::agenda::WireId;
use super::network::Route;
use super::pipe::{Frame, Pipe};

/// How far the client's end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Dialing,
    Open,
    Gone,
}

#[derive(Debug)]
pub(super) struct Wire {
    pub(super) connection: ConnectionId,
    pub(super) route: Route,
    pub(super) out: Pipe,
    pub(super) back: Pipe,
    pub(super) stage: Stage,
    /// The policy suspects it.
    pub(super) suspect: bool,
    /// When the client last read a byte, and when the pool was last told so.
    pub(super) heard: Micros,
    pub(super) told: Micros,
    /// What was last written before each PING that is out.
    pub(super) pings: Vec<Option<AttemptId>>,
    /// Attempts under way, as the client sees it, and the last one written.
    pub(super) live: Vec<AttemptId>,
    pub(super) last: Option<AttemptId>,
    /// What the kernel did not take yet, and whether the policy knows that it takes nothing.
    pub(super) unsent: VecDeque<(Frame, u32)>,
    pub(super) blocked: bool,
    pub(super) far: Far,
}

/// The server's end.
#[derive(Debug)]
pub(super) struct Far {
    pub(super) open: bool,
    pub(super) streams: Vec<AttemptId>,
    pub(super) seen: Option<AttemptId>,
    pub(super) pings: PingPolice,
    pub(super) resets: ResetPolice,
    /// TLS is done.
    pub(super) ready: bool,
    /// GOAWAY was said: what comes after this is not dealt with.
    pub(super) left: bool,
    /// What is behind the path sleeps: no request is answered any more.
    pub(super) asleep: bool,
}

impl Wire {
    pub(super) fn new(id: WireId, connection: ConnectionId, route: Route) -> Self {
        Self {
            connection,
            route,
            out: Pipe::new(id, route, Direction::Out),
            back: Pipe::new(id, route, Direction::Back),
            stage: Stage::Dialing,
            suspect: false,
            heard: 0,
            told: 0,
            pings: Vec::new(),
            live: Vec::new(),
            last: None,
            unsent: VecDeque::new(),
            blocked: false,
            far: Far {
                open: true,
                streams: Vec::new(),
                seen: None,
                pings: PingPolice::grpc(),
                resets: ResetPolice::h2(),
                ready: false,
                left: false,
                asleep: false,
            },
        }
    }

    pub(super) fn pipe(&mut self, direction: Direction) -> &mut Pipe {
        match direction {
            Direction::Out => &mut self.out,
            Direction::Back => &mut self.back,
        }
    }
}
