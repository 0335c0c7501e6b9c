//! Reads lines from a program that can't be trusted to end them.
//!
//! tokio's own `lines` holds a line of any length in memory; a contestant that prints without end must not take the
//! lab with it.
//!
//! Invariant: at most `LIMIT` bytes are held, and dropping a pending `next` loses nothing.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// No line of the protocol comes near it; an error's text may be long.
const LIMIT: usize = 64 * 1024;

/// Lines of a stream.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    from: R,
    held: Vec<u8>,
    /// Where in `held` the next line begins.
    start: usize,
    /// Up to where `held` was searched for its end.
    searched: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, held: Vec::new(), start: 0, searched: 0 }
    }

    /// The next line without its end, or `None` when the stream has ended. What stands after the last line end counts
    /// as a line. Bytes that are not UTF-8 are replaced, and so fail to be a line of the protocol. After a line that is
    /// too long (`InvalidData`) one may go on reading: the rest of it is next.
    pub(crate) async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(length) = self.held[self.searched..].iter().position(|&b| b == b'\n') {
                let end = self.searched + length;
                let line = text(&self.held[self.start..end]);
                (self.start, self.searched) = (end + 1, end + 1);
                return Ok(Some(line));
            }
            self.held.drain(..self.start);
            (self.start, self.searched) = (0, self.held.len());
            if self.held.len() >= LIMIT {
                self.held.clear();
                self.searched = 0;
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a line longer than {LIMIT} bytes"),
                ));
            }
            if self.from.read_buf(&mut self.held).await? == 0 {
                self.searched = 0;
                let rest = std::mem::take(&mut self.held);
                return Ok((!rest.is_empty()).then(|| text(&rest)));
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Lines};

    async fn all(mut input: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(&mut input);
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push(line);
        }
        assert_eq!(lines.next().await.unwrap(), None, "the end stays the end");
        read
    }

    #[tokio::test]
    async fn splits_at_line_ends() {
        assert_eq!(all(b"").await, [""; 0]);
        assert_eq!(all(b"one\ntwo\n").await, ["one", "two"]);
        assert_eq!(all(b"one\r\n\ntorn").await, ["one", "", "torn"]);
        assert_eq!(all(b"\xff\n").await, ["\u{fffd}"]);
    }

    #[tokio::test]
    async fn an_endless_line_is_an_error() {
        let mut lines = Lines::new(tokio::io::repeat(b'x'));
        assert!(lines.next().await.unwrap_err().to_string().contains(&LIMIT.to_string()));
    }
}
