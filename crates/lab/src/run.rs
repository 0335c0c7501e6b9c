//! A run: build all contestants, then give each its turn.
//!
//! Nothing a contestant does can end the run. Its failure is its row's.
//!
//! Invariant: every contestant of the manifest gets a `begin` and an `end` in the record, unless the run is stopped.
//! Dropping the future of `run` kills whatever child is alive.
//! Next: `experiment.rs`, a turn's inside; `app.rs`, what comes before and after.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use tokio::sync::Mutex;

use crate::{
    contestant::{Breach, Contestant, build::Builds},
    experiment::Experiment,
    manifest::{Entry, Manifest},
    namespace,
    plan::{Plan, Server},
    progress::Progress,
    record::{Record, Status, writer::Recorder},
    stage::{Props, Stage},
    summary::{self, Row},
};

/// All that a run needs.
pub(crate) struct Job {
    pub(crate) manifest: Manifest,
    pub(crate) plan: Plan,
    pub(crate) props: Props,
    /// Why this plan can't be carried out here.
    pub(crate) obstacle: Option<String>,
    /// The file with the authority's certificate, for contestants to read.
    pub(crate) authority: PathBuf,
    pub(crate) progress: Progress,
    /// What was built for earlier jobs is not built again.
    pub(crate) builds: Arc<Mutex<Builds>>,
}

/// Why a contestant has no turn, or a bad one.
struct Misfortune {
    status: Status,
    reason: String,
}

impl Job {
    /// Runs all contestants; each row is handed over when its turn is over.
    pub(crate) async fn run(self, mut over: impl FnMut(Row) -> io::Result<()>) -> io::Result<()> {
        let mut unfit = self.build_all().await;
        for entry in &self.manifest.entries {
            self.begin(entry);
            let result = match unfit.remove(entry.name.as_str()) {
                Some(misfortune) => Err(misfortune),
                None => self.turn(entry).await?,
            };
            self.end(result);
            let Some(row) = summary::row(&self.plan, &self.recorder().chapter()) else {
                // Not even its `begin` was written. Why, the writer says.
                return Err(io::Error::other("the record can't be written any more"));
            };
            self.progress.over(&row.summary);
            over(row)?;
        }
        Ok(())
    }

    /// Builds what can be built, and says which contestants can't run.
    async fn build_all(&self) -> HashMap<&str, Misfortune> {
        let mut builds = self.builds.lock().await;
        // Inside a namespace everything is built already; it is asked again only for what failed.
        let progress = if namespace::is_private() { Progress::Quiet } else { self.progress };
        let mut unfit = HashMap::new();
        for entry in &self.manifest.entries {
            if let Some(reason) = self.obstacle(entry) {
                unfit.insert(entry.name.as_str(), Misfortune { status: Status::Skipped, reason });
                continue;
            }
            if let Err(reason) = builds.build(entry, &self.manifest.target, progress).await {
                unfit.insert(entry.name.as_str(), Misfortune { status: Status::Failed, reason });
            }
        }
        unfit
    }

    /// Why this contestant can't run, if nothing is to blame but what this machine has.
    fn obstacle(&self, entry: &Entry) -> Option<String> {
        if self.obstacle.is_some() {
            return self.obstacle.clone();
        }
        if let Some(reason) = entry.obstacle() {
            return Some(reason);
        }
        match self.plan.origin.server {
            Server::Hyper => None,
            Server::Grpc => self.props.grpc.obstacle(entry),
        }
    }

    fn recorder(&self) -> &Recorder {
        &self.props.recorder
    }

    /// One contestant from start to end. The outer error is the lab's own: it can't even listen.
    async fn turn(&self, entry: &Entry) -> io::Result<Result<(), Misfortune>> {
        let stage = Stage::set_up(&self.props, &self.plan, entry.protocol).await?;
        let cutter = stage.cutter(&self.plan).await?;
        let failed = |reason| Misfortune { status: Status::Failed, reason };
        let mut contestant = match Contestant::start(entry, &self.authority, stage.scheme) {
            Ok(contestant) => contestant,
            Err(breach) => return Ok(Err(failed(breach.to_string()))),
        };
        let bar = self.progress.bar(&entry.name, &self.plan);
        let mut experiment = Experiment {
            plan: &self.plan,
            stage: &stage,
            cutter,
            recorder: self.recorder(),
            bar: &bar,
            contestant: &mut contestant,
        };
        match experiment.run().await {
            Ok(()) => Ok(Ok(())),
            Err(breach) => Ok(Err(failed(explain(breach, contestant).await))),
        }
    }

    fn begin(&self, entry: &Entry) {
        self.recorder().write(Record::Begin {
            at: self.recorder().now(),
            contestant: entry.name.clone(),
            client: entry.client.clone(),
            protocol: entry.protocol,
            about: entry.about.clone(),
        });
    }

    fn end(&self, result: Result<(), Misfortune>) {
        let (status, reason) = match result {
            Ok(()) => (Status::Ran, None),
            Err(Misfortune { status, reason }) => (status, Some(reason)),
        };
        self.recorder().write(Record::End { at: self.recorder().now(), status, reason });
    }
}

/// What it did, and what it said about it itself.
pub(crate) async fn explain(breach: Breach, mut contestant: Contestant) -> String {
    let words = contestant.last_words().await;
    if words.is_empty() { breach.to_string() } else { format!("{breach}\n{}", words.join("\n")) }
}
