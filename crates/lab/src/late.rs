//! A way that takes time, or is held up: what is read now is written later.
//!
//! Bytes keep their order, as they do in TCP whatever their packets do; so jitter can only hold up, never overtake.
//!
//! Invariant: reading does not wait for what is still on its way, until `MOST` chunks are. While a direction is held, nothing is
//! read or written in it, and what had been read waits.
//! Next: `wire.rs`, which uses it where the script adds a delay or a hand may; `wires/road.rs`, which decides how much;
//! `wires/way.rs`, what the hand can do.

use std::{io, time::Duration};

use outlive_fault::Direction;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    fault::until_closed,
    wires::{Look, Ride},
};

/// Chunks on their way at any time: at 32 KiB, more than TCP would send ahead.
const MOST: usize = 256;
const CHUNK: usize = 32 * 1024;

/// One direction of one wire.
pub(crate) struct Late {
    ride: Option<Ride>,
    direction: Direction,
    /// What a hand does to it, where one can.
    look: Option<Look>,
}

impl Late {
    pub(crate) fn new(ride: Option<Ride>, direction: Direction, look: Option<Look>) -> Self {
        Self { ride, direction, look }
    }

    /// Copies until the end, each chunk later than it was read.
    pub(crate) async fn pass(
        mut self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        closing: &(impl Fn() + Sync),
    ) -> io::Result<()> {
        let (sender, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(MOST);
        let mut look = self.look.clone();
        let read = async {
            loop {
                let chunk = self.read(&mut from).await.inspect_err(|_| closing())?;
                let n = chunk.len();
                if n == 0 {
                    closing();
                }
                let Some(delay) = self.delay(n) else {
                    // Lost, as all that follows. The other side hears of no end either; but the lab hears who has closed.
                    match (n, self.direction) {
                        (0, Direction::Out) => return Err(io::ErrorKind::ConnectionAborted.into()),
                        (0, Direction::Back) => return std::future::pending().await,
                        _ => continue,
                    }
                };
                let due = Instant::now() + delay;
                // Nobody is there to take it when the other half has failed, and then so does this.
                if sender.send((due, chunk)).await.is_err() || n == 0 {
                    return Ok(());
                }
            }
        };
        let write = async {
            while let Some((due, chunk)) = on_the_way.recv().await {
                sleep_until(due).await;
                if let Some(look) = &mut look {
                    look.open().await;
                }
                if chunk.is_empty() {
                    return to.shutdown().await;
                }
                to.write_all(&chunk).await?;
            }
            Ok(())
        };
        tokio::try_join!(read, write).map(|_| ())
    }

    /// The next chunk; an empty one is the end. When the contestant closes a wire that is held, that is an error, and the wire
    /// ends: there is nothing left that could be restored.
    async fn read(&mut self, from: &mut ReadHalf<'_>) -> io::Result<Vec<u8>> {
        let mut chunk = Vec::with_capacity(CHUNK);
        let Some(look) = &mut self.look else {
            from.read_buf(&mut chunk).await?;
            return Ok(chunk);
        };
        loop {
            if look.is_held() {
                let from_contestant = self.direction == Direction::Out;
                tokio::select! {
                    () = look.open() => {}
                    () = until_closed(from.as_ref()), if from_contestant => {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                }
            }
            tokio::select! {
                // First the hand, so that nothing is read once it is there.
                biased;
                () = look.held() => {}
                read = from.read_buf(&mut chunk) => return read.map(|_| chunk),
            }
        }
    }

    /// `None`: it never arrives.
    fn delay(&mut self, bytes: usize) -> Option<Duration> {
        let by_hand = self.look.as_ref().map_or(Duration::ZERO, Look::delay);
        let by_road = match &mut self.ride {
            Some(ride) => ride.takes(bytes)?,
            None => Duration::ZERO,
        };
        Some(by_hand + by_road)
    }
}
