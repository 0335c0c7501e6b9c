//! Go 1.24 to 1.27: streams given up go on counting until a PING, sent with the first of their resets, is answered.
//!
//! From `net/http/internal/http2/transport.go` of Go 1.27.3 (`cleanupWriteRequest`, `processPing`, `streamByIDLocked`): a
//! reset counts as pending unless a frame of a later stream was read since (1.26) or a PING was answered without a
//! frame of any stream since (`rstStreamPingsBlocked`). A full connection is never closed, only full. Waiting requests
//! dial each for itself. SendPingTimeout is off by default.

use outlive_core::{AttemptId, Time};

use super::{Judge, Reaction};

/// Counts pending resets.
#[derive(Clone, Copy, Debug)]
pub struct PendingResets;

/// The three fields that matter.
#[derive(Clone, Copy, Debug)]
pub struct Resets {
    pending: u32,
    pings_blocked: bool,
    read_before: AttemptId,
}

impl Default for Resets {
    fn default() -> Self {
        Self { pending: 0, pings_blocked: false, read_before: AttemptId(0) }
    }
}

impl Judge for PendingResets {
    type Book = Resets;

    fn given_up(&self, book: &mut Resets, attempt: AttemptId, _: Time) -> Reaction {
        let read_since = book.read_before > attempt;
        if read_since || book.pings_blocked {
            return Reaction::Nothing;
        }
        book.pending += 1;
        if book.pending == 1 { Reaction::Ask } else { Reaction::Nothing }
    }

    fn read(&self, book: &mut Resets, next: AttemptId, _: Time) {
        book.read_before = next;
        book.pings_blocked = false;
    }

    fn pong(&self, book: &mut Resets, _: Time) {
        if book.pending > 0 {
            (book.pending, book.pings_blocked) = (0, true);
        }
    }

    fn has_room(&self, book: &Resets, live: u32, allowed: u32, _: Time) -> bool {
        live + book.pending < allowed
    }
}
