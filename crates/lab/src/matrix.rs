//! `netsplit run matrix`: the short form of every scenario against every contestant, a record for each pair.
//!
//! It takes more than an hour, so it must bear to be interrupted: each cell's record gets its final name when its turn is over, and
//! the next `run matrix` into the same directory goes on with the cells that have none. A contestant that failed has had its turn;
//! one that was skipped is tried again, for its tools may be there now. To run a cell again, delete its file.
//!
//! Invariant: a file with its final name is a whole record of one turn, and of the plan that it would be run with today.
//! Next: `archive.rs`, which reads the directory back; `run.rs`, one turn.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, ensure};
use tokio::sync::{Mutex, oneshot};

use crate::{
    app::until_interrupted,
    archive,
    certificate::Identity,
    clock::Clock,
    contestant::build::Builds,
    interrupt::Interrupt,
    manifest::{Entry, Manifest},
    origin::grpc,
    out,
    plan::Plan,
    progress::{Progress, say},
    record::{Record, Status, reader, writer},
    run::Job,
    stage::Props,
};

/// What is to be run, and where the records go.
pub(crate) struct Matrix {
    pub(crate) manifest: Manifest,
    pub(crate) plans: Vec<Plan>,
    pub(crate) dir: PathBuf,
    /// Why plans about packets can't be carried out here.
    pub(crate) obstacle: Option<String>,
    pub(crate) progress: Progress,
    pub(crate) json: bool,
}

/// A scenario with a contestant.
struct Cell<'a> {
    plan: &'a Plan,
    entry: &'a Entry,
    /// Where its record stands when it is whole.
    path: PathBuf,
}

/// What all cells share.
struct Common {
    identity: Identity,
    authority: PathBuf,
    builds: Arc<Mutex<Builds>>,
}

impl Matrix {
    /// Runs what has not run yet, until the end or a signal. When this returns, no child is left.
    pub(crate) async fn run(
        &self,
        signal: &mut oneshot::Receiver<Interrupt>,
    ) -> anyhow::Result<Option<Interrupt>> {
        let cells = self.cells_to_run()?;
        let identity = Identity::make()?;
        let authority = out::publish(&identity, &self.dir)?;
        let common = Common { identity, authority, builds: Arc::default() };
        let start = Instant::now();
        for (n, cell) in cells.iter().enumerate() {
            if self.progress != Progress::Quiet {
                say(&format!(
                    "{} with {} ({}{})",
                    cell.plan.name,
                    cell.entry.name,
                    n + 1,
                    left(start, n, cells.len())
                ));
            }
            if let Some(interrupt) = self.turn(cell, &common, signal).await? {
                return Ok(Some(interrupt));
            }
        }
        Ok(None)
    }

    /// Those without a whole record, scenario by scenario. Looks at all before any runs.
    fn cells_to_run(&self) -> anyhow::Result<Vec<Cell<'_>>> {
        let mut cells = Vec::new();
        for plan in &self.plans {
            let scenario = self.dir.join(&plan.name);
            fs::create_dir_all(&scenario).with_context(|| format!("can't make {}", scenario.display()))?;
            for entry in &self.manifest.entries {
                let path = scenario.join(format!("{}.{}", entry.name, archive::DONE));
                if !is_done(&path, plan)? {
                    cells.push(Cell { plan, entry, path });
                }
            }
        }
        Ok(cells)
    }

    async fn turn(
        &self,
        cell: &Cell<'_>,
        common: &Common,
        signal: &mut oneshot::Receiver<Interrupt>,
    ) -> anyhow::Result<Option<Interrupt>> {
        let part = cell.path.with_extension("part");
        // What an interruption left; nobody's record.
        _ = fs::remove_file(&part);
        let (recorder, writer) = writer::create(&part, Clock::start())
            .with_context(|| format!("can't begin the record {}", part.display()))?;
        recorder.write(out::head(cell.plan));
        let job = self.job(cell, common, recorder.clone());
        let (result, interrupt) = until_interrupted(job, self.json, signal).await;
        if let Some(interrupt) = interrupt {
            recorder.write(Record::Stopped { at: recorder.now(), by: interrupt.name.to_owned() });
        }
        writer.finish().with_context(|| format!("the record {} is not whole", part.display()))?;
        result?;
        if interrupt.is_none() {
            fs::rename(&part, &cell.path).with_context(|| format!("can't keep {}", cell.path.display()))?;
        }
        Ok(interrupt)
    }

    fn job(&self, cell: &Cell<'_>, common: &Common, recorder: writer::Recorder) -> Job {
        let Manifest { root, target, .. } = &self.manifest;
        let (root, target) = (root.clone(), target.clone());
        let grpc = grpc::Program::at(&root, &target);
        Job {
            manifest: Manifest { root, target, entries: vec![cell.entry.clone()] },
            plan: cell.plan.clone(),
            props: Props { identity: common.identity.clone(), grpc, recorder },
            obstacle: self.obstacle.clone().filter(|_| cell.plan.script.needs_namespace()),
            authority: common.authority.clone(),
            progress: self.progress,
            builds: Arc::clone(&common.builds),
        }
    }
}

/// Whether this record need not be made again.
fn is_done(path: &Path, plan: &Plan) -> anyhow::Result<bool> {
    let records = match reader::read(path) {
        Ok(records) => records,
        Err(_) if !reader::is_there(path) => return Ok(false),
        Err(error) => return Err(error),
    };
    if let Some(Record::Run { plan: earlier, .. }) = records.first() {
        ensure!(
            **earlier == *plan,
            "{} was run with another plan ({earlier}); name another directory, or the same flags as then",
            path.display()
        );
    }
    let skipped = |record: &Record| matches!(record, Record::End { status: Status::Skipped, .. });
    if records.iter().any(skipped) {
        reader::remove(path).with_context(|| format!("can't remove {}", path.display()))?;
        return Ok(false);
    }
    Ok(true)
}

/// How far it is, from the cells that have run.
fn left(start: Instant, done: usize, all: usize) -> String {
    let Some(each) = u32::try_from(done).ok().filter(|done| *done > 0).map(|done| start.elapsed() / done)
    else {
        return format!(" of {all}");
    };
    let minutes = (each * u32::try_from(all - done).unwrap_or(u32::MAX)).as_secs_f64() / 60.0;
    format!(" of {all}, about {minutes:.0} min left")
}
