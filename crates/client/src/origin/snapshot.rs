//! What the tables look like at one moment: what the pool thinks of its connections, and what the glue knows of them.
//!
//! Invariant: looking changes nothing. Next: [`crate::PoolSnapshot`].

use std::time::Duration;

use outlive_core::{Time, View};

use super::{Ledger, Origin};
use crate::connection::Connection;
use crate::seeing::{ConnectionSnapshot, OriginSnapshot};

impl Origin {
    /// What it looks like now.
    pub(crate) fn snapshot(&self) -> OriginSnapshot {
        let now = self.clock.now();
        let ledger = self.lock();
        let (requests, waiting) = (ledger.requests.len(), ledger.pool.waiting() as usize);
        let mut connections: Vec<_> = ledger.snapshots(now).collect();
        drop(ledger);
        connections.sort_unstable_by_key(|connection| connection.connection);
        OriginSnapshot { origin: self.name.clone(), requests, waiting, connections }
    }
}

impl Ledger {
    fn snapshots(&self, now: Time) -> impl Iterator<Item = ConnectionSnapshot> + '_ {
        self.pool.connections().filter_map(move |view| {
            let entry = self.connections.get(&view.connection)?;
            let kernel = entry.look();
            let silence = kernel.and_then(|kernel| self.pool.silence(view.connection, now, kernel.figures()));
            let silence = entry.blames(silence.map(Into::into));
            Some(ConnectionSnapshot { silence, kernel, ..snapshot(&view, entry, now) })
        })
    }
}

fn snapshot(view: &View, entry: &Connection, now: Time) -> ConnectionSnapshot {
    let ago = |at: Time| Duration::from_micros(now.since(at).as_micros());
    let testimony = entry.testimony(now);
    let (bytes_in, bytes_out) = entry.bytes();
    ConnectionSnapshot {
        connection: view.connection.0,
        address: testimony.address,
        version: entry.version(),
        state: view.life.into(),
        health: view.health.into(),
        since: ago(view.since),
        age: ago(entry.since()),
        reason: testimony.reason,
        streams: view.streams,
        in_use: view.in_use,
        given_up: view.given_up,
        requests: entry.served(),
        last_proven: testimony.proven,
        last_heard: entry.heard_at().map(ago),
        rtt: view.rtt.map(|rtt| Duration::from_micros(rtt.as_micros())),
        bytes_in,
        bytes_out,
        silence: testimony.silence,
        kernel: testimony.kernel,
    }
}
