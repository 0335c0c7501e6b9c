//! Sits between the protocol and the transport, and notes what passes.
//!
//! Bytes must not take a lock each, so the [`Meter`] writes plain atomic numbers into a [`Gauge`], which the
//! connection's task and the origin read when they have something to decide. Invariant: only bytes that the
//! transport accepted count as written; a request above [`Gauge::opened`] was never sent. Next:
//! [`crate::connection::http2`].

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use outlive_core::{Span, Time};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::chatter::Chatter;
use crate::clock::Clock;
use crate::frames::{Frame, Walk};
use crate::informational::Heads;
use crate::offence::Offence;
use crate::settings::LAST_WORDS;

/// What the meter of one connection has noted.
///
/// The numbers guard no other memory, so their order among each other does not matter (`Relaxed`), except as the
/// connection's task sees them, which is the one that moves the bytes. What that task alone writes, and often, it loads and
/// stores: to add in one step would cost as much as a lock.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    heard_at: AtomicU64,
    /// Bytes read and written, modulo 2^64.
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    opened: AtomicU32,
    ping_covers: AtomicU32,
    settings_covers: AtomicU32,
    settings_acks: AtomicU32,
    settings_read: AtomicBool,
    unclear_heads: AtomicU32,
    goaway_read: AtomicBool,
    goaway_last: AtomicU32,
    goaway_calm: AtomicBool,
    /// An [`Offence`] as a number, 0 for none.
    offence: AtomicU64,
    ended: AtomicBool,
    /// HTTP/1.1: what is read next is the head of a response, informational ones before it.
    awaits_head: AtomicBool,
    /// Since when the transport has taken no bytes although there are some, in microseconds plus one; 0 if it takes them.
    blocked: AtomicU64,
    /// The shortest round trip seen, in microseconds; 0 if none.
    round_trip: AtomicU64,
}

/// A GOAWAY that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GoneAway {
    /// Streams above this were not and will not be processed.
    pub(crate) last: u32,
    /// Whether the peer complained of being asked too much (`ENHANCE_YOUR_CALM`).
    pub(crate) calm: bool,
}

impl Gauge {
    /// When the last byte was read.
    pub(crate) fn heard_at(&self) -> Time {
        Time::from_micros(self.heard_at.load(Relaxed))
    }

    /// Bytes read and written.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.bytes_in.load(Relaxed), self.bytes_out.load(Relaxed))
    }

    /// The highest stream whose HEADERS were written, 0 if none.
    pub(crate) fn opened(&self) -> u32 {
        self.opened.load(Relaxed)
    }

    /// The highest stream whose HEADERS had been written when our last PING was: its answer proves those, and nothing
    /// later. (h2 writes it ahead of HEADERS that are still queued.) One is out at a time.
    pub(crate) fn ping_covers(&self) -> u32 {
        self.ping_covers.load(Relaxed)
    }

    /// The same of our last SETTINGS.
    pub(crate) fn settings_covers(&self) -> u32 {
        self.settings_covers.load(Relaxed)
    }

    /// How many of our SETTINGS were answered.
    pub(crate) fn settings_acks(&self) -> u32 {
        self.settings_acks.load(Relaxed)
    }

    /// Whether the peer's SETTINGS have come.
    pub(crate) fn settings_read(&self) -> bool {
        self.settings_read.load(Relaxed)
    }

    /// HTTP/2: how many heads (or trailers) were read that may have been informational responses, modulo 2^32.
    pub(crate) fn unclear_heads(&self) -> u32 {
        self.unclear_heads.load(Relaxed)
    }

    /// Bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.bytes_in.load(Relaxed)
    }

    /// The shortest time from a PING or SETTINGS of ours to its answer.
    pub(crate) fn round_trip(&self) -> Option<Span> {
        let micros = self.round_trip.load(Relaxed);
        (micros > 0).then(|| Span::from_micros(micros))
    }

    /// Since when the transport has taken no bytes although there are some.
    pub(crate) fn blocked_since(&self) -> Option<Time> {
        self.blocked.load(Relaxed).checked_sub(1).map(Time::from_micros)
    }

    /// The latest GOAWAY, if one was read since the last time this was asked.
    pub(crate) fn take_goaway(&self) -> Option<GoneAway> {
        let last = self.goaway_last.load(Relaxed);
        let calm = self.goaway_calm.load(Relaxed);
        self.goaway_read.swap(false, Relaxed).then_some(GoneAway { last, calm })
    }

    /// Whether the peer has closed its end in good order (over TLS: said so).
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// What the peer did that the connection can't go on after.
    pub(crate) fn offence(&self) -> Option<Offence> {
        Offence::decode(self.offence.load(Relaxed))
    }

    /// Nothing more is read from this connection, because of this, unless there is an older reason.
    pub(crate) fn offend(&self, offence: Offence) {
        _ = self.offence.compare_exchange(0, offence.encode(), Relaxed, Relaxed);
    }

    /// HTTP/1.1: a request is about to be sent, to which informational responses are to be counted.
    pub(crate) fn await_head(&self) {
        self.awaits_head.store(true, Relaxed);
    }

    fn note_written(&self, frame: Frame) {
        match frame {
            // Trailers are HEADERS too, of an older stream.
            Frame::Headers { stream, .. } => self.opened.store(self.opened().max(stream), Relaxed),
            Frame::Ping { ack: false } => self.ping_covers.store(self.opened(), Relaxed),
            Frame::Settings { ack: false } => self.settings_covers.store(self.opened(), Relaxed),
            Frame::Ping { ack: true }
            | Frame::Settings { ack: true }
            | Frame::Data { .. }
            | Frame::GoAway { .. }
            | Frame::Other => {}
        }
    }

    fn note_read(&self, frame: Frame) {
        match frame {
            Frame::GoAway { last, code } => {
                self.goaway_last.store(last, Relaxed);
                self.goaway_calm.fetch_or(h2::Reason::from(code) == h2::Reason::ENHANCE_YOUR_CALM, Relaxed);
                self.goaway_read.store(true, Relaxed);
            }
            Frame::Settings { ack: true } => _ = self.settings_acks.fetch_add(1, Relaxed),
            Frame::Settings { ack: false } => self.settings_read.store(true, Relaxed),
            Frame::Headers { is_final: false, .. } => {
                self.unclear_heads.store(self.unclear_heads().wrapping_add(1), Relaxed);
            }
            Frame::Headers { is_final: true, .. }
            | Frame::Data { .. }
            | Frame::Ping { .. }
            | Frame::Other => {}
        }
    }

    fn note_round_trip(&self, took: Span) {
        let micros = took.as_micros().max(1);
        let known = self.round_trip.load(Relaxed);
        if known == 0 || micros < known {
            self.round_trip.store(micros, Relaxed);
        }
    }
}

/// A transport that notes what passes.
#[derive(Debug)]
pub(crate) struct Meter<T> {
    transport: T,
    clock: Clock,
    gauge: Arc<Gauge>,
    spoken: Spoken,
    /// The transport takes no more bytes.
    failure: Option<Failure>,
}

/// A failure to write that is not told yet.
#[derive(Debug)]
struct Failure {
    error: io::Error,
    /// When that is told even if nothing came.
    end: Pin<Box<Sleep>>,
}

/// What is spoken, as far as it is looked at.
#[derive(Debug)]
enum Spoken {
    /// The responses' heads, and how many informational ones there may be to a request.
    Http1(Heads, u32),
    /// The frames of both directions.
    Http2(Walks),
}

#[derive(Debug)]
struct Walks {
    outgoing: Walk,
    incoming: Walk,
    chatter: Chatter,
    /// When our PING and our SETTINGS that are not answered were written.
    pinged: Option<Time>,
    set: Option<Time>,
    /// The error code of a GOAWAY that came.
    parting: u32,
}

impl<T> Meter<T> {
    pub(crate) fn http1(transport: T, clock: Clock, most_informational: u32) -> Self {
        Self::new(transport, clock, Spoken::Http1(Heads::default(), most_informational))
    }

    pub(crate) fn http2(transport: T, clock: Clock) -> Self {
        let walks = Walks {
            outgoing: Walk::outgoing(),
            incoming: Walk::incoming(),
            chatter: Chatter::new(clock.now()),
            pinged: None,
            set: None,
            parting: 0,
        };
        Self::new(transport, clock, Spoken::Http2(walks))
    }

    fn new(transport: T, clock: Clock, spoken: Spoken) -> Self {
        let gauge = Arc::new(Gauge::default());
        gauge.heard_at.store(clock.now().as_micros(), Relaxed);
        Self { transport, clock, gauge, spoken, failure: None }
    }

    pub(crate) fn gauge(&self) -> Arc<Gauge> {
        Arc::clone(&self.gauge)
    }

    fn note_write(&mut self, bytes: &[u8]) {
        let before = self.gauge.bytes_out.load(Relaxed);
        self.gauge.bytes_out.store(before.wrapping_add(bytes.len() as u64), Relaxed);
        let Spoken::Http2(Walks { outgoing, chatter, pinged, set, .. }) = &mut self.spoken else { return };
        outgoing.pass(bytes, |frame| {
            self.gauge.note_written(frame);
            chatter.wrote(frame);
            match frame {
                Frame::Ping { ack: false } => *pinged = Some(self.clock.now()),
                Frame::Settings { ack: false } => *set = Some(self.clock.now()),
                _ => {}
            }
        });
    }

    fn note_read(&mut self, bytes: &[u8]) {
        let now = self.clock.now();
        self.gauge.heard_at.store(now.as_micros(), Relaxed);
        self.gauge.bytes_in.store(self.gauge.read().wrapping_add(bytes.len() as u64), Relaxed);
        let Walks { incoming, chatter, pinged, set, parting, .. } = match &mut self.spoken {
            Spoken::Http2(walks) => walks,
            Spoken::Http1(heads, most) => {
                // A swap for each read would cost more than the look.
                if self.gauge.awaits_head.load(Relaxed) {
                    self.gauge.awaits_head.store(false, Relaxed);
                    heads.await_response();
                }
                if heads.pass(bytes) > *most {
                    self.gauge.offend(Offence::Informational);
                }
                return;
            }
        };
        incoming.pass(bytes, |frame| {
            self.gauge.note_read(frame);
            if !chatter.read(frame, now) {
                self.gauge.offend(Offence::Chatter);
            }
            let asked = match frame {
                Frame::Ping { ack: true } => pinged.take(),
                Frame::Settings { ack: true } => set.take(),
                Frame::GoAway { code, .. } => {
                    *parting = code;
                    None
                }
                _ => None,
            };
            if let Some(asked) = asked {
                self.gauge.note_round_trip(now.since(asked));
            }
        });
    }

    /// The peer has closed its end; what it said of the reason is the reason.
    fn note_end(&mut self) {
        self.gauge.ended.store(true, Relaxed);
        if let Spoken::Http2(Walks { parting: code @ 1.., .. }) = self.spoken {
            self.gauge.offend(Offence::GoAway(code));
        }
    }

    /// Makes little of a failure to write: answers may have come before it, a GOAWAY among them, and whoever hears of the failure
    /// reads no more. So what is written from here on goes nowhere, what has come is read, and then the failure is told.
    fn endure<R>(
        &mut self,
        written: Poll<io::Result<R>>,
        pretended: R,
        cx: &Context<'_>,
    ) -> Poll<io::Result<R>> {
        let Poll::Ready(Err(error)) = written else { return written };
        self.failure = Some(Failure { error, end: Box::pin(tokio::time::sleep(LAST_WORDS)) });
        cx.waker().wake_by_ref(); // To read.
        self.pretend(pretended)
    }

    /// Over HTTP/2 the meter knows that what is written now was never sent; over HTTP/1.1 nobody would, so it waits.
    fn pretend<R>(&self, pretended: R) -> Poll<io::Result<R>> {
        match self.spoken {
            Spoken::Http2(_) => Poll::Ready(Ok(pretended)),
            Spoken::Http1(..) => Poll::Pending,
        }
    }

    /// The transport takes bytes, or it does not.
    fn note_room<R>(&self, written: &Poll<R>) {
        let since = match written {
            Poll::Ready(_) => 0,
            Poll::Pending if self.gauge.blocked.load(Relaxed) > 0 => return,
            Poll::Pending => self.clock.now().as_micros() + 1,
        };
        self.gauge.blocked.store(since, Relaxed);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Meter<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.transport).poll_read(cx, into);
        let bytes = &into.filled()[before..];
        if !bytes.is_empty() {
            self.note_read(bytes);
        } else if matches!(read, Poll::Ready(Ok(()))) && into.remaining() > 0 {
            self.note_end();
        }
        if let Some(offence @ Offence::Chatter | offence @ Offence::Informational) = self.gauge.offence() {
            into.set_filled(before);
            return Poll::Ready(Err(io::Error::other(offence)));
        }
        // Pending says only that nobody has looked yet whether something is there.
        let is_over = |failure: &mut Failure| match read {
            Poll::Ready(_) => into.filled().len() == before,
            Poll::Pending => failure.end.as_mut().poll(cx).is_ready(),
        };
        match self.failure.take_if(is_over) {
            Some(failure) => Poll::Ready(Err(failure.error)),
            None => read,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Meter<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.failure.is_some() {
            return self.pretend(bytes.len());
        }
        let written = Pin::new(&mut self.transport).poll_write(cx, bytes);
        self.note_room(&written);
        if let Poll::Ready(Ok(accepted)) = written {
            self.note_write(&bytes[..accepted]);
        }
        self.endure(written, bytes.len(), cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = slices.iter().map(|slice| slice.len()).sum();
        if self.failure.is_some() {
            return self.pretend(all);
        }
        let written = Pin::new(&mut self.transport).poll_write_vectored(cx, slices);
        self.note_room(&written);
        if let Poll::Ready(Ok(mut accepted)) = written {
            for slice in slices {
                let part = accepted.min(slice.len());
                self.note_write(&slice[..part]);
                accepted -= part;
            }
        }
        self.endure(written, all, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.failure.is_some() {
            return self.pretend(());
        }
        let flushed = Pin::new(&mut self.transport).poll_flush(cx);
        self.endure(flushed, (), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    fn headers(stream: u8) -> [u8; 9] {
        [0, 0, 0, 1, 5, 0, 0, 0, stream]
    }

    fn ping() -> [u8; 17] {
        let mut frame = [0; 17];
        frame[2..4].copy_from_slice(&[8, 6]);
        frame
    }

    #[tokio::test]
    async fn a_probe_covers_the_headers_written_before_it() {
        let (near, _far) = tokio::io::duplex(1024);
        let mut meter = Meter::http2(near, Clock::start());
        let gauge = meter.gauge();
        meter.write_all(&[&PREFACE[..], &headers(1), &ping(), &headers(3)].concat()).await.unwrap();
        assert_eq!((gauge.opened(), gauge.ping_covers()), (3, 1));
        // Trailers of an old stream open nothing.
        meter.write_all(&[&headers(1)[..], &ping()].concat()).await.unwrap();
        assert_eq!((gauge.opened(), gauge.ping_covers()), (3, 3));
    }

    #[tokio::test]
    async fn only_accepted_bytes_count() {
        // The pipe takes the preface, the first HEADERS, and five bytes of the second.
        let (near, mut far) = tokio::io::duplex(24 + 9 + 5);
        let mut meter = Meter::http2(near, Clock::start());
        let gauge = meter.gauge();
        let bytes = [&PREFACE[..], &headers(1), &headers(3)].concat();
        let slices = [IoSlice::new(&bytes[..30]), IoSlice::new(&bytes[30..])];
        let mut accepted = 0;
        while accepted < 24 + 9 + 5 {
            let rest = if accepted == 0 { &slices[..] } else { &[IoSlice::new(&bytes[accepted..])][..] };
            accepted +=
                std::future::poll_fn(|cx| Pin::new(&mut meter).poll_write_vectored(cx, rest)).await.unwrap();
        }
        assert_eq!(gauge.opened(), 1, "half a frame header opens nothing");
        far.read_exact(&mut [0; 20]).await.unwrap();
        meter.write_all(&bytes[accepted..]).await.unwrap();
        assert_eq!(gauge.opened(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn reading_is_hearing() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut meter = Meter::http2(near, Clock::start());
        let gauge = meter.gauge();
        tokio::time::advance(std::time::Duration::from_millis(7)).await;
        assert_eq!(gauge.heard_at(), Time::ZERO);
        far.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 5]).await.unwrap();
        meter.read_exact(&mut [0; 13]).await.unwrap();
        assert_eq!(gauge.heard_at(), Time::from_micros(7000));
        assert_eq!(gauge.take_goaway(), None, "its error code is not complete yet");
        far.write_all(&[0, 0, 0, 11]).await.unwrap();
        meter.read_exact(&mut [0; 4]).await.unwrap();
        let complaint = GoneAway { last: 5, calm: true };
        assert_eq!((gauge.take_goaway(), gauge.take_goaway()), (Some(complaint), None));
        assert_eq!(gauge.offence(), None, "streams up to the last may still be answered");
        drop(far);
        assert_eq!(meter.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!(gauge.offence(), Some(Offence::GoAway(11)));
    }

    /// A peer that has answered, said goodbye, and reset the connection.
    #[tokio::test(start_paused = true)]
    async fn what_came_before_a_failure_to_write_is_read() {
        struct Reset;
        impl AsyncWrite for Reset {
            fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
            }
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }
        let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0];
        let mut meter = Meter::http2(tokio::io::join(&goaway[..], Reset), Clock::start());
        let gauge = meter.gauge();
        meter.write_all(PREFACE).await.unwrap();
        meter.write_all(&headers(1)).await.unwrap();
        meter.flush().await.unwrap();
        assert_eq!(gauge.opened(), 0, "none was written");
        meter.read_exact(&mut [0; 17]).await.unwrap();
        assert_eq!(gauge.take_goaway(), Some(GoneAway { last: 5, calm: false }));
        let failure = meter.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(failure.kind(), io::ErrorKind::ConnectionReset);

        let (silent, _far) = tokio::io::duplex(1);
        let mut meter = Meter::http2(tokio::io::join(silent, Reset), Clock::start());
        meter.write_all(PREFACE).await.unwrap();
        meter.read(&mut [0; 1]).await.expect_err("nothing came, for as long as something may take");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_measure_the_round_trip() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut meter = Meter::http2(near, Clock::start());
        let gauge = meter.gauge();
        let answer = [0, 0, 8, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (millis, shortest) in [(9, 9), (4, 4), (7, 4)] {
            let preface = if millis == 9 { &PREFACE[..] } else { &[] };
            meter.write_all(&[preface, &ping()].concat()).await.unwrap();
            tokio::time::advance(std::time::Duration::from_millis(millis)).await;
            far.write_all(&answer).await.unwrap();
            meter.read_exact(&mut [0; 17]).await.unwrap();
            assert_eq!(gauge.round_trip(), Some(Span::from_millis(shortest)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_takes_nothing_is_blocked() {
        let (near, mut far) = tokio::io::duplex(10);
        let mut meter = Meter::http2(near, Clock::start());
        let gauge = meter.gauge();
        let full = std::future::poll_fn(|cx| {
            let first = Pin::new(&mut meter).poll_write(cx, &PREFACE[..10]);
            assert!(first.is_ready() && gauge.blocked_since().is_none());
            Poll::Ready(Pin::new(&mut meter).poll_write(cx, &PREFACE[10..]).is_pending())
        });
        assert!(full.await);
        assert_eq!(gauge.blocked_since(), Some(Time::ZERO));
        far.read_exact(&mut [0; 10]).await.unwrap();
        meter.write_all(b"x").await.unwrap();
        assert_eq!(gauge.blocked_since(), None);
    }

    #[tokio::test]
    async fn a_flood_ends_the_reading() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut meter = Meter::http2(near, Clock::start());
        let flood = ping().repeat(2 * crate::chatter::BURST as usize);
        far.write_all(&flood).await.unwrap();
        let error = meter.read_exact(&mut vec![0; flood.len()]).await.unwrap_err();
        assert!(error.to_string().contains("without end"), "{error}");
        assert_eq!(meter.gauge().offence(), Some(Offence::Chatter));
    }
}
