//! How much a peer may have under way to us on one HTTP/2 connection: windows that grow with the bandwidth-delay product.
//!
//! A stream can't carry more than its window per round trip. So bytes are counted over at least one round trip, and when more than
//! half a window's worth came in one, the window is doubled. The round trip is the shortest from any PING or SETTINGS of
//! ours to its answer: those at the connection's start, those the pool asks with, and those that open the window. No PING is sent
//! for this (promise P9), and SETTINGS at most five in a connection's life, one per doubling, each after at least half
//! a megabyte of data: no server counts those. Invariant: windows never shrink, and end at [`STREAM_WINDOW_MAX`]. Next:
//! [`super::http2`], which tells the peer.

use outlive_core::Time;

use crate::meter::Gauge;
use crate::settings::{CONNECTION_WINDOW, STREAM_WINDOW, STREAM_WINDOW_MAX};

/// The window of each stream, and what it is judged by.
#[derive(Debug)]
pub(super) struct Windows {
    stream: u32,
    /// When counting began, and how many bytes had been read by then.
    since: Time,
    read: u64,
}

impl Windows {
    pub(super) fn new(gauge: &Gauge) -> Self {
        Self { stream: STREAM_WINDOW, since: gauge.heard_at(), read: gauge.read() }
    }

    /// Of one stream.
    pub(super) fn stream(&self) -> u32 {
        self.stream
    }

    /// Of all streams together: at least two full ones, so that one response that its caller does not read can't stop the others.
    pub(super) fn connection(&self) -> u32 {
        (2 * self.stream).max(CONNECTION_WINDOW)
    }

    /// The window that a stream should have, if that is a larger one. Call it when something was read.
    pub(super) fn wanted(&mut self, gauge: &Gauge) -> Option<u32> {
        let round_trip = gauge.round_trip()?.as_micros();
        let (now, read) = (gauge.heard_at(), gauge.read());
        let elapsed = now.since(self.since).as_micros();
        if elapsed < round_trip {
            return None;
        }
        let bytes = read.wrapping_sub(self.read);
        (self.since, self.read) = (now, read);
        // Over more than one round trip, the average of one.
        let product = u128::from(bytes) * u128::from(round_trip) / u128::from(elapsed.max(1));
        let larger = self.stream.saturating_mul(2).min(STREAM_WINDOW_MAX);
        (product > u128::from(self.stream / 2) && larger > self.stream).then_some(larger)
    }

    /// The peer is being told.
    pub(super) fn open(&mut self, stream: u32) {
        self.stream = stream;
    }
}
