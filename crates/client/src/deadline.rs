//! The caller's timeout, for the whole of a request: from the first poll to the end of the response's body.
//!
//! Invariant: a timeout closes nothing; it is a fact about the caller, not about the connection. Next:
//! [`crate::response_future`] and [`crate::response_body`], which it interrupts.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

/// A request's own timeout, in place of the client's: put it into the request's extensions.
///
/// ```
/// # use std::time::Duration;
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(outlive::RequestTimeout(Duration::from_millis(10)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestTimeout(
    /// From the first poll of the response's future to the end of the response's body.
    pub Duration,
);

/// When the caller gives up; never, if it said nothing.
pub(crate) struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout))))
    }

    pub(crate) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
