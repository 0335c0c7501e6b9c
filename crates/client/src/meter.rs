//! Sits between the protocol and the transport, and notes what passes.
//!
//! Bytes must not take a lock each, so the [`Meter`] writes plain atomic numbers into a [`Gauge`], which the
//! connection's task and the origin read when they have something to decide. Invariant: only bytes that the
//! transport accepted count as written; a request above [`Gauge::opened`] was never sent. Next:
//! [`crate::connection::http2`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use outlive_core::Time;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::Clock;
use crate::frames::{Frame, Walk};

/// What the meter of one connection has noted.
///
/// The numbers guard no other memory, so their order among each other does not matter (`Relaxed`), except as the
/// connection's task sees them, which is the one that moves the bytes.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    heard_at: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    opened: AtomicU32,
    probe_covers: AtomicU32,
    settings_acks: AtomicU32,
    goaway_read: AtomicBool,
    goaway_last: AtomicU32,
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

    /// The highest stream whose HEADERS had been written when our last PING or SETTINGS was: its answer proves those,
    /// and nothing later. (h2 writes both ahead of HEADERS that are still queued.) One of them is out at a time.
    pub(crate) fn probe_covers(&self) -> u32 {
        self.probe_covers.load(Relaxed)
    }

    /// How many of our SETTINGS were answered.
    pub(crate) fn settings_acks(&self) -> u32 {
        self.settings_acks.load(Relaxed)
    }

    /// The last stream of the latest GOAWAY, if one was read since the last time this was asked.
    pub(crate) fn take_goaway(&self) -> Option<u32> {
        self.goaway_read.swap(false, Relaxed).then(|| self.goaway_last.load(Relaxed))
    }

    fn note_written(&self, frame: Frame) {
        match frame {
            // Trailers are HEADERS too, of an older stream.
            Frame::Headers { stream } => _ = self.opened.fetch_max(stream, Relaxed),
            Frame::Ping | Frame::Settings { ack: false } => self.probe_covers.store(self.opened(), Relaxed),
            Frame::Settings { ack: true } | Frame::GoAway { .. } => {}
        }
    }

    fn note_read(&self, frame: Frame) {
        match frame {
            Frame::GoAway { last } => {
                self.goaway_last.store(last, Relaxed);
                self.goaway_read.store(true, Relaxed);
            }
            Frame::Settings { ack: true } => _ = self.settings_acks.fetch_add(1, Relaxed),
            Frame::Headers { .. } | Frame::Ping | Frame::Settings { ack: false } => {}
        }
    }
}

/// A transport that notes what passes.
#[derive(Debug)]
pub(crate) struct Meter<T> {
    transport: T,
    clock: Clock,
    gauge: Arc<Gauge>,
    /// The frames of both directions; `None` where HTTP/1.1 is spoken.
    walks: Option<Walks>,
}

#[derive(Debug)]
struct Walks {
    outgoing: Walk,
    incoming: Walk,
}

impl<T> Meter<T> {
    pub(crate) fn http1(transport: T, clock: Clock) -> Self {
        let gauge = Arc::new(Gauge::default());
        gauge.heard_at.store(clock.now().as_micros(), Relaxed);
        Self { transport, clock, gauge, walks: None }
    }

    pub(crate) fn http2(transport: T, clock: Clock) -> Self {
        let walks = Walks { outgoing: Walk::outgoing(), incoming: Walk::incoming() };
        Self { walks: Some(walks), ..Self::http1(transport, clock) }
    }

    pub(crate) fn gauge(&self) -> Arc<Gauge> {
        Arc::clone(&self.gauge)
    }

    fn note_write(&mut self, bytes: &[u8]) {
        self.gauge.bytes_out.fetch_add(bytes.len() as u64, Relaxed);
        if let Some(walks) = &mut self.walks {
            walks.outgoing.pass(bytes, |frame| self.gauge.note_written(frame));
        }
    }

    fn note_read(&mut self, bytes: &[u8]) {
        self.gauge.heard_at.store(self.clock.now().as_micros(), Relaxed);
        self.gauge.bytes_in.fetch_add(bytes.len() as u64, Relaxed);
        if let Some(walks) = &mut self.walks {
            walks.incoming.pass(bytes, |frame| self.gauge.note_read(frame));
        }
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
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Meter<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write(cx, bytes);
        if let Poll::Ready(Ok(accepted)) = written {
            self.note_write(&bytes[..accepted]);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(mut accepted)) = written {
            for slice in slices {
                let part = accepted.min(slice.len());
                self.note_write(&slice[..part]);
                accepted -= part;
            }
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
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
        assert_eq!((gauge.opened(), gauge.probe_covers()), (3, 1));
        // Trailers of an old stream open nothing.
        meter.write_all(&[&headers(1)[..], &ping()].concat()).await.unwrap();
        assert_eq!((gauge.opened(), gauge.probe_covers()), (3, 3));
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
        far.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
        meter.read_exact(&mut [0; 12]).await.unwrap();
        assert_eq!(gauge.heard_at(), Time::from_micros(7000));
        assert_eq!(gauge.take_goaway(), None, "its last stream is not complete yet");
        far.write_all(&[5, 0, 0, 0, 0]).await.unwrap();
        meter.read_exact(&mut [0; 5]).await.unwrap();
        assert_eq!((gauge.take_goaway(), gauge.take_goaway()), (Some(5), None));
    }
}
