//! HTTP/1.1: one request at a time, on hyper's connection.
//!
//! Invariants: the pool hears `Done` only when hyper can take the next request, so it never gives one to a
//! connection that is not ready; and when a connection ends with an attempt out, that attempt's owner tells it,
//! because only the owner learns from hyper whether the request came back unsent. Next: [`crate::sending`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::response::Parts;
use http::{HeaderName, HeaderValue, Version, header};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use outlive_core::AttemptId;

use super::socket::Socket;
use super::{Ending, Guard, Inbox, Order, SendOutcome};
use crate::connect::Transport;
use crate::expect::Gate;
use crate::head::{Form, Head, LastHost};
use crate::head_limits::HeadLimits;
use crate::informational::Relay;
use crate::meter::{Gauge, Meter};
use crate::outgoing::Outgoing;
use crate::sending::{Sending, Wire};
use crate::settings::KEEP_ALIVE_MARGIN;

pub(super) type Bytestream = TokioIo<Meter<Transport>>;

/// The origin's end of an HTTP/1.1 connection.
pub(crate) struct Link {
    sender: SendRequest<Outgoing>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) socket: Option<Socket>,
    limits: HeadLimits,
    form: Form,
    host: LastHost,
    life: Life,
}

/// What a connection that has one stream is doing.
enum Life {
    Idle,
    Busy(AttemptId),
    /// This attempt is complete, and hyper not ready yet.
    Settling(AttemptId),
    /// Ended while this attempt was out, whose owner will tell.
    Ended(AttemptId),
}

impl Link {
    pub(super) fn new(
        sender: SendRequest<Outgoing>,
        gauge: Arc<Gauge>,
        socket: Option<Socket>,
        limits: HeadLimits,
        form: Form,
    ) -> Self {
        Self { sender, gauge, socket, limits, form, host: LastHost::default(), life: Life::Idle }
    }

    pub(super) fn send(&mut self, head: &Head, body: &mut Outgoing, attempt: AttemptId) -> SendOutcome {
        if head.is_extended() {
            return SendOutcome::Invalid(
                "an extended CONNECT needs HTTP/2; this server speaks HTTP/1.1".into(),
            );
        }
        if !self.sender.is_ready() {
            return SendOutcome::TakesNoMore;
        }
        self.life = Life::Busy(attempt);
        let gate = head.expects().then(Gate::default);
        let body = match &gate {
            None => body.take(),
            Some(gate) => body.take().gated(gate.clone()),
        };
        let mut request = head.http1(body, &self.form, &mut self.host);
        let relay = if head.expects() || head.informational().is_some() {
            Some(Relay::attach(&mut request, Arc::clone(&self.gauge), self.limits.informational))
        } else {
            self.gauge.await_head();
            None
        };
        let response = Box::pin(self.sender.try_send_request(request));
        let wire = Wire::Http1 { response, relay, gate };
        let sending = Sending::new(attempt, wire, Arc::clone(&self.gauge), head.ask(), self.limits, None);
        SendOutcome::Sent { sending, stream: None, last: false }
    }

    /// The attempt is complete; whether hyper is ready for another, or for none any more.
    pub(super) fn settles(&mut self, attempt: AttemptId) -> bool {
        match self.life {
            Life::Idle | Life::Ended(_) => true,
            Life::Busy(_) | Life::Settling(_) if self.sender.is_ready() => true,
            Life::Busy(_) | Life::Settling(_) => {
                self.life = Life::Settling(attempt);
                false
            }
        }
    }

    pub(super) fn end(&mut self) -> Ending {
        match self.life {
            Life::Idle => Ending::Clean,
            Life::Settling(attempt) => Ending::Settled(attempt),
            Life::Busy(attempt) | Life::Ended(attempt) => {
                self.life = Life::Ended(attempt);
                Ending::AfterItsAttempt
            }
        }
    }

    /// The attempt is over. `true` if the connection ended before it was.
    pub(super) fn free(&mut self) -> bool {
        match std::mem::replace(&mut self.life, Life::Idle) {
            Life::Ended(_) => true,
            Life::Idle | Life::Busy(_) | Life::Settling(_) => false,
        }
    }

    /// Ready for the next request, or for none any more.
    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sender.poll_ready(cx).map(|_ready_or_closed| ())
    }
}

/// Whether a connection can be used again after a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Persistence {
    /// It ends.
    Ends,
    Stays,
    /// If it is not unused for longer than this.
    StaysFor(Duration),
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// What a response says of it (RFC 9112 section 9.3; RFC 2068 section 19.7.1 for `Keep-Alive`). One walk: a look for each name costs
/// more.
pub(crate) fn persistence(response: &Parts) -> Persistence {
    let is_persistent = response.version >= Version::HTTP_11;
    let mut says_otherwise = false;
    let mut timeout: Option<Duration> = None;
    for (name, field) in &response.headers {
        if *name == header::CONNECTION {
            says_otherwise |= lists(field, if is_persistent { "close" } else { "keep-alive" });
        } else if *name == KEEP_ALIVE {
            timeout = timeout.into_iter().chain(announced_timeout(field)).min();
        }
    }
    match timeout {
        _ if is_persistent == says_otherwise => Persistence::Ends,
        None => Persistence::Stays,
        Some(timeout) => Persistence::StaysFor(timeout - KEEP_ALIVE_MARGIN.min(timeout / 2)),
    }
}

/// Whether a `Connection` field has this option.
fn lists(field: &HeaderValue, option: &str) -> bool {
    let mut options = field.as_bytes().split(|byte| *byte == b',');
    options.any(|said| said.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
}

/// The least `timeout` in a `Keep-Alive` field.
fn announced_timeout(field: &HeaderValue) -> Option<Duration> {
    let parameters = field.to_str().ok()?.split(',');
    let timeouts = parameters.filter_map(|parameter| {
        let (name, seconds) = parameter.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        let seconds = seconds.trim().trim_matches('"').parse::<u32>().ok();
        seconds.filter(|_| is_timeout)
    });
    timeouts.min().map(|seconds| Duration::from_secs(seconds.into()))
}

/// Moves the bytes of one connection until it ends.
pub(super) fn drive(
    guard: &Guard,
    link: Box<Link>,
    connection: Box<Connection<Bytestream, Outgoing>>,
    orders: Inbox,
) -> impl Future<Output = ()> + Send {
    let mut task = Task { connection: Box::pin(connection.with_upgrades()), orders, settling: None };
    async move {
        // hyper is ready for its first request only after its connection was polled once.
        let ended =
            std::future::poll_fn(|cx| Poll::Ready(task.connection.as_mut().poll(cx).is_ready())).await;
        if !guard.connected(super::Link::Http1(link), 1) || ended {
            return;
        }
        std::future::poll_fn(|cx| task.poll(cx, guard)).await;
    }
}

struct Task<C> {
    connection: Pin<Box<C>>,
    orders: Inbox,
    /// The attempt that is complete but for hyper's being ready again.
    settling: Option<AttemptId>,
}

impl<C: Future> Task<C> {
    fn poll(&mut self, cx: &mut Context<'_>, guard: &Guard) -> Poll<()> {
        if self.connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        while let Poll::Ready(order) = self.orders.poll(cx) {
            match order {
                Some(Order::Settle(attempt)) => self.settling = Some(attempt),
                Some(Order::Probe(_)) => {} // HTTP/1.1 has no PING, and the pool knows it.
                Some(Order::Cut) | None => return Poll::Ready(()),
            }
        }
        if let Some(attempt) = self.settling {
            let settled = guard.tell(|ledger, connection| ledger.settle_http1(connection, attempt, cx));
            if settled.is_none_or(|settled| settled.is_ready()) {
                self.settling = None;
            }
        }
        Poll::Pending
    }
}

impl crate::origin::Ledger {
    /// Tells that `attempt` is done once the connection is ready for another; else wakes `cx` then.
    fn settle_http1(
        &mut self,
        connection: outlive_core::ConnectionId,
        attempt: AttemptId,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let settled = self.http1(connection).map_or(Poll::Ready(()), |link| link.poll_settled(cx));
        if settled.is_ready() {
            self.done(attempt);
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;

    #[test]
    fn a_server_says_how_long_it_keeps_a_connection() {
        use Persistence::{Ends, Stays, StaysFor};
        let check = |fields: &[(&str, &str)], expected| {
            let response = fields
                .iter()
                .fold(Response::builder(), |response, (name, value)| response.header(*name, *value));
            assert_eq!(persistence(&response.body(()).unwrap().into_parts().0), expected, "{fields:?}");
        };
        check(&[], Stays);
        check(&[("keep-alive", "timeout=5")], StaysFor(Duration::from_secs(4))); // Node
        check(&[("keep-alive", "max=100, Timeout = \"60\"")], StaysFor(Duration::from_secs(59)));
        check(&[("keep-alive", "timeout=1")], StaysFor(Duration::from_millis(500)));
        check(&[("keep-alive", "timeout=0")], StaysFor(Duration::ZERO));
        check(&[("keep-alive", "timeout=9"), ("keep-alive", "timeout=7")], StaysFor(Duration::from_secs(6)));
        for odd in [
            "",
            "timeout",
            "timeout=",
            "timeout=-1",
            "timeout=soon",
            "timeout=99999999999",
            "max=5",
            "\u{e9}=1",
        ] {
            check(&[("keep-alive", odd)], Stays);
        }
        check(&[("connection", "close"), ("keep-alive", "timeout=5")], Ends);
    }
}
