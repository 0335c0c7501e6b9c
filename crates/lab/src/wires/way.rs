//! What a wire lets pass while a human has a hand on it: everything, everything but late, or nothing for
//! now, both ways or one.
//!
//! Unlike a fault, which a wire never gets over, this can be undone, as a route that comes back does: what was on its way
//! has waited, as TCP would have sent it again.
//!
//! Invariant: a way that can't change any more, because its wire is ending, is what it was last, and open if it was held.
//! Next: `late.rs`, which obeys it; `live/mod.rs`, whose hand it is.

use std::{future::pending, time::Duration};

use outlive_fault::Direction;
use tokio::sync::watch;

/// What passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// All bytes, at once.
    #[default]
    Open,
    /// All bytes, so much later, each way.
    Late(Duration),
    /// No byte. Sockets stay open, no FIN, no RST: to both ends it is a stall.
    Held,
    /// No byte in this direction; the other one is open.
    HalfHeld(Direction),
}

impl Way {
    fn holds(self, direction: Direction) -> bool {
        self == Way::Held || self == Way::HalfHeld(direction)
    }
}

/// One direction's look at it.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    way: watch::Receiver<Way>,
    direction: Direction,
}

impl Look {
    pub(super) fn new(way: watch::Receiver<Way>, direction: Direction) -> Self {
        Self { way, direction }
    }

    /// What is added to the way of a byte that is read now.
    pub(crate) fn delay(&self) -> Duration {
        match *self.way.borrow() {
            Way::Late(delay) => delay,
            Way::Open | Way::Held | Way::HalfHeld(_) => Duration::ZERO,
        }
    }

    /// Whether nothing passes, for now.
    pub(crate) fn is_held(&self) -> bool {
        // Nobody is left to let go of a wire that is ending.
        self.way.borrow().holds(self.direction) && self.way.has_changed().is_ok()
    }

    /// Returns when bytes pass: at once, unless it is held.
    pub(crate) async fn open(&mut self) {
        let direction = self.direction;
        _ = self.way.wait_for(|way| !way.holds(direction)).await;
    }

    /// Returns when it is held; never, if it is not.
    pub(crate) async fn held(&mut self) {
        let direction = self.direction;
        let waited = self.way.wait_for(|way| way.holds(direction)).await.is_ok();
        if !waited || !self.is_held() {
            pending().await
        }
    }
}
