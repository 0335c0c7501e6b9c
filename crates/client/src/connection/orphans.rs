//! Attempts on an HTTP/2 connection that nobody waits for any more, whose answers may come all the same.
//!
//! A given-up request keeps its stream until it is reset, and resets are paced (promises P2 and P10). Most late answers are only a little
//! late, and end the stream by themselves: then it is free, without a reset, and the peer has shown that it answers. Nobody polls for
//! that any more, so the connection's task looks. (64 workers that gave one request in four up, 7,400 in all, cost 37 dials:
//! the resets could not keep up, and nearly all of those streams had long ended.) Invariant: a stream counts as ended only when
//! both of its halves have, so that dropping its anchor resets nothing. Next: [`super::http2`].

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use h2::client::{PushPromise, PushPromises};
use outlive_core::{AttemptId, ConnectionId};
use tokio::time::{Instant, Sleep};

use super::Guard;
use crate::origin::Ledger;
use crate::settings::ORPHANS_REST;

/// A handle that keeps a stream from being reset. Push is switched off; this is the handle that is good for nothing else.
#[derive(Debug)]
pub(crate) enum Anchor {
    /// Of a request that ended with its head.
    Whole(PushPromises),
    /// Of one whose body may still be on its way.
    Open { promises: PushPromises },
}

/// What has become of a stream that nobody follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Late {
    Pending,
    /// It was answered to the end.
    Answered,
    /// The peer reset it.
    Reset,
}

/// How the peer says that it has not processed a request, and will not.
const REFUSED: h2::Reason = h2::Reason::REFUSED_STREAM;

impl Anchor {
    /// Whether the peer has refused the request.
    pub(crate) fn is_refused(&mut self) -> bool {
        let (Self::Whole(promises) | Self::Open { promises }) = self;
        match peers_end(promises) {
            Poll::Ready(Some(Err(error))) => {
                error.is_remote() && error.is_reset() && error.reason() == Some(REFUSED)
            }
            Poll::Ready(_) | Poll::Pending => false,
        }
    }

    pub(crate) fn late(&mut self) -> Late {
        let Self::Whole(promises) = self else { return Late::Pending };
        match peers_end(promises) {
            Poll::Ready(None) => Late::Answered,
            Poll::Ready(Some(Err(error))) if error.is_reset() && error.is_remote() => Late::Reset,
            Poll::Ready(Some(_)) | Poll::Pending => Late::Pending, // what ends the connection is told elsewhere
        }
    }
}

/// Ready when the peer's half of the stream has ended, with the error that it ended with: no promise can come.
fn peers_end(promises: &mut PushPromises) -> Poll<Option<Result<PushPromise, h2::Error>>> {
    pin!(promises.push_promise()).poll(&mut Context::from_waker(Waker::noop()))
}

/// Those of one connection, as its entry has them.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    list: Vec<AttemptId>,
    /// Whether there are any, for its task.
    any: Arc<AtomicBool>,
}

impl Orphans {
    pub(super) fn add(&mut self, attempt: AttemptId) {
        self.list.push(attempt);
        self.any.store(true, Relaxed);
    }

    fn set(&mut self, list: Vec<AttemptId>) {
        self.any.store(!list.is_empty(), Relaxed);
        self.list = list;
    }

    pub(super) fn lookout(&self) -> Lookout {
        Lookout { any: Arc::clone(&self.any), next: Instant::now(), rest: None }
    }
}

/// The task's side.
pub(super) struct Lookout {
    any: Arc<AtomicBool>,
    next: Instant,
    /// Until then, if something came meanwhile.
    rest: Option<Pin<Box<Sleep>>>,
}

impl Lookout {
    /// Something was read: perhaps a late answer. What comes too soon after another look is looked at when that is over.
    pub(super) fn look(&mut self, cx: &mut Context<'_>, guard: &Guard) {
        if !self.any.load(Relaxed) {
            return;
        }
        if Instant::now() < self.next {
            let rest = self.rest.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.next)));
            if rest.as_mut().poll(cx).is_pending() {
                return;
            }
        }
        self.rest = None;
        self.next = Instant::now() + ORPHANS_REST;
        guard.tell(Ledger::look_after_orphans);
    }
}

impl Ledger {
    /// Nobody waits for these attempts any more.
    pub(crate) fn orphan(&mut self, attempts: impl IntoIterator<Item = AttemptId>) {
        for attempt in attempts {
            if let Some(connection) = self.carrier(attempt) {
                connection.orphaned(attempt);
            }
        }
    }

    fn look_after_orphans(&mut self, connection: ConnectionId) {
        let Some(orphans) = self.orphans(connection) else { return };
        let mut left = std::mem::take(&mut orphans.list);
        let (mut answered, mut reset) = (Vec::new(), Vec::new());
        left.retain(|attempt| match self.late(*attempt) {
            None => false, // it was reset by us
            Some(Late::Pending) => true,
            Some(Late::Answered) => {
                answered.push(*attempt);
                false
            }
            Some(Late::Reset) => {
                reset.push(*attempt);
                false
            }
        });
        if let Some(orphans) = self.orphans(connection) {
            orphans.set(left);
        }
        answered.into_iter().for_each(|attempt| self.answered_late(attempt));
        reset.into_iter().for_each(|attempt| self.failed(attempt));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use h2::client::SendRequest;
    use http::{Request, Response};
    use tokio::io::DuplexStream;

    use super::*;

    type Server = h2::server::Connection<DuplexStream, Bytes>;

    async fn pair() -> (SendRequest<Bytes>, Server) {
        let (near, far) = tokio::io::duplex(1 << 20);
        let (client, server) = tokio::join!(h2::client::handshake(near), h2::server::handshake(far));
        let (sender, connection) = client.unwrap();
        tokio::spawn(connection);
        (sender, server.unwrap())
    }

    fn anchor(promises: PushPromises, has_body: bool) -> Anchor {
        if has_body { Anchor::Open { promises } } else { Anchor::Whole(promises) }
    }

    async fn settle(server: &mut Server) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
            std::future::poll_fn(|cx| Poll::Ready(_ = server.poll_accept(cx))).await;
        }
    }

    /// Whether the server sees the stream reset, once both ends have done all that they can.
    async fn is_reset(server: &mut Server, response: &mut h2::server::SendResponse<Bytes>) -> bool {
        settle(server).await;
        std::future::poll_fn(|cx| Poll::Ready(response.poll_reset(cx).is_ready())).await
    }

    /// What everything here rests on, and what h2 does but does not promise.
    #[tokio::test]
    async fn only_the_last_handle_resets_a_stream() {
        let (mut sender, mut server) = pair().await;
        for has_body in [false, true] {
            let (mut response, stream) = sender.send_request(Request::new(()), !has_body).unwrap();
            let (_, mut answer) = server.accept().await.unwrap().unwrap();
            let promises = response.push_promises();
            let mut anchor = anchor(promises, has_body);
            drop(stream);
            drop(response);
            assert!(!is_reset(&mut server, &mut answer).await, "the anchor holds, has_body {has_body}");
            assert_eq!(anchor.late(), Late::Pending);
            drop(anchor);
            assert!(is_reset(&mut server, &mut answer).await, "nothing holds, has_body {has_body}");
        }
    }

    /// The request's body, if it has one, never ends; then nor does the stream, although it was answered.
    #[tokio::test]
    async fn the_anchor_knows_when_both_halves_have_ended() {
        let (mut sender, mut server) = pair().await;
        for has_body in [false, true] {
            let (mut response, stream) = sender.send_request(Request::new(()), !has_body).unwrap();
            let promises = response.push_promises();
            let mut anchor = anchor(promises, has_body);
            drop((response, stream)); // nobody follows it any more
            let (_, mut answer) = server.accept().await.unwrap().unwrap();
            assert_eq!(anchor.late(), Late::Pending);
            let mut body = answer.send_response(Response::new(()), false).unwrap();
            settle(&mut server).await;
            assert_eq!(anchor.late(), Late::Pending, "its body goes on");
            body.send_data(Bytes::from_static(b"late"), true).unwrap();
            settle(&mut server).await;
            assert_eq!(anchor.late(), if has_body { Late::Pending } else { Late::Answered });
            drop(anchor);
            settle(&mut server).await;
            let is_reset = std::future::poll_fn(|cx| Poll::Ready(body.poll_reset(cx).is_ready())).await;
            assert_eq!(is_reset, has_body);
        }
        let (mut response, stream) = sender.send_request(Request::new(()), true).unwrap();
        let mut anchor = Anchor::Whole(response.push_promises());
        drop((response, stream));
        let (_, mut answer) = server.accept().await.unwrap().unwrap();
        answer.send_reset(h2::Reason::CANCEL);
        settle(&mut server).await;
        assert_eq!(anchor.late(), Late::Reset);
    }

    #[tokio::test]
    async fn the_anchor_of_a_complete_exchange_resets_nothing() {
        let (mut sender, mut server) = pair().await;
        let (mut response, stream) = sender.send_request(Request::new(()), true).unwrap();
        let anchor = Anchor::Whole(response.push_promises());
        drop(stream);
        let (_, mut answer) = server.accept().await.unwrap().unwrap();
        answer.send_response(Response::new(()), true).unwrap();
        assert!(!is_reset(&mut server, &mut answer).await);
        drop(response.await.unwrap());
        drop(anchor);
        assert!(!is_reset(&mut server, &mut answer).await);
    }
}
