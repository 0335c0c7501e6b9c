//! A way that takes time: what is read now is written later.
//!
//! Bytes keep their order, as they do in TCP whatever their packets do; so jitter can only hold up, never overtake.
//!
//! Invariant: reading does not wait for what is still on its way, until `MOST` chunks are.
//! Next: `wire.rs`, which uses it where the script adds a delay; `outlive_fault::path`, which decides how much.

use std::{io, time::Duration};

use outlive_fault::{Direction, Fault as _, Flow, Parcel, Path, Verdict};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// Chunks on their way at any time: at 32 KiB, more than TCP would send ahead.
const MOST: usize = 256;
const CHUNK: usize = 32 * 1024;

/// One direction of one wire.
pub(crate) struct Late {
    path: Path,
    flow: Flow,
    direction: Direction,
}

impl Late {
    pub(crate) fn new(path: Path, flow: Flow, direction: Direction) -> Self {
        Self { path, flow, direction }
    }

    /// Copies until the end, each chunk later than it was read.
    pub(crate) async fn pass(
        mut self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        closing: &(impl Fn() + Sync),
    ) -> io::Result<()> {
        let (sender, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(MOST);
        let start = Instant::now();
        let read = async {
            loop {
                let mut chunk = Vec::with_capacity(CHUNK);
                let n = from.read_buf(&mut chunk).await?;
                let now = Instant::now();
                let due = now + self.delay(now - start, n);
                if n == 0 {
                    closing();
                }
                // Nobody is there to take it when the other half has failed, and then so does this.
                if sender.send((due, chunk)).await.is_err() || n == 0 {
                    return Ok(());
                }
            }
        };
        let write = async {
            while let Some((due, chunk)) = on_the_way.recv().await {
                sleep_until(due).await;
                if chunk.is_empty() {
                    return to.shutdown().await;
                }
                to.write_all(&chunk).await?;
            }
            Ok(())
        };
        tokio::try_join!(read, write).map(|_| ())
    }

    fn delay(&mut self, since: Duration, bytes: usize) -> Duration {
        let parcel = Parcel {
            flow: self.flow,
            direction: self.direction,
            at: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        };
        match self.path.judge(&parcel) {
            Verdict::Delay(micros) => Duration::from_micros(micros),
            // Only delays are put on this path.
            Verdict::Pass | Verdict::Hold | Verdict::Drop => Duration::ZERO,
        }
    }
}
