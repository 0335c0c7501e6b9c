//! `stall`: silence, and nothing else.
//!
//! The fault of golang/go issue 63422: its proxy "silently stops copying". Neither end gets a FIN or a RST, now or
//! when the other end closes. The kernels still acknowledge what arrives, until the socket's buffer is full, so the
//! fault looks like a peer that sleeps; a path that loses packets would leave them unacknowledged.
//!
//! Invariant: after `take_over` begins, no byte is read from or written to either socket, and none is closed.

use super::Ends;

pub(super) async fn take_over(ends: Ends) {
    std::future::pending::<()>().await;
    // Never reached: it is here so that the future owns the sockets, and they stay open as long as it lives.
    drop(ends);
}
