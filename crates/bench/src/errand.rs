//! One measurement, in a process of its own: its CPU time and its memory are the client's, and nobody else's.

use std::sync::Arc;

use tokio::runtime::Builder;

use crate::clients::{Client, HyperUtil, Outlive, RawH2, Reqwest};
use crate::contestant::Contestant;
use crate::record::{Measurement, Task};
use crate::rows::Work;
use crate::{load, memory};

/// Measures, and prints the measurement as a line of JSON.
pub(crate) fn run(what: &str) -> anyhow::Result<()> {
    let task: Task = serde_json::from_str(what)?;
    let mut runtime = match task.threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(task.threads).enable_all().build()?;
    let measurement = runtime.block_on(measure(&task))?;
    println!("{}", serde_json::to_string(&measurement)?);
    // What is in flight, or open, is not waited for.
    runtime.shutdown_background();
    Ok(())
}

async fn measure(task: &Task) -> anyhow::Result<Measurement> {
    match task.contestant {
        Contestant::Outlive => measure_with::<Outlive>(task).await,
        Contestant::RawH2 => measure_with::<RawH2>(task).await,
        Contestant::HyperUtil => measure_with::<HyperUtil>(task).await,
        Contestant::Reqwest => measure_with::<Reqwest>(task).await,
        Contestant::Go | Contestant::H2load => anyhow::bail!("it is a program of its own"),
    }
}

async fn measure_with<C: Client>(task: &Task) -> anyhow::Result<Measurement> {
    let client = Arc::new(C::new(task)?);
    match task.work {
        Work::Idle { idle } => memory::idle(&client, idle).await,
        Work::InFlight { .. } => memory::in_flight(&client, task).await,
        Work::Small { .. } | Work::Download { .. } | Work::Upload { .. } => {
            load::measure(&client, task).await
        }
    }
}
