//! `stall-up` and `stall-down`: one direction goes silent, the other goes on.
//!
//! A path can die in one direction only: each has its own routes. Bytes that still arrive from the one side prove nothing
//! about what is sent to it. As with `stall` the kernels acknowledge; TCP's own signs are the concern of `blackhole`.
//!
//! Invariant: after it begins, no byte of the silent direction is read. Neither end hears that the other has closed.
//! Next: `stall.rs`, both directions.

use tokio::io::copy;

use super::{
    Ends,
    stall::{self, until_closed},
};

/// The way back goes on.
pub(super) async fn only_down(mut ends: Ends, closed: impl FnOnce()) {
    {
        let (from_client, mut to_client) = ends.client.split();
        let (mut from_origin, _) = ends.origin.split();
        // Nothing reads from the client any more, so nothing but a look tells that it has closed.
        tokio::select! {
            _ = copy(&mut from_origin, &mut to_client) => {}
            () = until_closed(from_client.as_ref()) => {}
        }
    }
    stall::take_over(ends, closed).await;
}

/// The way to the origin goes on, until the contestant closes it.
pub(super) async fn only_up(mut ends: Ends, closed: impl FnOnce()) {
    {
        let (mut from_client, _) = ends.client.split();
        let (_, mut to_origin) = ends.origin.split();
        _ = copy(&mut from_client, &mut to_origin).await;
    }
    stall::take_over(ends, closed).await;
}
