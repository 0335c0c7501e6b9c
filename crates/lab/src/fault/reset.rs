//! `reset`: RST to both ends, as a firewall that rejects, or a host that has lost its memory, sends it.
//!
//! Invariant: neither end gets a FIN.

use super::Ends;

pub(super) fn take_over(ends: Ends) {
    for socket in [&ends.client, &ends.origin] {
        // Lingering for no time makes closing a reset (socket(7)). It fails for a socket that is closed already.
        _ = socket.set_zero_linger();
    }
}
