//! A lane: one contestant under steady load, with a stage of its own, for as long as the page is served.
//!
//! It is the experiment of `experiment/`, with a plan that cuts nothing and does not end. What it records is shown and
//! forgotten.
//!
//! Invariant: a contestant that can't run, or breaks the protocol, ends its own lane and says why there.
//! Next: `hub.rs`, where its records go.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    certificate::Identity,
    contestant::{Contestant, build::Builds},
    experiment::Experiment,
    manifest::{Entry, Manifest},
    origin::grpc,
    plan::Plan,
    progress::Progress,
    record::{Record, Status, writer::Recorder},
    run, stage,
    stage::Stage,
    wires::Wires,
};

/// One contestant.
pub(super) struct Lane {
    entry: Entry,
    wires: Arc<Wires>,
    recorder: Recorder,
    fit: bool,
}

/// What all lanes share.
pub(super) struct Props {
    plan: Plan,
    identity: Identity,
    grpc: grpc::Program,
    /// The file with the authority's certificate, for contestants to read.
    authority: PathBuf,
}

impl Props {
    pub(super) fn new(manifest: &Manifest, plan: Plan, identity: Identity, authority: PathBuf) -> Self {
        let grpc = grpc::Program::at(&manifest.root, &manifest.target);
        Self { plan, identity, grpc, authority }
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    fn with(&self, recorder: Recorder) -> stage::Props {
        stage::Props { identity: self.identity.clone(), grpc: self.grpc.clone(), recorder }
    }
}

impl Lane {
    pub(super) fn new(entry: Entry, plan: &Plan, recorder: Recorder) -> Self {
        let wires = Arc::new(Wires::by_hand(plan, recorder.clone()));
        Self { entry, wires, recorder, fit: true }
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    pub(super) fn wires(&self) -> &Wires {
        &self.wires
    }

    /// Builds its program, if need be and if it can be. Otherwise the lane has ended.
    pub(super) async fn build(&mut self, builds: &mut Builds, target: &Path) {
        let unfit = match self.entry.obstacle() {
            Some(reason) => Some((Status::Skipped, reason)),
            None => {
                let built = builds.build(&self.entry, target, Progress::fitting(false)).await;
                built.err().map(|reason| (Status::Failed, reason))
            }
        };
        if let Some((status, reason)) = unfit {
            self.fit = false;
            self.end(status, reason);
        }
    }

    /// Plays until it is dropped, or the contestant ends it.
    pub(super) async fn play(self: Arc<Self>, props: Arc<Props>) {
        if !self.fit {
            return;
        }
        if let Err(reason) = self.try_play(&props).await {
            self.end(Status::Failed, reason);
        }
    }

    async fn try_play(&self, props: &Props) -> Result<(), String> {
        let plan = &props.plan;
        let for_stage = props.with(self.recorder.clone());
        let set_up = Stage::around(Arc::clone(&self.wires), &for_stage, plan, self.entry.protocol);
        let stage = set_up.await.map_err(|error| error.to_string())?;
        let cutter = stage.cutter(plan).await.map_err(|error| error.to_string())?;
        let started = Contestant::start(&self.entry, &props.authority, stage.scheme);
        let mut contestant = started.map_err(|breach| breach.to_string())?;
        let bar = Progress::Quiet.bar(&self.entry.name, plan);
        let mut experiment = Experiment {
            plan,
            stage: &stage,
            cutter,
            recorder: &self.recorder,
            bar: &bar,
            contestant: &mut contestant,
        };
        match experiment.run().await {
            Ok(()) => Ok(()),
            Err(breach) => Err(run::explain(breach, contestant).await),
        }
    }

    fn end(&self, status: Status, reason: String) {
        self.recorder.write(Record::End { at: self.recorder.now(), status, reason: Some(reason) });
    }
}
