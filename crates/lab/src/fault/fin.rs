//! `fin`: the connection ends in order as far as TCP goes, wherever the response's body stands.
//!
//! Over TLS that is a truncation: there is no `close_notify`. A client must not take half a body for a whole one.
//!
//! Invariant: what was passed on before arrives, then the FIN. A RST comes only if the contestant goes on writing.

use tokio::io::AsyncWriteExt as _;

use super::{Ends, stall::until_closed};

pub(super) async fn take_over(mut ends: Ends, closed: impl FnOnce()) {
    // An end that is gone already needs no goodbye.
    _ = ends.client.shutdown().await;
    _ = ends.origin.shutdown().await;
    until_closed(&ends.client).await;
    closed();
}
