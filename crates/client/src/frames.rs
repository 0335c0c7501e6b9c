//! Reads HTTP/2 frame headers as they pass, and little else of the bytes.
//!
//! h2 does not say which streams it has written, nor the last stream of a GOAWAY; both decide whether a request was processed. Nor
//! does it count all that a peer can flood us with. So the meter shows the passing bytes to a [`Walk`] for each direction. Invariant:
//! what a walk reports depends on the bytes only, not on how reads and writes cut them. Next: [`crate::meter`].

use std::ops::RangeInclusive;

/// Length of a frame's header (RFC 9113 section 4.1).
const HEADER: usize = 9;
/// Of a GOAWAY we also want the last stream and the error code: the first eight bytes of its payload (RFC 9113 section 6.8).
const MOST: usize = HEADER + 8;
/// Of padded DATA the length of the padding (RFC 9113 section 6.1), of HEADERS the first field: the first byte of the payload.
const FIRST: usize = HEADER + 1;
/// Length of the client's connection preface (RFC 9113 section 3.4).
const PREFACE: u32 = 24;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const GOAWAY: u8 = 0x7;

/// Flags (RFC 9113 sections 6.1 and 6.2).
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The first byte of a block of fields that begins with one of the statuses that HPACK has in its static table, which are all final
/// (RFC 7541 appendix A). A status is the first field, since it is a response's only pseudo-header (RFC 9113 section 8.3); h2
/// refuses a second one.
const FINAL: RangeInclusive<u8> = 0x88..=0x8e;

/// A frame, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Frame {
    /// HEADERS: opens the stream, answers on it, or carries trailers. `is_final` if it is plain that this is a response that is not
    /// informational.
    Headers { stream: u32, is_final: bool },
    /// DATA with so many bytes, padding not counted.
    Data { content: u32 },
    /// PING, or the answer to one.
    Ping { ack: bool },
    /// SETTINGS, or the answer to one.
    Settings { ack: bool },
    /// GOAWAY with its error code. Streams above `last` were not and will not be processed.
    GoAway { last: u32, code: u32 },
    /// Any other.
    Other,
}

/// Where in the sequence of frames one direction of a connection stands.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Bytes to pass over before the next frame header: the preface, or what is left of a payload.
    skip: u32,
    /// The frame header that is being read, and `read` of it.
    head: [u8; MOST],
    read: u8,
}

impl Walk {
    /// The way from client to server, which starts with the preface.
    pub(crate) fn outgoing() -> Self {
        Self { skip: PREFACE, head: [0; MOST], read: 0 }
    }

    /// The way from server to client.
    pub(crate) fn incoming() -> Self {
        Self { skip: 0, ..Self::outgoing() }
    }

    /// Passes over `bytes`, the next that were carried, and reports each frame once all that is wanted of it is there.
    pub(crate) fn pass(&mut self, mut bytes: &[u8], mut report: impl FnMut(Frame)) {
        loop {
            let skipped = bytes.len().min(self.skip as usize);
            self.skip -= skipped as u32;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return;
            }
            let before = usize::from(self.read);
            // Perhaps more than is wanted: it is there, and to copy a known length is cheap. Nearly all frames come in one piece.
            let known = match bytes.first_chunk() {
                Some(head) if before == 0 => {
                    self.head = *head;
                    MOST
                }
                _ => {
                    let taken = bytes.len().min(MOST - before);
                    self.head[before..before + taken].copy_from_slice(&bytes[..taken]);
                    before + taken
                }
            };
            let wanted = self.wanted(known);
            if known < wanted {
                self.read = known as u8;
                return;
            }
            bytes = &bytes[wanted - before..];
            self.skip = (HEADER + self.length() - wanted) as u32;
            self.read = 0;
            report(self.frame(wanted));
        }
    }

    /// How many bytes of the frame being read are needed, as far as so many of them tell.
    fn wanted(&self, known: usize) -> usize {
        match self.head[3] {
            _ if known < HEADER => HEADER,
            GOAWAY if self.length() >= 8 => MOST,
            DATA if self.has(PADDED) && self.length() >= 1 => FIRST,
            HEADERS if !self.has(PADDED | PRIORITY) && self.length() >= 1 => FIRST,
            _ => HEADER,
        }
    }

    /// Whether it has one of these flags.
    fn has(&self, flags: u8) -> bool {
        self.head[4] & flags != 0
    }

    fn length(&self) -> usize {
        usize::from(self.head[0]) << 16 | usize::from(self.head[1]) << 8 | usize::from(self.head[2])
    }

    /// The frame of which so many bytes are there.
    fn frame(&self, known: usize) -> Frame {
        const ACK: u8 = 0x1;
        let number = |at: usize| {
            u32::from_be_bytes([self.head[at], self.head[at + 1], self.head[at + 2], self.head[at + 3]])
        };
        // The first bit is reserved and says nothing (RFC 9113 section 4.1).
        let stream = |at: usize| number(at) & 0x7fff_ffff;
        let ack = self.head[4] & ACK != 0;
        match self.head[3] {
            DATA => {
                let padding = if self.has(PADDED) { 1 + usize::from(self.head[HEADER]) } else { 0 };
                let content = self.length().saturating_sub(padding);
                Frame::Data { content: u32::try_from(content).unwrap_or(u32::MAX) }
            }
            HEADERS => {
                let is_final = known == FIRST && FINAL.contains(&self.head[HEADER]);
                Frame::Headers { stream: stream(5), is_final }
            }
            0x4 => Frame::Settings { ack },
            0x6 => Frame::Ping { ack },
            GOAWAY if known == MOST => Frame::GoAway { last: stream(9), code: number(13) },
            _ => Frame::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    /// Everything the pool cares about, and much that it does not, with payloads that look like headers.
    fn conversation() -> (Vec<u8>, Vec<Frame>) {
        let decoy = frame(0x1, 0, 99, b"x");
        let bytes = [
            frame(0x4, 0, 0, &[0, 3, 0, 0, 0, 100]),
            frame(0x4, 1, 0, &[]),
            frame(0x1, 4, 1, b"head"),
            frame(0x0, 0, 1, &decoy),
            frame(0x0, 1, 1, &[]),
            frame(0x6, 0, 0, &[7; 8]),
            frame(0x6, 1, 0, &[7; 8]),
            frame(0x1, 5, 0x8000_0003, &[0x82; 300]),
            frame(0x7, 0, 0, &[0x80, 0, 0, 1, 0, 0, 0, 0, b'b', b'y', b'e']),
            frame(0x7, 0, 0, &[]),
            frame(0x9, 4, 3, &decoy),
            frame(0x8, 0, 0, &[0, 0, 1, 0]),
            frame(0x0, 8, 1, &[3, b'd', b'a', 0, 0, 0]),
            frame(0x7, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 11]),
            frame(0x1, 4, 5, &[0x88, 0x76]),
            frame(0x1, 5, 7, &[0x8e]),
            frame(0x1, 5, 9, &[0x48, 3, b'1', b'0', b'3']),
            frame(0x1, 5, 11, &[0x3f, 0xe1, 0x1f, 0x88]),
            frame(0x1, 5 | 0x8, 13, &[0x88, 0x88]),
            frame(0x1, 5 | 0x20, 15, &[0x88, 0, 0, 0, 0, 0x88]),
            frame(0x1, 5, 17, &[]),
        ]
        .concat();
        let frames = vec![
            Frame::Settings { ack: false },
            Frame::Settings { ack: true },
            Frame::Headers { stream: 1, is_final: false },
            Frame::Data { content: 10 },
            Frame::Data { content: 0 },
            Frame::Ping { ack: false },
            Frame::Ping { ack: true },
            Frame::Headers { stream: 3, is_final: false },
            Frame::GoAway { last: 1, code: 0 },
            Frame::Other,
            Frame::Other,
            Frame::Other,
            Frame::Data { content: 2 },
            Frame::GoAway { last: 5, code: 11 },
            Frame::Headers { stream: 5, is_final: true },
            Frame::Headers { stream: 7, is_final: true },
            Frame::Headers { stream: 9, is_final: false },
            Frame::Headers { stream: 11, is_final: false },
            Frame::Headers { stream: 13, is_final: false },
            Frame::Headers { stream: 15, is_final: false },
            Frame::Headers { stream: 17, is_final: false },
        ];
        (bytes, frames)
    }

    fn seen<'a>(mut walk: Walk, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Frame> {
        let mut frames = Vec::new();
        for piece in pieces {
            walk.pass(piece, |frame| frames.push(frame));
        }
        frames
    }

    #[test]
    fn reports_what_matters_and_skips_the_rest() {
        let (bytes, frames) = conversation();
        assert_eq!(seen(Walk::incoming(), [&bytes[..]].into_iter()), frames);
    }

    #[test]
    fn skips_the_preface_on_the_way_out() {
        let (bytes, frames) = conversation();
        let bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &bytes[..]].concat();
        assert_eq!(seen(Walk::outgoing(), [&bytes[..]].into_iter()), frames);
    }

    #[test]
    fn a_cut_at_any_byte_changes_nothing() {
        let (bytes, frames) = conversation();
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(seen(Walk::incoming(), [left, right].into_iter()), frames, "cut at {cut}");
        }
    }

    #[test]
    fn any_cutting_changes_nothing() {
        let (bytes, frames) = conversation();
        for size in 1..40 {
            assert_eq!(seen(Walk::incoming(), bytes.chunks(size)), frames, "pieces of {size}");
        }
        for seed in 1..200_u64 {
            let mut chance = seed;
            let mut rest = &bytes[..];
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let size = (chance >> 33) as usize % 23;
                let (piece, left) = rest.split_at(size.min(rest.len()));
                pieces.push(piece);
                rest = left;
            }
            assert_eq!(seen(Walk::incoming(), pieces.into_iter()), frames, "seed {seed}");
        }
    }

    #[test]
    fn a_frame_is_reported_with_the_last_byte_that_is_wanted_and_not_before() {
        for (payload, last) in [(&b""[..], 8), (b"\x88", 9)] {
            let bytes = frame(0x1, 5, 7, payload);
            let mut walk = Walk::incoming();
            let mut frames = Vec::new();
            walk.pass(&bytes[..last], |frame| frames.push(frame));
            assert_eq!(frames, []);
            walk.pass(&bytes[last..], |frame| frames.push(frame));
            assert_eq!(frames, [Frame::Headers { stream: 7, is_final: !payload.is_empty() }]);
        }
    }
}
