//! Shutting a client down without losing what it has accepted.
//!
//! First the doors close, the client's and each origin's, so that nobody new comes in; then what is inside runs to its
//! end; then connections say goodbye. Invariant: a request is either refused at the door, unsent, or it is accepted and
//! nothing but the deadline cuts it. A request is accepted when its future is first polled. Next:
//! [`crate::origin`], which has a door each.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use crate::client::Client;
use crate::origin::Origin;
use crate::settings::FAREWELL;

/// Who is let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Door {
    /// Everybody.
    #[default]
    Open,
    /// Nobody new; those who are inside go on.
    Closed,
    /// Nobody, and all are out.
    Ended,
}

/// What [`Client::shutdown`] had to cut: nothing, if all went well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Leftovers {
    /// Requests that had not ended by the deadline. They failed with [`ErrorKind::Shutdown`](crate::ErrorKind::Shutdown).
    pub requests: usize,
    /// Connections that carried these, and ended without goodbye.
    pub connections: usize,
}

impl Leftovers {
    /// Whether nothing was cut.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Leftovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests on {} connections were cut", self.requests, self.connections)
    }
}

impl Client {
    /// Ends the client, and all its clones, without losing a request that it has accepted.
    ///
    /// From this call on (polled or not) new requests fail with [`ErrorKind::Shutdown`](crate::ErrorKind::Shutdown), unsent.
    /// Those that were accepted, which means that their futures have been polled, run to the end of their responses'
    /// bodies; what they need (retries, rescues, dials) still happens. Then connections are closed politely (HTTP/2:
    /// GOAWAY). What has not ended after `within` is cut. The future is ready when nothing is left, at the latest a
    /// second or two after `within`, which goodbyes may take; dropped early, it cuts nothing, and the door stays closed.
    ///
    /// A response's body that its owner neither reads nor drops is a request that has not ended.
    ///
    /// ```no_run
    /// # async fn example(client: outlive::Client) {
    /// let cut = client.shutdown(std::time::Duration::from_secs(30)).await;
    /// if !cut.is_nothing() {
    ///     eprintln!("{cut}");
    /// }
    /// # }
    /// ```
    #[must_use = "nothing is waited for unless it is polled"]
    pub fn shutdown(&self, within: Duration) -> impl Future<Output = Leftovers> + Send + 'static {
        let origins = self.close_doors();
        async move {
            let in_time = all(&origins, Origin::emptied);
            // A deadline beyond the clock's end is none.
            match Instant::now().checked_add(within) {
                Some(deadline) => _ = timeout_at(deadline, in_time).await,
                None => in_time.await,
            }
            let mut left = Leftovers::default();
            for origin in &origins {
                let cut = origin.end();
                left.requests += cut.requests;
                left.connections += cut.connections;
            }
            // Each task's own goodbye is limited; this is for those whose runtime has stopped running them.
            _ = timeout(2 * FAREWELL, all(&origins, Origin::left)).await;
            left
        }
    }
}

async fn all(origins: &[Arc<Origin>], is_so: impl AsyncFn(&Origin)) {
    for origin in origins {
        is_so(origin).await;
    }
}
