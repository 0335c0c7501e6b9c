//! One connection, from dial to close: its entry in the origin's table, and its task.
//!
//! The entry is the origin's end: it sends, and gives the task [`Order`]s. The task moves the bytes and tells what
//! happens. Invariant: however a task ends (a panic or a runtime that shuts down included), its [`Guard`] tells the
//! origin so. Next: [`dial`], where the task begins; [`http1`] and [`http2`], where it lives.

mod dial;
pub(crate) mod http1;
pub(crate) mod http2;
mod jam;
mod orders;
mod orphans;
mod socket;
mod windows;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Version;
use outlive_core::{AttemptId, ConnectionId, Time};

pub use dial::TcpKeepalive;
pub(crate) use dial::{DialError, Phases, Progress, Route, Step, Stopwatch, TcpOptions, Whereabouts};
pub(crate) use orders::{Inbox, Order, Orders, orders};
pub(crate) use orphans::{Anchor, Late, Orphans};

use crate::attempt::Testimony;
use crate::head::Head;
use crate::kernel::{Kernel, Silence};
use crate::meter::Gauge;
use crate::offence::Offence;
use crate::origin::{Ledger, Origin, WeakOrigin};
use crate::outgoing::{BoxError, Outgoing};
use crate::reason::Reason;
use crate::seeing::Standing;
use crate::sending::Sending;

/// A connection as the origin has it.
pub(crate) struct Connection {
    orders: Orders,
    since: Time,
    told_heard: Time,
    /// When proof of life last arrived.
    proven: Option<Time>,
    /// Why it gets no new requests, if it gets none.
    reason: Option<Reason>,
    /// What the kernel said since then. Boxed: it is large, and nearly never asked.
    known: Option<Box<Known>>,
    started: bool,
    address: Option<SocketAddr>,
    /// What observers know of it, and when they were told that it is suspect.
    pub(crate) told: Standing,
    pub(crate) suspect_since: Time,
    /// How many attempts are out on it, and how many ever were.
    carries: u32,
    served: u64,
    link: Link,
}

/// What the kernel said, and when, and what the silence was put down to because of it.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) at: Time,
    pub(crate) kernel: Kernel,
    pub(crate) silence: Option<Silence>,
}

/// The sending end of a connection.
pub(crate) enum Link {
    /// There is none yet; how far its dial has come.
    Dialling(Arc<Progress>),
    Http1(Box<http1::Link>),
    Http2(Box<http2::Link>),
}

/// What came of a sending.
pub(crate) enum SendOutcome {
    /// It is on its way, on this stream (HTTP/2); `last` if the connection can carry no more.
    Sent { sending: Sending, stream: Option<(u32, Anchor)>, last: bool },
    /// Nothing was written: the connection is going away, or gone.
    TakesNoMore,
    /// Nothing was written: the request can't be.
    Invalid(BoxError),
}

/// What is to be done about a connection that ended, before it is told.
pub(crate) enum Ending {
    /// Nothing.
    Clean,
    /// HTTP/2: no stream above this one was ever written.
    Unwritten { above: u32 },
    /// HTTP/1.1: this attempt was complete, and waited only for the connection to be ready again.
    Settled(AttemptId),
    /// HTTP/1.1: nothing is to be told now. The owner of the attempt on it knows whether the request came back unsent.
    AfterItsAttempt,
}

impl Connection {
    pub(crate) fn dialling(orders: Orders, progress: Arc<Progress>, now: Time) -> Self {
        Self {
            orders,
            since: now,
            told_heard: now,
            proven: None,
            reason: None,
            known: None,
            address: None,
            started: false,
            told: Standing::Dialling,
            suspect_since: now,
            carries: 0,
            served: 0,
            link: Link::Dialling(progress),
        }
    }

    pub(crate) fn connected(&mut self, link: Link, now: Time) {
        (self.link, self.since, self.told_heard) = (link, now, now);
        self.told = self.standing();
    }

    /// It is being dialled from now on, to this address if that is known.
    pub(crate) fn starts(&mut self, address: Option<SocketAddr>) {
        (self.address, self.started) = (address, true);
    }

    /// Whether that was so: before, it waits for a name to be resolved.
    pub(crate) fn has_started(&self) -> bool {
        self.started
    }

    /// How far its dial has come, if that is under way.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        match &self.link {
            Link::Dialling(progress) => Some(progress),
            Link::Http1(_) | Link::Http2(_) => None,
        }
    }

    /// It proved that it is alive.
    pub(crate) fn proved(&mut self, now: Time) {
        (self.proven, self.known) = (Some(now), None);
    }

    /// The doubt is over.
    pub(crate) fn cleared(&mut self) {
        self.reason = self.reason.filter(|reason| *reason != Reason::Silent);
    }

    /// It gets no new requests from now on. What comes after the first reason is its consequence; only doubt is no reason.
    pub(crate) fn left(&mut self, reason: Reason) {
        match self.reason {
            None | Some(Reason::Silent) => self.reason = Some(reason),
            Some(_) => {}
        }
    }

    /// What it is good for.
    pub(crate) fn standing(&self) -> Standing {
        match (&self.link, self.reason) {
            (Link::Dialling(_), _) => Standing::Dialling,
            (Link::Http1(_) | Link::Http2(_), None) => Standing::Alive,
            (Link::Http1(_) | Link::Http2(_), Some(Reason::Silent)) => Standing::Suspect,
            (Link::Http1(_) | Link::Http2(_), Some(_)) => Standing::Draining,
        }
    }

    /// One more attempt is out on it; how many now.
    pub(crate) fn carry(&mut self) -> u32 {
        self.served += 1;
        self.carries += 1;
        self.carries
    }

    /// One is over; how many are left.
    pub(crate) fn put_down(&mut self) -> u32 {
        self.carries = self.carries.saturating_sub(1);
        self.carries
    }

    /// Whether an attempt is out on it.
    pub(crate) fn is_carrying(&self) -> bool {
        self.carries > 0
    }

    /// How many attempts were ever sent on it.
    pub(crate) fn served(&self) -> u64 {
        self.served
    }

    fn gauge(&self) -> Option<&Gauge> {
        match &self.link {
            Link::Dialling(_) => None,
            Link::Http1(link) => Some(&link.gauge),
            Link::Http2(link) => Some(&link.gauge),
        }
    }

    /// Asks the kernel, where it can be asked. A system call.
    pub(crate) fn look(&self) -> Option<Kernel> {
        let socket = match &self.link {
            Link::Dialling(_) => None,
            Link::Http1(link) => link.socket.as_ref(),
            Link::Http2(link) => link.socket.as_ref(),
        };
        socket?.look()
    }

    /// Notes what it said.
    pub(crate) fn knows(&mut self, known: Known) {
        self.known = Some(Box::new(known));
    }

    pub(crate) fn known_at(&self) -> Option<Time> {
        self.known.as_ref().map(|known| known.at)
    }

    /// Whether its peer can be asked for proof of life.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.link.can_probe()
    }

    /// What its silence is put down to: of one that can be asked, only if it was left for it.
    pub(crate) fn blames(&self, silence: Option<Silence>) -> Option<Silence> {
        let is_left = matches!(self.reason, Some(Reason::Silent | Reason::Dead));
        silence.filter(|_| is_left || !self.can_be_asked())
    }

    /// Bytes read and written.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        self.gauge().map_or((0, 0), Gauge::bytes)
    }

    /// When a byte was last read.
    pub(crate) fn heard_at(&self) -> Option<Time> {
        self.gauge().map(Gauge::heard_at)
    }

    /// What it speaks, once it is open.
    pub(crate) fn version(&self) -> Option<Version> {
        match &self.link {
            Link::Dialling(_) => None,
            Link::Http1(_) => Some(Version::HTTP_11),
            Link::Http2(_) => Some(Version::HTTP_2),
        }
    }

    /// What is known of it at the end of an attempt on it.
    pub(crate) fn testimony(&self, now: Time) -> Testimony {
        let proven = self.proven.map(|at| Duration::from_micros(now.since(at).as_micros()));
        let kernel = self.known.as_ref().map(|known| known.kernel);
        let silence = self.blames(self.known.as_ref().and_then(|known| known.silence));
        Testimony { address: self.address, proven, reason: self.reason, silence, kernel }
    }

    pub(crate) fn since(&self) -> Time {
        self.since
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.give(order);
    }

    pub(crate) fn send(&mut self, head: &Head, body: &mut Outgoing, attempt: AttemptId) -> SendOutcome {
        match &mut self.link {
            Link::Dialling(_) => SendOutcome::TakesNoMore,
            Link::Http1(link) => link.send(head, body, attempt),
            Link::Http2(link) => link.send(head, body, attempt),
        }
    }

    /// When a byte was last read, if that was not told before.
    pub(crate) fn newly_heard(&mut self) -> Option<Time> {
        let heard = self.heard_at()?;
        let newly = heard > self.told_heard;
        self.told_heard = heard;
        newly.then_some(heard)
    }

    /// What the peer did that the connection could not go on after.
    pub(crate) fn offence(&self) -> Option<Offence> {
        match &self.link {
            Link::Dialling(_) => None,
            Link::Http1(link) => link.gauge.offence(),
            Link::Http2(link) => link.gauge.offence(),
        }
    }

    /// Everything up to `stream` has arrived. The last attempt that this was news about.
    pub(crate) fn proven_through(&mut self, stream: u32) -> Option<AttemptId> {
        match &mut self.link {
            Link::Http2(link) => link.proven_through(stream),
            Link::Dialling(_) | Link::Http1(_) => None,
        }
    }

    /// The attempt is complete. Whether that can be told: if not, the connection's task will, once it is ready again.
    pub(crate) fn settles(&mut self, attempt: AttemptId) -> bool {
        let settled = match &mut self.link {
            Link::Http1(link) => link.settles(attempt),
            Link::Dialling(_) | Link::Http2(_) => true,
        };
        if !settled {
            self.order(Order::Settle(attempt));
        }
        settled
    }

    pub(crate) fn end(&mut self) -> Ending {
        match &mut self.link {
            Link::Dialling(_) => Ending::Clean,
            Link::Http1(link) => link.end(),
            Link::Http2(link) => Ending::Unwritten { above: link.gauge.opened() },
        }
    }

    /// An attempt needs the connection no more. `true` if the connection has ended meanwhile.
    pub(crate) fn free(&mut self) -> bool {
        match &mut self.link {
            Link::Http1(link) => link.free(),
            Link::Dialling(_) | Link::Http2(_) => false,
        }
    }

    pub(crate) fn is_dialling(&self) -> bool {
        matches!(self.link, Link::Dialling(_))
    }

    /// Nobody waits for this attempt on it any more.
    pub(crate) fn orphaned(&mut self, attempt: AttemptId) {
        if let Some(orphans) = self.orphans() {
            orphans.add(attempt);
        }
    }

    /// Those that nobody waits for, where they can go on (HTTP/2).
    pub(crate) fn orphans(&mut self) -> Option<&mut Orphans> {
        match &mut self.link {
            Link::Http2(link) => Some(&mut link.orphans),
            Link::Dialling(_) | Link::Http1(_) => None,
        }
    }

    /// HTTP/1.1's end, for its task.
    pub(crate) fn http1(&mut self) -> Option<&mut http1::Link> {
        match &mut self.link {
            Link::Http1(link) => Some(link),
            Link::Dialling(_) | Link::Http2(_) => None,
        }
    }
}

impl Link {
    /// Whether proof of life can be asked for.
    pub(crate) fn can_probe(&self) -> bool {
        match self {
            Self::Http2(_) => true,
            Self::Dialling(_) | Self::Http1(_) => false,
        }
    }
}

/// The task of one connection, from dial to close. What it holds is held for as long as the connection lives: so what only the
/// dial needs is in a box that goes with it, and this is no `async fn`, which would hold its arguments beside what becomes of them.
pub(crate) fn run(
    guard: Guard,
    address: Option<SocketAddr>,
    progress: Arc<Progress>,
    mut orders: Inbox,
) -> impl Future<Output = ()> + Send {
    let mut dial = Box::pin(dial(guard.origin.clone(), guard.connection, address, progress));
    async move {
        let dialled = tokio::select! {
            biased;
            // The only orders before there is a connection are to give it up.
            _ = orders.next() => None,
            dialled = &mut dial => dialled,
        };
        drop(dial);
        match guard.opened(dialled) {
            Some(dial::Dialled::Http1(link, connection)) => {
                http1::drive(&guard, link, connection, orders).await;
            }
            Some(dial::Dialled::Http2(link, connection, max_streams)) => {
                let begun = http2::Task::begin(&guard, link, connection, orders, max_streams);
                let Some(mut task) = begun.await else { return };
                let end = std::future::poll_fn(|cx| task.poll(cx, &guard)).await;
                Box::pin(task.end(&guard, end)).await;
            }
            None => {}
        }
    }
}

/// `None` when nobody is left who could want it.
async fn dial(
    origin: WeakOrigin,
    connection: ConnectionId,
    address: Option<SocketAddr>,
    progress: Arc<Progress>,
) -> Option<Result<dial::Dialled, DialError>> {
    let origin = origin.upgrade()?;
    let (name, settings, clock) = (origin.name.clone(), origin.settings.clone(), origin.clock);
    let (route, earlier) = (origin.route.clone(), connection.0);
    drop(origin); // It may go while this is under way.
    let dial =
        dial::Dial { name: &name, route: &route, address, earlier, settings: &settings, progress, clock };
    Some(dial.run().await)
}

/// Tells the origin how a connection ended, whatever ends its task.
pub(crate) struct Guard {
    origin: WeakOrigin,
    connection: ConnectionId,
}

impl Guard {
    pub(crate) fn new(origin: &Arc<Origin>, connection: ConnectionId) -> Self {
        origin.task_begins();
        Self { origin: Arc::downgrade(origin), connection }
    }

    /// One of an origin that is gone.
    #[cfg(test)]
    pub(crate) fn of_nobody() -> Self {
        Self { origin: WeakOrigin::new(), connection: ConnectionId(0) }
    }

    /// Tells a fact about this connection. `None` when there is nobody to tell.
    pub(crate) fn tell<R>(&self, fact: impl FnOnce(&mut Ledger, ConnectionId) -> R) -> Option<R> {
        let origin = self.origin.upgrade()?;
        Some(Origin::with(&origin, |ledger| fact(ledger, self.connection)))
    }

    /// Tells of a dial that failed. What came of one that did not.
    fn opened(&self, dialled: Option<Result<dial::Dialled, DialError>>) -> Option<dial::Dialled> {
        match dialled? {
            Ok(dialled) => Some(dialled),
            Err(error) => {
                self.tell(|ledger, connection| ledger.dial_failed(connection, error));
                None
            }
        }
    }

    /// Tells that the connection is ready. `false` when nobody wants it any more.
    fn connected(&self, link: Link, streams: u32) -> bool {
        self.tell(|ledger, connection| ledger.connected(connection, link, streams)).unwrap_or(false)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.tell(Ledger::task_ended);
        if let Some(origin) = self.origin.upgrade() {
            origin.task_ended();
        }
    }
}
