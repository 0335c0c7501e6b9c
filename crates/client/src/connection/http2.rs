//! HTTP/2: many streams, on the `h2` crate.
//!
//! h2 resets a stream when the last handle of it is dropped, and not before. So the origin keeps one, the
//! [`Anchor`], for as long as the pool counts the stream. Invariant: no RST_STREAM is sent because a caller dropped
//! something, only because the pool decided it (promises P2 and P10). Next: [`crate::meter`], which sees what h2
//! does not tell.

use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use h2::{Ping, PingPong};
use outlive_core::{AttemptId, ProbeKind};

use super::jam::Jam;
use super::orphans::{Anchor, Lookout, Orphans};
use super::socket::Socket;
use super::windows::Windows;
use super::{Guard, Inbox, Order, SendOutcome};
use crate::connect::Transport;
use crate::error::{Cause, ErrorKind};
use crate::head::Head;
use crate::head_limits::HeadLimits;
use crate::meter::{Gauge, Meter};
use crate::outgoing::Outgoing;
use crate::sending::{Sending, Wire};
use crate::settings::{FAREWELL, SETTINGS_WAIT};
use crate::upload::Upload;

type H2 = Box<Connection<Meter<Transport>, Bytes>>;

/// The origin's end of an HTTP/2 connection.
pub(crate) struct Link {
    sender: SendRequest<Bytes>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) socket: Option<Socket>,
    limits: HeadLimits,
    /// Streams sent since the last one known to have arrived.
    unproven: VecDeque<(u32, AttemptId)>,
    pub(super) orphans: Orphans,
}

/// Stream ids end at 2^31 - 1 (RFC 9113 section 5.1.1).
const LAST_STREAM: u32 = 0x7fff_fffd;

impl Link {
    pub(super) fn new(
        sender: SendRequest<Bytes>,
        gauge: Arc<Gauge>,
        socket: Option<Socket>,
        limits: HeadLimits,
    ) -> Self {
        // One at a time is most of the time enough, and a queue's usual room is four.
        let unproven = VecDeque::with_capacity(1);
        Self { sender, gauge, socket, limits, unproven, orphans: Orphans::default() }
    }

    pub(super) fn send(&mut self, head: &Head, body: &mut Outgoing, attempt: AttemptId) -> SendOutcome {
        if let Some(why) = self.objection(head) {
            return SendOutcome::Invalid(why.into());
        }
        if head.is_extended() && !self.gauge.settings_read() {
            // The server has not said yet whether it takes them. Another connection waits for that word before it is used.
            return SendOutcome::TakesNoMore;
        }
        let end = body.is_empty() && !head.is_connect();
        let waits = head.expects() || head.informational().is_some();
        let unclear = (!waits).then(|| self.gauge.unclear_heads());
        let mut sent = self.sender.send_request(head.http2(), end);
        if sent.as_ref().is_err_and(is_callers_fault) {
            // Or h2's own back pressure, of which each clone has its own; the pool counts better.
            self.sender = self.sender.clone();
            sent = self.sender.send_request(head.http2(), end);
        }
        let (mut response, stream) = match sent {
            Ok(handles) => handles,
            Err(error) if is_callers_fault(&error) => return SendOutcome::Invalid(error.into()),
            Err(_) => return SendOutcome::TakesNoMore,
        };
        let id = stream.stream_id().as_u32();
        self.unproven.push_back((id, attempt));
        let promises = response.push_promises();
        let (anchor, upload, tunnel) = if end {
            (Anchor::Whole(promises), None, None)
        } else if head.is_connect() {
            (Anchor::Open { promises }, None, Some(Box::new(stream)))
        } else {
            (Anchor::Open { promises }, Some(Box::new(Upload::new(stream))), None)
        };
        let wire = Wire::Http2 { response, upload, tunnel };
        SendOutcome::Sent {
            sending: Sending::new(attempt, wire, Arc::clone(&self.gauge), head.ask(), self.limits, unclear),
            stream: Some((id, anchor)),
            last: id >= LAST_STREAM,
        }
    }

    /// Why a request can't be sent here, if it can't.
    fn objection(&self, head: &Head) -> Option<&'static str> {
        if head.is_upgrade() {
            // RFC 9113 section 8.6.
            return Some(
                "an Upgrade needs HTTP/1.1 (Protocol::Http1); HTTP/2 has CONNECT with a ConnectProtocol",
            );
        }
        let declines = || self.gauge.settings_read() && !self.sender.is_extended_connect_protocol_enabled();
        (head.is_extended() && declines()).then_some("the server takes no extended CONNECT (RFC 8441)")
    }

    pub(super) fn proven_through(&mut self, stream: u32) -> Option<AttemptId> {
        let proven = self.unproven.iter().take_while(|(unproven, _)| *unproven <= stream).count();
        self.unproven.drain(..proven).next_back().map(|(_, attempt)| attempt)
    }
}

/// Neither the network's nor the peer's.
fn is_callers_fault(error: &h2::Error) -> bool {
    !error.is_io() && !error.is_go_away() && !error.is_reset()
}

/// Whom to blame for a connection's end.
fn cause(error: h2::Error) -> Cause {
    // That h2 ended it itself is the peer's fault: it broke the protocol. And a GOAWAY with an error is its own decision.
    let kind = if error.is_io() { ErrorKind::Lost } else { ErrorKind::Peer };
    Cause { kind, error: Arc::new(error) }
}

/// The smaller of the peer's limit of streams and the user's.
fn allowed(connection: &H2, max_streams: u32) -> u32 {
    u32::try_from(connection.max_concurrent_send_streams()).unwrap_or(u32::MAX).min(max_streams)
}

/// Moves the bytes of one connection until it ends.
pub(super) struct Task {
    connection: H2,
    /// `None` as long as nothing was asked: with it, h2 looks for a PING to send before each frame that it reads.
    ping: Option<PingPong>,
    /// How many SETTINGS were sent: the first by h2 at the start, each further one to ask for proof.
    settings: u32,
    /// The one whose answer is asked for.
    awaited: Option<u32>,
    orders: Inbox,
    gauge: Arc<Gauge>,
    jam: Jam,
    lookout: Lookout,
    windows: Windows,
    streams: u32,
    max_streams: u32,
}

pub(super) enum End {
    Closed(Option<Cause>),
    Cut,
    Unwanted,
}

impl Task {
    /// Has the connection used. `None` if it has ended, or nobody wants it any more.
    pub(super) fn begin(
        guard: &Guard,
        link: Box<Link>,
        mut connection: H2,
        orders: Inbox,
        max_streams: u32,
    ) -> impl Future<Output = Option<Self>> + Send {
        let gauge = Arc::clone(&link.gauge);
        async move {
            if guard.tell(|ledger, _| ledger.awaits_settings()) == Some(true) {
                // However it ends, the connection is used: for the rest there is no need of that word.
                let word = std::future::poll_fn(|cx| {
                    let ended = Pin::new(&mut connection).poll(cx).is_ready();
                    if ended || gauge.settings_read() { Poll::Ready(ended) } else { Poll::Pending }
                });
                // Boxed: most connections live without.
                if Box::pin(tokio::time::timeout(SETTINGS_WAIT, word)).await == Ok(true) {
                    return None;
                }
            }
            let streams = allowed(&connection, max_streams);
            let lookout = link.orphans.lookout();
            let is_wanted = guard.connected(super::Link::Http2(link), streams);
            is_wanted.then(|| Self::new(connection, orders, gauge, lookout, max_streams))
        }
    }

    /// Does what is left to do.
    pub(super) async fn end(self, guard: &Guard, end: End) {
        drop(self.orders);
        match end {
            End::Closed(cause) => {
                // Answers that came with the end are taken first.
                tokio::task::yield_now().await;
                guard.tell(|ledger, connection| ledger.ended(connection, cause));
            }
            End::Cut => {}
            End::Unwanted => _ = tokio::time::timeout(FAREWELL, self.connection).await,
        }
    }

    fn new(connection: H2, orders: Inbox, gauge: Arc<Gauge>, lookout: Lookout, max_streams: u32) -> Self {
        let streams = allowed(&connection, max_streams);
        let (jam, windows) = (Jam::default(), Windows::new(&gauge));
        Self {
            connection,
            ping: None,
            settings: 1,
            awaited: None,
            orders,
            gauge,
            jam,
            lookout,
            windows,
            streams,
            max_streams,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, guard: &Guard) -> Poll<End> {
        loop {
            // First the bytes: what was sent before an order is written before the order is followed.
            let closed = Pin::new(&mut self.connection).poll(cx);
            self.tell_what_was_read(guard);
            self.lookout.look(cx, guard);
            if let Poll::Ready(closed) = closed {
                return Poll::Ready(End::Closed(closed.err().map(cause)));
            }
            let ponged = self.ping.as_mut().map(|ping| ping.poll_pong(cx));
            if let Some(Poll::Ready(Ok(_))) = ponged {
                guard.tell(|ledger, connection| ledger.proven(connection, self.gauge.ping_covers()));
                continue;
            }
            if self.awaited.is_some_and(|awaited| self.gauge.settings_acks() >= awaited) {
                self.awaited = None;
                guard.tell(|ledger, connection| ledger.proven(connection, self.gauge.settings_covers()));
                continue;
            }
            if let Poll::Ready(writable) = self.jam.poll(cx, &self.gauge) {
                guard.tell(|ledger, connection| ledger.writable(connection, writable));
            }
            match self.orders.poll(cx) {
                Poll::Ready(Some(Order::Probe(ProbeKind::Ping))) => self.send_ping(),
                Poll::Ready(Some(Order::Probe(ProbeKind::Settings))) => self.send_settings(),
                Poll::Ready(Some(Order::Settle(_))) => {} // HTTP/1.1's.
                Poll::Ready(Some(Order::Cut)) => return Poll::Ready(End::Cut),
                Poll::Ready(None) => return Poll::Ready(End::Unwanted),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Lets the peer send more at a time where the path carries more.
    fn open_windows(&mut self) {
        let Some(window) = self.windows.wanted(&self.gauge) else { return };
        // h2 refuses while other SETTINGS are out; there will be another occasion.
        if self.connection.set_initial_window_size(window).is_ok() {
            self.settings += 1;
            self.windows.open(window);
            self.connection.set_target_window_size(self.windows.connection());
        }
    }

    /// Asks with a PING. One at a time; if one is out, its answer is what is asked for.
    fn send_ping(&mut self) {
        if self.ping.is_none() {
            self.ping = self.connection.ping_pong();
        }
        if let Some(ping) = &mut self.ping {
            _ = ping.send_ping(Ping::opaque());
        }
    }

    /// Asks with a SETTINGS frame: a window that is one byte smaller, or that of before again.
    fn send_settings(&mut self) {
        let window = self.windows.stream() - self.settings % 2;
        // One at a time here too: h2 refuses another while one is out, and that one's answer is what is asked for.
        if self.connection.set_initial_window_size(window).is_ok() {
            self.settings += 1;
        }
        self.awaited = Some(self.settings);
    }

    fn tell_what_was_read(&mut self, guard: &Guard) {
        self.open_windows();
        // Not only when SETTINGS were read: h2 applies them when it can write their acknowledgement.
        let streams = allowed(&self.connection, self.max_streams);
        if streams != self.streams {
            self.streams = streams;
            guard.tell(|ledger, connection| ledger.limited(connection, streams));
        }
        if let Some(goaway) = self.gauge.take_goaway() {
            guard.tell(|ledger, connection| ledger.gone_away(connection, goaway));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
    use tokio::time::Instant;

    use crate::clock::Clock;
    use crate::settings::{CONNECTION_WINDOW, STREAM_WINDOW, STREAM_WINDOW_MAX};

    /// A path with a delay each way and all the bandwidth there is. Tells how many bytes are on the way back.
    fn path(delay: Duration) -> (DuplexStream, DuplexStream, Arc<AtomicUsize>) {
        const ROOM: usize = 64 << 20;
        let ((near, a), (b, far)) = (tokio::io::duplex(ROOM), tokio::io::duplex(ROOM));
        let ((a_in, a_out), (b_in, b_out)) = (tokio::io::split(a), tokio::io::split(b));
        let under_way = Arc::new(AtomicUsize::new(0));
        tokio::spawn(carry(a_in, b_out, delay, Arc::default()));
        tokio::spawn(carry(b_in, a_out, delay, Arc::clone(&under_way)));
        (near, far, under_way)
    }

    async fn carry(
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin + Send + 'static,
        delay: Duration,
        under_way: Arc<AtomicUsize>,
    ) {
        let (give, mut carried) = tokio::sync::mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        let count = Arc::clone(&under_way);
        tokio::spawn(async move {
            while let Some((due, bytes)) = carried.recv().await {
                tokio::time::sleep_until(due).await;
                count.fetch_sub(bytes.len(), SeqCst);
                to.write_all(&bytes).await.unwrap();
            }
        });
        let mut bytes = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            under_way.fetch_add(length, SeqCst);
            give.send((Instant::now() + delay, bytes[..length].to_vec())).unwrap();
        }
    }

    /// A connection's task over a path of 50 ms there and back, and the server at its end.
    async fn far_away()
    -> (SendRequest<Bytes>, Task, h2::server::Connection<DuplexStream, Bytes>, Arc<AtomicUsize>) {
        let (near, far, under_way) = path(Duration::from_millis(25));
        let meter = Meter::http2(Box::new(near) as Transport, Clock::start());
        let gauge = meter.gauge();
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let (client, server) = tokio::join!(builder.handshake(meter), h2::server::handshake(far));
        let (sender, connection) = client.unwrap();
        let (orders, inbox) = crate::connection::orders();
        // As long as the sender lives, the task does.
        std::mem::forget(orders);
        (
            sender,
            Task::new(Box::new(connection), inbox, gauge, Orphans::default().lookout(), 100),
            server.unwrap(),
            under_way,
        )
    }

    /// Answers everything with bytes without end, at most so many at a time, every so often.
    async fn flood(mut server: h2::server::Connection<DuplexStream, Bytes>, chunk: usize, every: Duration) {
        while let Some(Ok((_, mut answer))) = server.accept().await {
            let mut stream = answer.send_response(Response::new(()), false).unwrap();
            tokio::spawn(async move {
                loop {
                    stream.reserve_capacity(chunk);
                    let Some(Ok(room)) = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await else {
                        return;
                    };
                    if stream.send_data(vec![b'x'; room.min(chunk)].into(), false).is_err() {
                        return;
                    }
                    if !every.is_zero() {
                        tokio::time::sleep(every).await;
                    }
                }
            });
        }
    }

    /// Downloads for some seconds of paused time. The window then, the most bytes that were on the way to us, and how many came
    /// in the last second.
    async fn download(chunk: usize, every: Duration) -> (u32, usize, usize) {
        let (mut sender, mut task, server, under_way) = far_away().await;
        tokio::spawn(flood(server, chunk, every));
        let (response, _stream) = sender.send_request(Request::new(()), true).unwrap();
        let guard = Guard::of_nobody();
        let (mut most, mut last) = (0, 0);
        let reading = async {
            let mut body = response.await.unwrap().into_body();
            let begun = Instant::now();
            while let Some(Ok(data)) = body.data().await {
                body.flow_control().release_capacity(data.len()).unwrap();
                most = most.max(under_way.load(SeqCst));
                match begun.elapsed().as_secs() {
                    0..3 => {}
                    3 => last += data.len(),
                    _ => return,
                }
            }
        };
        tokio::select! {
            () = reading => {}
            _ = std::future::poll_fn(|cx| task.poll(cx, &guard)) => panic!("the connection ended"),
        }
        (task.windows.stream(), most, last)
    }

    #[tokio::test(start_paused = true)]
    async fn one_stream_fills_a_gigabit_at_fifty_milliseconds() {
        let (window, most, last_second) = download(1 << 20, Duration::ZERO).await;
        assert!(last_second > 125_000_000, "{last_second} bytes in a second, window {window}");
        // On a path without end the window grows to its end, and no further.
        assert_eq!(window, STREAM_WINDOW_MAX);
        assert!(most <= STREAM_WINDOW_MAX as usize * 5 / 4, "{most} bytes under way");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_needs_no_window_gets_none() {
        // 10 KB every 10 ms: 1 MB/s, of which 50 KB are under way.
        let (window, most, last_second) = download(10_000, Duration::from_millis(10)).await;
        assert!((500_000..1_100_000).contains(&last_second), "{last_second}");
        assert_eq!(window, STREAM_WINDOW);
        assert!(most < STREAM_WINDOW as usize / 2, "{most} bytes under way");
    }

    /// Asking by SETTINGS and opening windows share one mechanism of h2: neither loses the other's.
    #[tokio::test(start_paused = true)]
    async fn asking_by_settings_goes_on_while_windows_open() {
        let (mut sender, mut task, server, _) = far_away().await;
        tokio::spawn(flood(server, 1 << 20, Duration::ZERO));
        let (response, _stream) = sender.send_request(Request::new(()), true).unwrap();
        let guard = Guard::of_nobody();
        let (ask, inbox) = crate::connection::orders();
        task.orders = inbox;
        let gauge = Arc::clone(&task.gauge);
        let reading = async {
            let mut body = response.await.unwrap().into_body();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(3) {
                let data = body.data().await.unwrap().unwrap();
                body.flow_control().release_capacity(data.len()).unwrap();
                ask.give(Order::Probe(ProbeKind::Settings));
            }
        };
        tokio::select! {
            () = reading => {}
            _ = std::future::poll_fn(|cx| task.poll(cx, &guard)) => panic!("the connection ended"),
        }
        assert!(task.windows.stream() > STREAM_WINDOW, "windows open");
        assert!(gauge.settings_acks() + 1 >= task.settings, "and all that was asked was answered");
    }
}
