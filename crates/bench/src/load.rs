//! The load: so many workers, each with one request at a time (a closed loop).
//!
//! Closed, because the cost of a request is the question here, and all contestants are asked the same. (netsplit's load,
//! which asks about loss, has deadlines.) Invariant: a request that fails ends the measurement: nothing may fail here.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::clients::{BIG_PATH, Client, SMALL_PATH, Spot};
use crate::record::{Latency, Measurement, Task};
use crate::rows::Work;
use crate::usage::{self, Cpu};

/// Longer latencies are told as this.
const LONGEST: Duration = Duration::from_secs(60);

/// Measures a row that is about time.
pub(crate) async fn measure<C: Client>(client: &Arc<C>, task: &Task) -> anyhow::Result<Measurement> {
    open_all(client, task.work.origins(), task.connections).await?;
    if task.work.is_bulk() {
        run(client, task, Goal::Requests(1), task.bytes_each.min(16 << 20)).await?;
    } else {
        run(client, task, Goal::Until(Instant::now() + Duration::from_secs_f64(task.warm_up)), 0).await?;
    }
    let (cpu, start) = (Cpu::own()?, Instant::now());
    let goal = match task.work {
        Work::Download { .. } | Work::Upload { .. } => Goal::Requests(1),
        _ => Goal::Until(start + Duration::from_secs_f64(task.seconds)),
    };
    let (latencies, bytes) = run(client, task, goal, task.bytes_each).await?;
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), Cpu::own()?.since(cpu));
    Ok(Measurement {
        requests: latencies.len(),
        bytes,
        seconds,
        user: cpu.user,
        system: cpu.system,
        latency: Some(percentiles(&latencies)),
        peak_kib: usage::peak()?,
        each_kib: None,
    })
}

/// Has a connection open to each origin, 64 at a time.
pub(crate) async fn open_all<C: Client>(
    client: &Arc<C>,
    origins: usize,
    connections: usize,
) -> anyhow::Result<()> {
    let mut opening = JoinSet::new();
    for origin in 0..origins {
        for worker in 0..connections {
            let client = Arc::clone(client);
            opening.spawn(async move { client.open(Spot { origin, worker }).await });
            if opening.len() >= 64 {
                opening.join_next().await.transpose()?.transpose()?;
            }
        }
    }
    while let Some(opened) = opening.join_next().await {
        opened??;
    }
    Ok(())
}

/// When a worker is done.
#[derive(Clone, Copy)]
enum Goal {
    Until(Instant),
    Requests(u64),
}

/// What workers did. One for all: a histogram each would be most of a small client's memory.
struct Tally {
    /// In nanoseconds.
    latencies: Mutex<Histogram<u64>>,
    bytes: AtomicU64,
}

impl Tally {
    fn note(&self, latency: Duration, bytes: u64) {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.saturating_record(latency.as_nanos() as u64);
        drop(latencies);
        self.bytes.fetch_add(bytes, Relaxed);
    }
}

async fn run<C: Client>(
    client: &Arc<C>,
    task: &Task,
    goal: Goal,
    bytes_each: u64,
) -> anyhow::Result<(Histogram<u64>, u64)> {
    let latencies = Histogram::new_with_bounds(100, LONGEST.as_nanos() as u64, 3)?;
    let tally = Arc::new(Tally { latencies: Mutex::new(latencies), bytes: AtomicU64::new(0) });
    let mut workers = JoinSet::new();
    for worker in 0..task.work.concurrency() {
        let (client, task, tally) = (Arc::clone(client), task.clone(), Arc::clone(&tally));
        workers.spawn(async move { work(&*client, &task, worker, goal, bytes_each, &tally).await });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let latencies = tally.latencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((latencies, tally.bytes.load(Relaxed)))
}

async fn work<C: Client>(
    client: &C,
    task: &Task,
    worker: usize,
    goal: Goal,
    bytes_each: u64,
    tally: &Tally,
) -> anyhow::Result<()> {
    let (origins, concurrency) = (task.work.origins(), task.work.concurrency());
    let mut origin = worker % origins;
    let mut before = Instant::now();
    for request in 1.. {
        let spot = Spot { origin, worker };
        let bytes = match task.work {
            Work::Download { .. } => client.get(spot, BIG_PATH).await?,
            Work::Upload { .. } => client.put(spot, bytes_each).await?,
            Work::Small { .. } | Work::Idle { .. } | Work::InFlight { .. } => {
                client.get(spot, SMALL_PATH).await?
            }
        };
        let now = Instant::now();
        tally.note(now - before, bytes);
        before = now;
        origin = (origin + concurrency) % origins;
        match goal {
            Goal::Until(end) if now >= end => break,
            Goal::Requests(wanted) if request >= wanted => break,
            Goal::Until(_) | Goal::Requests(_) => {}
        }
    }
    Ok(())
}

fn percentiles(latencies: &Histogram<u64>) -> Latency {
    let micros = |nanos: u64| nanos as f64 / 1e3;
    let at = |percentile| micros(latencies.value_at_percentile(percentile));
    Latency { p50: at(50.0), p90: at(90.0), p99: at(99.0), p999: at(99.9), max: micros(latencies.max()) }
}
