//! Asking the kernel: which connections, and when.
//!
//! A look is a system call, so there is one for a doubt and not for a request: when a connection is asked for proof of life (what
//! later looks are held against), before one that owes that proof is judged, and when a request ends that was out on one.
//! Invariant: the pool is told only what was read at that moment, never what is remembered. Next: [`crate::kernel`].

use outlive_core::{ConnectionId, Event, Figures, RequestId};

use super::{Few, Ledger};
use crate::connection::Known;
use crate::settings::LOOK_AGAIN;

impl Ledger {
    /// Looks at what the kernel knows of a connection; that as a fact for the pool.
    pub(super) fn examine(&mut self, connection: ConnectionId) -> Option<Event> {
        let entry = self.connections.get_mut(&connection)?;
        let kernel = entry.look()?;
        let figures = kernel.figures();
        let silence = self.pool.silence(connection, self.now, figures).map(Into::into);
        entry.knows(Known { at: self.now, kernel, silence });
        let Figures { unacked, retransmits, timeouts: _ } = figures;
        Some(Event::Kernel { connection, unacked, retransmits })
    }

    /// A request ends, and not well: looks at its connections that are in doubt, so that its attempts can say what is known. The pool
    /// judges in its own time, when what is readable was read.
    pub(super) fn examine_for(&mut self, request: RequestId) {
        let Some(request) = self.requests.get(&request) else { return };
        let outs: Few<_> = request.outs().collect();
        for attempt in outs {
            let Some(connection) = self.attempts.get(&attempt).map(|out| out.connection) else { continue };
            let Some(entry) = self.connections.get(&connection) else { continue };
            let is_in_doubt = self.pool.is_asked(connection) || !entry.can_be_asked();
            let is_old = entry.known_at().is_none_or(|at| self.now.since(at) >= LOOK_AGAIN);
            if is_in_doubt && is_old {
                self.examine(connection);
            }
        }
    }
}
