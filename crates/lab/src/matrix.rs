//! `netsplit run matrix`: the short form of every scenario against every contestant, a record for each pair.
//!
//! It takes more than an hour, so it must bear to be interrupted: each cell's record gets its final name when its turn is over, and
//! the next `run matrix` into the same directory goes on with the cells that have none. A contestant that failed has had its turn;
//! one that was skipped is tried again, for its tools may be there now. To run a cell again, delete its file.
//!
//! Most cells run alone, scenario by scenario. After them come those of scenarios that mostly wait, a few at a time (`short.abreast`).
//!
//! Invariant: a file with its final name is a whole record of one turn, and of the plan that it would be run with today; and
//! before the first turn all builds are over.
//! Next: `archive.rs`, which reads the directory back; `run.rs`, one turn.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use anyhow::{Context as _, ensure};
use tokio::sync::Mutex;

use crate::{
    app::until_interrupted,
    archive,
    certificate::Identity,
    clock::Clock,
    contestant::build::Builds,
    interrupt::{Interrupt, Watch},
    manifest::{Entry, Manifest},
    namespace,
    origin::grpc,
    out,
    plan::Plan,
    progress::{Progress, say},
    record::{Record, Status, reader, writer},
    run::Job,
    scenario,
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

/// How many turns run beside each other where a scenario lets them. Their contestants start at the same time, too, and a virtual
/// machine takes a second of a core for that.
const ABREAST: usize = 3;

/// A scenario with a contestant.
struct Cell<'a> {
    plan: &'a Plan,
    entry: &'a Entry,
    /// Where its record stands when it is whole.
    path: PathBuf,
}

impl Cell<'_> {
    fn goes_abreast(&self) -> bool {
        scenario::goes_abreast(&self.plan.name) && self.plan.bears_neighbours()
    }
}

/// What all cells share.
struct Common {
    identity: Identity,
    authority: PathBuf,
    builds: Arc<Mutex<Builds>>,
    /// When the first turn began, and how many have begun of how many.
    start: Instant,
    begun: AtomicUsize,
    all: usize,
}

/// Cells of which each has its turn, of one or several takers.
struct Queue<'a> {
    cells: &'a [Cell<'a>],
    next: AtomicUsize,
    /// There are no more turns: a signal came, or a record could not be written.
    over: AtomicBool,
}

impl Matrix {
    /// Runs what has not run yet, until the end or a signal. When this returns, no child is left.
    pub(crate) async fn run(&self, signal: &Watch) -> anyhow::Result<Option<Interrupt>> {
        let cells = self.cells_to_run()?;
        let identity = Identity::make()?;
        let authority = out::publish(&identity, &self.dir)?;
        let all = cells.len();
        let (abreast, alone): (Vec<_>, Vec<_>) = cells.into_iter().partition(Cell::goes_abreast);
        let mut builds = Builds::default();
        if let Some(interrupt) = self.build(&mut builds, &alone, &abreast, signal).await {
            return Ok(Some(interrupt));
        }
        let builds = Arc::new(Mutex::new(builds));
        let begun = AtomicUsize::new(0);
        let common = Common { identity, authority, builds, start: Instant::now(), begun, all };
        if let Some(interrupt) = self.turns(&Queue::of(&alone), self.progress, &common, signal).await? {
            return Ok(Some(interrupt));
        }
        // Bars of several would stand in each other's way.
        let progress = if self.progress == Progress::Bars { Progress::Lines } else { self.progress };
        let queue = Queue::of(&abreast);
        let takers: [_; ABREAST] = std::array::from_fn(|_| self.turns(&queue, progress, &common, signal));
        let [first, second, third] = takers;
        // All are waited for, for each has a child to end.
        let (first, second, third) = tokio::join!(first, second, third);
        Ok(first?.or(second?).or(third?))
    }

    /// Builds what will have a turn. Inside a namespace everything is built already, outside, and this finds little to do.
    async fn build(
        &self,
        builds: &mut Builds,
        alone: &[Cell<'_>],
        abreast: &[Cell<'_>],
        signal: &Watch,
    ) -> Option<Interrupt> {
        let progress = if namespace::is_private() { Progress::Quiet } else { self.progress };
        let mut signal = signal.clone();
        let can_run = |cell: &&Cell<'_>| {
            let is_barred = self.obstacle.is_some() && cell.plan.script.needs_namespace();
            !is_barred && cell.entry.missing().is_empty()
        };
        let built = async {
            for cell in alone.iter().chain(abreast).filter(can_run) {
                _ = builds.build(cell.entry, &self.manifest.target, progress).await;
            }
        };
        tokio::select! {
            () = built => None,
            interrupt = signal.interrupted() => Some(interrupt),
        }
    }

    /// Takes turns from the queue until there are none, or a signal comes.
    async fn turns(
        &self,
        queue: &Queue<'_>,
        progress: Progress,
        common: &Common,
        signal: &Watch,
    ) -> anyhow::Result<Option<Interrupt>> {
        let mut signal = signal.clone();
        while let Some(cell) = queue.take() {
            if progress != Progress::Quiet {
                let (scenario, contestant) = (&cell.plan.name, &cell.entry.name);
                say(&format!("{scenario} with {contestant} ({})", common.how_far()));
            }
            let ended = self.turn(cell, progress, common, &mut signal).await;
            if !matches!(ended, Ok(None)) {
                queue.over.store(true, Relaxed);
                return ended;
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
        progress: Progress,
        common: &Common,
        signal: &mut Watch,
    ) -> anyhow::Result<Option<Interrupt>> {
        let part = cell.path.with_extension("part");
        // What an interruption left; nobody's record.
        _ = fs::remove_file(&part);
        let (recorder, writer) = writer::create(&part, Clock::start())
            .with_context(|| format!("can't begin the record {}", part.display()))?;
        recorder.write(out::head(cell.plan));
        let job = self.job(cell, progress, common, recorder.clone());
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

    fn job(&self, cell: &Cell<'_>, progress: Progress, common: &Common, recorder: writer::Recorder) -> Job {
        let Manifest { root, target, .. } = &self.manifest;
        let (root, target) = (root.clone(), target.clone());
        let grpc = grpc::Program::at(&root, &target);
        Job {
            manifest: Manifest { root, target, entries: vec![cell.entry.clone()] },
            plan: cell.plan.clone(),
            props: Props { identity: common.identity.clone(), grpc, recorder },
            obstacle: self.obstacle.clone().filter(|_| cell.plan.script.needs_namespace()),
            authority: common.authority.clone(),
            progress,
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

impl Common {
    /// Which turn begins now, and how long it will take until the last has ended, from those that have.
    fn how_far(&self) -> String {
        let (begun, all) = (self.begun.fetch_add(1, Relaxed), self.all);
        let Some(each) =
            u32::try_from(begun).ok().filter(|begun| *begun > 0).map(|n| self.start.elapsed() / n)
        else {
            return format!("1 of {all}");
        };
        let minutes = (each * u32::try_from(all - begun).unwrap_or(u32::MAX)).as_secs_f64() / 60.0;
        format!("{} of {all}, about {minutes:.0} min left", begun + 1)
    }
}

impl<'a> Queue<'a> {
    fn of(cells: &'a [Cell<'a>]) -> Self {
        Self { cells, next: AtomicUsize::new(0), over: AtomicBool::new(false) }
    }

    fn take(&self) -> Option<&'a Cell<'a>> {
        if self.over.load(Relaxed) {
            return None;
        }
        self.cells.get(self.next.fetch_add(1, Relaxed))
    }
}
