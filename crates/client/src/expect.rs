//! `Expect: 100-continue`: a request's body waits for the server's word (RFC 9110 section 10.1.1).
//!
//! Invariant: a body that waits has not been touched; it goes when `100 Continue` has come or the wait is over, and never once
//! the response is there. Next: [`crate::sending`], which waits.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Sleep;

/// How long a request with `Expect: 100-continue` holds its body back while the server says nothing; then the body is sent
/// (RFC 9110 section 10.1.1: servers before HTTP/1.1 and those that ignore the expectation say nothing). For a client with
/// [`Builder::continue_wait`]; for a single request as an extension. Default: 1 s.
///
/// A final response that comes first is the answer, and the body is not sent. Over HTTP/1.1 the connection is closed after
/// that response, over HTTP/2 the stream is reset.
///
/// [`Builder::continue_wait`]: crate::Builder::continue_wait
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContinueWait(
    /// From the request's being sent.
    pub Duration,
);

/// A body that waits for the server's word.
pub(crate) struct Hold {
    wait: Pin<Box<Sleep>>,
    /// HTTP/1.1: hyper has the body, and this keeps it from being read.
    gate: Option<Gate>,
}

/// What a body that hyper has waits at.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    open: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Hold {
    pub(crate) fn new(wait: Duration, gate: Option<Gate>) -> Self {
        Self { wait: Box::pin(tokio::time::sleep(wait)), gate }
    }

    /// Ready when the server has said nothing for long enough.
    pub(crate) fn poll_waited(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wait.as_mut().poll(cx)
    }

    /// The body may go.
    pub(crate) fn release(self) {
        if let Some(gate) = self.gate {
            gate.open();
        }
    }
}

impl Gate {
    fn open(&self) {
        self.0.open.store(true, Ordering::Release);
        let waker = self.0.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.0.open.load(Ordering::Acquire) {
            *self.0.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            // It may have been opened just before the waker was there.
            if !self.0.open.load(Ordering::Acquire) {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}
