//! Which HTTP/2 frames pass by: just enough to count PINGs and resets, and to read a GOAWAY.
//!
//! Pure: bytes in, frames out. It looks at frame heads (RFC 9113, section 4.1) and keeps nothing but the one it is in.
//! HTTP/1.1 has no frames; who reads it with this must not (see `from` and the callers).
//!
//! Invariant: it never fails and never holds more than `KEPT` bytes. What it can't understand it passes over.
//! Next: `origin/watched.rs` and `wire.rs`, which show it bytes.

use crate::record::Side;

/// What a client sends before its first frame (RFC 9113, section 3.4).
const PREFACE: usize = 24;
const HEAD: usize = 9;
/// A GOAWAY's last stream, code, and as much of its words as a human wants to read.
const KEPT: usize = 8 + 120;

/// A frame that is worth a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The client asks for an answer.
    Ping,
    /// The client gives a stream up.
    Reset,
    /// The origin will take no more streams.
    Goaway {
        /// RFC 9113, section 7.
        code: u32,
        /// For a human.
        words: String,
    },
}

/// The frames of one direction of one connection.
#[derive(Debug)]
pub(crate) struct Frames {
    from: Side,
    skip: usize,
    held: Vec<u8>,
    kind: u8,
    flags: u8,
    /// Bytes of the payload that are still to come; `None` between two frames.
    left: Option<usize>,
}

impl Frames {
    /// Of the bytes that this side sends.
    pub(crate) fn from(from: Side) -> Self {
        let skip = if from == Side::Client { PREFACE } else { 0 };
        Self { from, skip, held: Vec::with_capacity(HEAD), kind: 0, flags: 0, left: None }
    }

    /// Reads on; calls `found` for each frame that has come in whole.
    pub(crate) fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(Frame)) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        bytes = &bytes[skipped..];
        loop {
            match self.left {
                None => {
                    let missing = (HEAD - self.held.len()).min(bytes.len());
                    self.held.extend_from_slice(&bytes[..missing]);
                    bytes = &bytes[missing..];
                    if self.held.len() < HEAD {
                        return;
                    }
                    self.begin();
                }
                Some(left) => {
                    let here = left.min(bytes.len());
                    let keep = here.min(KEPT.saturating_sub(self.held.len()));
                    self.held.extend_from_slice(&bytes[..keep]);
                    bytes = &bytes[here..];
                    self.left = Some(left - here);
                    if left > here {
                        return;
                    }
                    self.end(&mut found);
                }
            }
        }
    }

    fn begin(&mut self) {
        let length = self.held[..3].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        (self.kind, self.flags) = (self.held[3], self.held[4]);
        self.left = Some(length);
        self.held.clear();
    }

    fn end(&mut self, found: &mut impl FnMut(Frame)) {
        const RST_STREAM: u8 = 3;
        const PING: u8 = 6;
        const GOAWAY: u8 = 7;
        const ACK: u8 = 1;
        match (self.from, self.kind) {
            (Side::Client, PING) if self.flags & ACK == 0 => found(Frame::Ping),
            (Side::Client, RST_STREAM) => found(Frame::Reset),
            (Side::Origin, GOAWAY) if self.held.len() >= 8 => found(Frame::Goaway {
                code: self.held[4..8].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
                words: String::from_utf8_lossy(&self.held[8..]).into_owned(),
            }),
            _ => {}
        }
        self.held.clear();
        self.left = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Frames};
    use crate::record::Side;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 0], payload].concat()
    }

    fn check(from: Side, bytes: &[u8], expected: &[Frame]) {
        // However the bytes are cut up, the same is read.
        for size in [1, 2, 7, 9, 10, 1000] {
            let (mut frames, mut found) = (Frames::from(from), Vec::new());
            bytes.chunks(size).for_each(|part| frames.read(part, |frame| found.push(frame)));
            assert_eq!(found, expected, "in parts of {size}");
        }
    }

    #[test]
    fn a_client_asks_and_gives_up() {
        let said = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            frame(4, 0, &[0; 12]),
            frame(6, 0, &[7; 8]),
            frame(6, 1, &[7; 8]),
            frame(0, 1, &[b'x'; 300]),
            frame(3, 0, &[0, 0, 0, 8]),
        ];
        check(Side::Client, &said.concat(), &[Frame::Ping, Frame::Reset]);
    }

    #[test]
    fn an_origin_says_goodbye() {
        let goaway = |words: &[u8]| frame(7, 0, &[&[0, 0, 0, 5, 0, 0, 0, 11], words].concat());
        let said = |words: &str| Frame::Goaway { code: 11, words: words.to_owned() };
        let bytes = [frame(4, 0, &[]), goaway(b"too_many_pings"), goaway(&[b'x'; 5000])].concat();
        check(Side::Origin, &bytes, &[said("too_many_pings"), said(&"x".repeat(120))]);
    }

    #[test]
    fn rubbish_does_no_harm() {
        let mut frames = Frames::from(Side::Origin);
        frames.read(&[0xff; 100_000], |_| {});
        assert!(frames.held.len() <= super::KEPT);
    }
}
