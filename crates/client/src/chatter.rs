//! How much of what a peer sends may be of no use: a bucket of credit for one HTTP/2 connection.
//!
//! Frames that carry nothing to any caller (PING, SETTINGS, WINDOW_UPDATE, PRIORITY, RST_STREAM, CONTINUATION, empty DATA, types
//! nobody knows) are needed now and then, and are cheap to make without end. So each costs one; what we send earns the peer the
//! frames that answer it, data it sends earns them too, and so does time. Invariant: however a peer mixes frames, more than
//! [`BURST`] that carry nothing, beyond what was earned, are an offence. Next: [`crate::meter`], which counts.

use outlive_core::Time;

use crate::frames::Frame;

/// Frames of no use that may come at once. h2's own limits for single types lie between 16 and 1,000; nginx's for
/// all of them is 10,000.
pub(crate) const BURST: u64 = 1_000;

/// Frames of no use that are earned in a second: a hundred keep-alive PINGs, or one a second on each of a hundred streams.
const PER_SECOND: u64 = 100;

/// What one request earns: a head, trailers, a few informational responses, a reset, two WINDOW_UPDATEs.
const PER_REQUEST: u64 = 8;

/// Sent data earns WINDOW_UPDATEs: four a frame, and one for each of so many bytes.
const PER_DATA: u64 = 4;
const BYTES_PER_UPDATE: u64 = 4096;

/// The credit of one connection's peer.
#[derive(Debug)]
pub(crate) struct Chatter {
    credit: u64,
    /// Up to when time has been paid for.
    since: Time,
}

impl Chatter {
    pub(crate) fn new(now: Time) -> Self {
        Self { credit: BURST, since: now }
    }

    /// We wrote this.
    pub(crate) fn wrote(&mut self, frame: Frame) {
        match frame {
            Frame::Headers { .. } => self.earn(PER_REQUEST),
            Frame::Data { content } => self.earn(PER_DATA + u64::from(content) / BYTES_PER_UPDATE),
            // Answers to what the peer sent earn it nothing; else a flood would pay for itself.
            Frame::Ping { .. } | Frame::Settings { .. } | Frame::GoAway { .. } | Frame::Other => {}
        }
    }

    /// We read this. `false` if it was one too many.
    #[must_use]
    pub(crate) fn read(&mut self, frame: Frame, now: Time) -> bool {
        if let Frame::Data { content: 1.. } = frame {
            self.earn(1);
            return true;
        }
        if self.credit == 0 {
            let earned = now.since(self.since).as_micros() / (1_000_000 / PER_SECOND);
            self.since = now;
            self.earn(earned);
        }
        let enough = self.credit > 0;
        self.credit = self.credit.saturating_sub(1);
        enough
    }

    fn earn(&mut self, credit: u64) {
        self.credit = (self.credit + credit).min(BURST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Frame = Frame::Ping { ack: false };

    /// How many PINGs it bears at once.
    fn bears(chatter: &mut Chatter, now: Time) -> u64 {
        (0..).take_while(|_| chatter.read(PING, now)).count() as u64
    }

    #[test]
    fn a_flood_ends_and_time_heals() {
        let mut chatter = Chatter::new(Time::ZERO);
        assert_eq!(bears(&mut chatter, Time::ZERO), BURST);
        assert_eq!(bears(&mut chatter, Time::from_micros(50_000)), 5);
        assert_eq!(bears(&mut chatter, Time::from_micros(3_600_000_000)), BURST);
    }

    #[test]
    fn work_earns_what_belongs_to_it() {
        let mut chatter = Chatter::new(Time::ZERO);
        for _ in 0..10_000 {
            // An upload of megabytes, with a WINDOW_UPDATE for every 4 KiB, and a request with informational responses.
            chatter.wrote(Frame::Data { content: 1 << 20 });
            assert!((0..256).all(|_| chatter.read(Frame::Other, Time::ZERO)));
            chatter.wrote(Frame::Headers { stream: 1, is_final: true });
            assert!((0..8).all(|_| chatter.read(Frame::Headers { stream: 1, is_final: true }, Time::ZERO)));
        }
    }

    #[test]
    fn answering_a_flood_does_not_feed_it() {
        let mut chatter = Chatter::new(Time::ZERO);
        let mut borne = 0;
        while chatter.read(PING, Time::ZERO) {
            chatter.wrote(Frame::Ping { ack: true });
            borne += 1;
        }
        assert_eq!(borne, BURST);
        assert!(chatter.read(Frame::Data { content: 1 }, Time::ZERO), "data is never too much");
    }
}
