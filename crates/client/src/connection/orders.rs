//! What a connection's task is told: few orders, and rarely one.
//!
//! The task looks for orders whenever it is woken, which is more than once for each request, and nearly never finds one. So
//! looking has to cost little, and an unused connection has to keep little for it: a channel of tokio's costs a look 200
//! instructions and a connection a kilobyte. Invariant: an order that a look does not find wakes the task that looked. Next:
//! [`super::http2`] and [`super::http1`], which follow them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use outlive_core::{AttemptId, ProbeKind};

/// What a connection's task is told. When nobody is left to tell it anything, it says goodbye and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// Ask for proof, behind everything that was sent before.
    Probe(ProbeKind),
    /// Tell when this attempt is done (HTTP/1.1: when the next request can be sent).
    Settle(AttemptId),
    /// End now, without goodbye.
    Cut,
}

/// The origin's end. If the task is gone, its guard tells or has told, and orders go nowhere.
pub(crate) struct Orders(Weak<Shared>);

/// The task's end.
pub(crate) struct Inbox(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    /// `None` is the last: nobody is left to give another.
    orders: VecDeque<Option<Order>>,
    waker: Option<Waker>,
}

/// The two ends.
pub(crate) fn orders() -> (Orders, Inbox) {
    let shared = Arc::<Shared>::default();
    (Orders(Arc::downgrade(&shared)), Inbox(shared))
}

impl Orders {
    pub(crate) fn give(&self, order: Order) {
        self.put(Some(order));
    }

    fn put(&self, order: Option<Order>) {
        let Some(shared) = self.0.upgrade() else { return };
        let mut slot = shared.lock();
        slot.orders.push_back(order);
        let waker = slot.waker.take();
        drop(slot);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.put(None);
    }
}

impl Inbox {
    /// The next order; `None` when there will be no other.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Order>> {
        let mut slot = self.0.lock();
        if let Some(order) = slot.orders.pop_front() {
            return Poll::Ready(order);
        }
        match &mut slot.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) -> Option<Order> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_come_in_turn_and_their_end_last() {
        let (orders, mut inbox) = orders();
        let task = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(order) = inbox.next().await {
                all.push(order);
            }
            all
        });
        for order in [Order::Settle(AttemptId(7)), Order::Cut] {
            orders.give(order);
            tokio::task::yield_now().await;
        }
        drop(orders);
        assert_eq!(task.await.unwrap(), [Order::Settle(AttemptId(7)), Order::Cut]);
    }

    #[test]
    fn an_order_for_a_task_that_is_gone_is_dropped() {
        let (orders, inbox) = orders();
        drop(inbox);
        orders.give(Order::Cut);
    }
}
