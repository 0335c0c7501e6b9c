//! The gate that all bytes of all wires pass: open, but while the proxy pauses.
//!
//! Invariant: an open gate costs one look.

use tokio::sync::watch;

/// How the proxy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Bytes pass, connections are accepted.
    Up,
    /// Bytes wait; what is new waits with them.
    Paused,
    /// New connections are reset.
    Down,
}

/// One place where bytes pass.
#[derive(Clone, Debug)]
pub(crate) struct Gate(watch::Receiver<Standing>);

impl Gate {
    pub(super) fn new(standing: watch::Receiver<Standing>) -> Self {
        Self(standing)
    }

    /// Returns at once, or when the pause is over.
    pub(crate) async fn pass(&mut self) {
        if *self.0.borrow() == Standing::Paused {
            // An error means that nobody is left to end the pause: then the wire is about to end, too.
            _ = self.0.wait_for(|standing| *standing != Standing::Paused).await;
        }
    }
}
