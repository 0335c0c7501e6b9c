//! The rest of a request's body, once the response has begun (HTTP/2 lets both stream at the same time).
//!
//! Before that, the response's future sends the body as it is polled. Now the caller holds a response body, and need
//! not poll that to make the request go on; so a task does. Invariant: the ticket is with whoever ends last,
//! response or request body, and that one tells that the request is complete. Next: [`crate::response_body`].

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use outlive_core::AttemptId;
use tokio::sync::oneshot;

use crate::outgoing::{BoxError, Outgoing};
use crate::ticket::Ticket;
use crate::upload::Upload;

/// A body that is sent by a task. Dropping this stops it.
pub(crate) struct UploadTask {
    heir: oneshot::Sender<Heir>,
    /// `None` once the body was sent.
    failed: Option<oneshot::Receiver<BoxError>>,
}

/// What the task gets when the response ends first.
struct Heir {
    ticket: Ticket,
    attempt: AttemptId,
}

impl UploadTask {
    /// Spawns the task; `body` is used if the body was not begun yet.
    pub(crate) fn spawn(upload: Upload, body: Option<Outgoing>) -> Self {
        let (heir, inheritance) = oneshot::channel();
        let (failure, failed) = oneshot::channel();
        tokio::spawn(send(upload, body, inheritance, failure));
        Self { heir, failed: Some(failed) }
    }

    /// Ready with the body's own error.
    pub(crate) fn poll_failed(&mut self, cx: &mut Context<'_>) -> Poll<BoxError> {
        let Some(failed) = &mut self.failed else { return Poll::Pending };
        let told = ready!(Pin::new(failed).poll(cx));
        self.failed = None;
        told.map_or(Poll::Pending, Poll::Ready)
    }

    /// The response has ended: the request is complete when its body is.
    pub(crate) fn leave_to(self, ticket: Ticket, attempt: AttemptId) {
        if let Err(Heir { ticket, attempt }) = self.heir.send(Heir { ticket, attempt }) {
            ticket.completed(attempt);
        }
    }
}

async fn send(
    mut upload: Upload,
    mut body: Option<Outgoing>,
    mut inheritance: oneshot::Receiver<Heir>,
    failure: oneshot::Sender<BoxError>,
) {
    let mut heir = None;
    let sent = loop {
        tokio::select! {
            biased;
            sent = poll_fn(|cx| upload.poll(cx, || body.take())) => break sent,
            left = &mut inheritance, if heir.is_none() => match left {
                Ok(left) => heir = Some(left),
                Err(_) => return, // The caller dropped the response; its ticket has told so.
            },
        }
    };
    inheritance.close();
    let heir = heir.or_else(|| inheritance.try_recv().ok());
    match (sent, heir) {
        (Ok(()), Some(Heir { ticket, attempt })) => ticket.completed(attempt),
        (Ok(()), None) => {} // The response's body completes.
        (Err(error), None) => _ = failure.send(error),
        (Err(_), Some(_)) => {} // Dropped, the ticket gives up what is left of the request.
    }
}
