//! `stall`: silence, and nothing else.
//!
//! The fault of golang/go issue 63422: its proxy "silently stops copying". Neither end gets a FIN or a RST, now or
//! when the other end closes. The kernels still acknowledge what arrives, until the socket's buffer is full, so the
//! fault looks like a peer that sleeps; a path that loses packets would leave them unacknowledged.
//!
//! Invariant: after `take_over` begins, no byte is read from or written to either socket. The origin's end stays open
//! for good; that the contestant has closed its own is noticed, and told to nobody but the record.

use std::time::Duration;

use tokio::{
    io::Interest,
    net::TcpStream,
    time::{MissedTickBehavior, interval},
};

use super::Ends;

/// How often it looks whether the contestant has closed. Only a count depends on it.
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn take_over(ends: Ends, closed: impl FnOnce()) {
    silence(&ends.client, closed).await;
    // Never reached: it is here so that the future owns the sockets, and they stay open as long as it lives.
    drop(ends);
}

/// Says nothing to a contestant, for good, and tells once when it has closed.
pub(crate) async fn silence(client: &TcpStream, closed: impl FnOnce()) {
    until_closed(client).await;
    closed();
    std::future::pending().await
}

/// Waits until the other side has closed, without reading what it sent before that.
pub(crate) async fn until_closed(socket: &TcpStream) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        // Bytes that nobody reads keep the socket readable for ever, so waiting for an event would be a busy loop.
        match socket.ready(Interest::READABLE | Interest::ERROR).await {
            Ok(state) if state.is_read_closed() || state.is_error() => return,
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
