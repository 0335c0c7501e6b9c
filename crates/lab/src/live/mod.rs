//! `netsplit live`: contestants side by side under steady load, on a page where a click cuts a wire.
//!
//! The point of the whole lab, seen in ten seconds: one client loses a request, the next loses all that follow. Nothing is
//! measured here that a report could use, and nothing is recorded.
//!
//! A cut of this page can be undone, so it is no fault of `fault/` but a wire that is held (`wires/way.rs`): to both ends a
//! stall, as long as it lasts.
//!
//! Invariant: it listens on loopback only; when `serve` returns, no contestant is left, and no file.
//! Next: `api.rs`, what the page asks for; `hub.rs`, what it is told; `door.rs`, who is let in.

mod api;
mod deed;
mod door;
mod hub;
mod lane;
mod page;
mod server;
mod tally;

use std::{
    convert::Infallible,
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use tokio::task::JoinSet;

use self::{
    api::Api,
    door::{Door, Token, hexadecimal},
    hub::Hub,
    lane::{Lane, Props},
};
use crate::{
    args::LiveArgs,
    certificate::Identity,
    clock::Clock,
    contestant::build::Builds,
    interrupt::{self, Interrupt},
    manifest::Manifest,
    out,
    plan::{Overrides, Plan},
    progress::say,
    record::{WARM_UP, writer},
    scenario,
};

/// Serves until a signal.
pub(crate) async fn serve(manifest: Manifest, args: &LiveArgs) -> anyhow::Result<Interrupt> {
    let mut signal = interrupt::watch()?;
    let mut tasks = JoinSet::new();
    let ended = tokio::select! {
        ended = show(manifest, args, &mut tasks) => ended.map(|never| match never {}),
        interrupt = signal.interrupted() => Ok(interrupt),
    };
    // Ending a task kills its contestant.
    tasks.shutdown().await;
    ended
}

/// Does not return but with an error.
async fn show(manifest: Manifest, args: &LiveArgs, tasks: &mut JoinSet<()>) -> anyhow::Result<Infallible> {
    let plan = plan(args)?;
    // Before the builds: that a port is taken should not be found out after minutes.
    let listening = server::listen(args.port).await;
    let (listener, address) =
        listening.with_context(|| format!("can't listen on 127.0.0.1:{}", args.port))?;
    let clock = Clock::start();
    let mut lanes = Vec::new();
    let mut builds = Builds::default();
    for entry in &manifest.entries {
        let (recorder, unwritten) = writer::unwritten(clock);
        let mut lane = Lane::new(entry.clone(), &plan, recorder);
        lane.build(&mut builds, &manifest.target).await;
        lanes.push((Arc::new(lane), unwritten));
    }
    let identity = Identity::make()?;
    let papers = Papers(out::make(None, &manifest.root, &plan.name)?);
    let authority = out::publish(&identity, &papers.0)?;
    let props = Arc::new(Props::new(&manifest, plan, identity, authority));
    for (lane, _) in &lanes {
        tasks.spawn(Arc::clone(lane).play(Arc::clone(&props)));
    }
    let hub = Arc::new(Hub::new(hexadecimal(&random::<8>()?), props.plan().pace.clone(), lanes));
    let door = Door::new(address.port(), Token::new(random()?));
    tasks.spawn(server::run(listener, Arc::new(Api { door, hub: Arc::clone(&hub), clock })));
    announce(&address.to_string());
    hub.run(|| clock.now()).await
}

/// The load: steady, and slow enough for eyes.
fn plan(args: &LiveArgs) -> anyhow::Result<Plan> {
    let typed = Overrides {
        unplug_interval: Some(0),
        timeout_ms: Some(args.request_timeout),
        workers: Some(args.workers),
        think_ms: Some(args.think),
        ..Overrides::default()
    };
    let mut plan = typed.apply(scenario::plan(scenario::DEFAULT)?);
    plan.name = "live".to_owned();
    // More than fit into any life; the numbers above are those of the warm-up.
    plan.stop.requests = WARM_UP;
    Ok(plan)
}

/// The directory with the authority's certificate; gone when it is dropped.
struct Papers(PathBuf);

impl Drop for Papers {
    fn drop(&mut self) {
        // Nothing secret is in it, and Git ignores it: what can't be removed may stay.
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// From the system's source of randomness, by way of TLS's.
fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| anyhow::anyhow!("there is no randomness to be had"))?;
    Ok(bytes)
}

/// The address goes to standard output, where a script can read it.
fn announce(address: &str) {
    let mut stdout = io::stdout().lock();
    _ = writeln!(stdout, "http://{address}/").and_then(|()| stdout.flush());
    say("open it in a browser; click a wire to cut it; Ctrl-C ends everything");
}
