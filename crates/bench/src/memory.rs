//! The rows about memory: how much more is resident with so many connections, or requests, than without.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clients::{Client, HOLD_PATH, Spot};
use crate::load::open_all;
use crate::record::{Measurement, Task};
use crate::usage;

/// Long enough for all to have been sent and for buffers to come to rest; shorter than our own server holds answers back.
const REST: Duration = Duration::from_secs(1);

/// Of one connection that has had a request and has none now.
pub(crate) async fn idle<C: Client>(client: &Arc<C>, connections: usize) -> anyhow::Result<Measurement> {
    // The first brings what is needed once: the runtime's and the resolver's threads, lazy tables.
    client.open(Spot { origin: connections, worker: 0 }).await?;
    let before = usage::resident()?;
    open_all(client, connections, 1).await?;
    tokio::time::sleep(REST).await;
    told(before, connections)
}

/// Of one request whose answer does not come, its task (the same for all contestants) included.
pub(crate) async fn in_flight<C: Client>(client: &Arc<C>, task: &Task) -> anyhow::Result<Measurement> {
    let (origins, requests) = (task.work.origins(), task.work.concurrency());
    open_all(client, origins, 1).await?;
    let before = usage::resident()?;
    let mut waiting = JoinSet::new();
    for worker in 0..requests {
        let (client, spot) = (Arc::clone(client), Spot { origin: worker % origins, worker });
        waiting.spawn(async move { client.get(spot, HOLD_PATH).await });
    }
    tokio::time::sleep(REST).await;
    if let Some(ended) = waiting.try_join_next() {
        anyhow::bail!("an answer came that was to wait: {ended:?}");
    }
    told(before, requests)
}

fn told(before: u64, count: usize) -> anyhow::Result<Measurement> {
    let more = usage::resident()?.saturating_sub(before);
    let each_kib = Some(more as f64 / count as f64);
    Ok(Measurement { requests: count as u64, peak_kib: usage::peak()?, each_kib, ..Measurement::default() })
}
