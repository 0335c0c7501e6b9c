//! Obeys the command line: sets a run up, guards it against signals, and reports.
//!
//! Invariant: whatever happens to a run once its record exists, the record is closed, a report stands beside it, and
//! the way to it is printed.
//! Next: `run.rs`, the run itself; `report/mod.rs`, what is made of the record.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use tokio::{runtime, sync::oneshot};

use crate::{
    args::{Cli, Command, LiveArgs, ReportArgs, RunArgs},
    certificate::Identity,
    clock::Clock,
    contestant::{build::Builds, guard},
    interrupt::{self, Interrupt},
    list, live,
    manifest::Manifest,
    namespace,
    origin::grpc,
    out,
    plan::Plan,
    progress::{Progress, say},
    record::{self, Record, Status, reader, writer},
    report,
    run::Job,
    scenario,
    stage::Props,
    summary::{self, Row, Run},
};

/// A contestant failed, or the lab itself could not go on.
const FAILED: u8 = 1;
/// The command line is wrong; clap's own status for it.
const USAGE: u8 = 2;

/// More threads than this only hand work to each other: origin and proxy do little per request.
const THREADS: usize = 4;

/// Does what was asked for.
pub(crate) fn obey(cli: Cli) -> ExitCode {
    let (status, result) = match cli.command {
        Some(Command::Guard { program }) => return guard::become_program(&program),
        Some(Command::List(args)) => (USAGE, list::print(args.manifest.as_deref())),
        Some(Command::Report(args)) => (USAGE, report_again(&args)),
        Some(Command::Live(args)) => return live(&args),
        Some(Command::Run(args)) => return run(&args),
        None => return run(&cli.run),
    };
    result.map_or_else(|error| complain(&error, status), |()| ExitCode::SUCCESS)
}

fn complain(error: &anyhow::Error, status: u8) -> ExitCode {
    say(&format!("netsplit: {error:#}"));
    ExitCode::from(status)
}

fn run(args: &RunArgs) -> ExitCode {
    let prepared = Prepared::from(args);
    match prepared {
        Ok(prepared) => {
            prepared.settle_in().and_then(Prepared::run).unwrap_or_else(|error| complain(&error, FAILED))
        }
        Err(error) => complain(&error, USAGE),
    }
}

fn live(args: &LiveArgs) -> ExitCode {
    let manifest = Manifest::load(args.manifest.manifest.as_deref())
        .and_then(|mut manifest| manifest.keep(&args.only).map(|()| manifest));
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(error) => return complain(&error, USAGE),
    };
    let served = runtime().map_err(Into::into).and_then(|runtime| {
        let served = runtime.block_on(live::serve(manifest, args));
        runtime.shutdown_background();
        served
    });
    served.map_or_else(|error| complain(&error, FAILED), |interrupt| ExitCode::from(interrupt.exit_status()))
}

fn report_again(args: &ReportArgs) -> anyhow::Result<()> {
    let run = read(&args.dir)?;
    if args.json {
        run.rows.iter().for_each(print_json);
        return Ok(());
    }
    report::write(&args.dir, &run)?;
    show(&run);
    say(&format!("report: {}", args.dir.join(report::MARKDOWN).display()));
    Ok(())
}

/// A run that has all it needs, and has not touched anything yet.
struct Prepared {
    plan: Plan,
    manifest: Manifest,
    out: Option<PathBuf>,
    /// Why this plan can't be carried out here.
    obstacle: Option<String>,
    progress: Progress,
    json: bool,
}

impl Prepared {
    fn from(args: &RunArgs) -> anyhow::Result<Self> {
        let plan = args.overrides.to_overrides().apply(scenario::plan(&args.scenario)?);
        let mut manifest = Manifest::load(args.manifest.manifest.as_deref())?;
        manifest.keep(&args.only)?;
        let progress = Progress::fitting(args.quiet);
        Ok(Self { plan, manifest, out: args.out.clone(), obstacle: None, progress, json: args.json })
    }

    /// Where the plan is about packets, goes on in a network namespace: then this returns only when that fails, or in
    /// the lab that is inside already.
    fn settle_in(mut self) -> anyhow::Result<Self> {
        if !self.plan.script.needs_namespace() {
            return Ok(self);
        }
        if namespace::is_private() {
            namespace::furnish()?;
            return Ok(self);
        }
        match namespace::way() {
            Err(reason) => self.obstacle = Some(reason),
            Ok(way) => {
                // There is no network inside, so whatever a build must fetch is fetched here. The builds inside find
                // nothing left to do, and what fails here fails there again, with its row.
                runtime()?.block_on(build_all(&self.manifest, self.progress));
                let error = namespace::enter(way, std::env::args_os().skip(1));
                anyhow::bail!("can't enter a network namespace: {error}");
            }
        }
        Ok(self)
    }

    fn run(self) -> anyhow::Result<ExitCode> {
        let runtime = runtime()?;
        let status = runtime.block_on(self.run_and_report());
        // An origin that still sleeps over a slow answer is nobody's concern any more.
        runtime.shutdown_background();
        status
    }

    async fn run_and_report(self) -> anyhow::Result<ExitCode> {
        let mut signal = interrupt::watch()?;
        let Prepared { plan, manifest, out, obstacle, progress, json } = self;
        let dir = out::make(out, &manifest.root, &plan)?;
        let path = dir.join(record::FILE);
        let (recorder, writer) = writer::create(&path, Clock::start()).with_context(|| {
            format!("can't begin the record {} (no run overwrites another)", path.display())
        })?;
        recorder.write(out::head(&plan));
        let identity = Identity::make()?;
        let authority = out::publish(&identity, &dir)?;
        if progress != Progress::Quiet {
            say(&plan.to_string());
        }
        let grpc = grpc::Program::at(&manifest.root, &manifest.target);
        let props = Props { identity, grpc, recorder: recorder.clone() };
        let job = Job { manifest, plan, props, obstacle, authority, progress };
        let (result, interrupt) = until_interrupted(job, json, &mut signal).await;
        if let Some(interrupt) = interrupt {
            recorder.write(Record::Stopped { at: recorder.now(), by: interrupt.name.to_owned() });
        }
        writer.finish().with_context(|| format!("the record {} is not whole", path.display()))?;
        let run = conclude(&dir, json, progress, interrupt)?;
        result?;
        // A signal that came while the report was written changes nothing but the exit status.
        let interrupt = interrupt.or_else(|| signal.try_recv().ok());
        let failed = run.rows.iter().any(|row| row.summary.status == Status::Failed);
        Ok(match interrupt {
            Some(interrupt) => ExitCode::from(interrupt.exit_status()),
            None if failed => ExitCode::from(FAILED),
            None => ExitCode::SUCCESS,
        })
    }
}

fn runtime() -> io::Result<runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, Into::into).min(THREADS);
    runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

async fn build_all(manifest: &Manifest, progress: Progress) {
    let mut builds = Builds::default();
    for entry in manifest.entries.iter().filter(|entry| entry.missing().is_empty()) {
        _ = builds.build(entry, &manifest.target, progress).await;
    }
}

/// Runs until the end or a signal, whichever comes first. When this returns, no child is left.
async fn until_interrupted(
    job: Job,
    json: bool,
    signal: &mut oneshot::Receiver<Interrupt>,
) -> (io::Result<()>, Option<Interrupt>) {
    let mut task = tokio::spawn(job.run(move |row| {
        if json {
            print_json(&row);
        }
    }));
    tokio::select! {
        result = &mut task => (result.unwrap_or_else(|bug| Err(io::Error::other(bug))), None),
        Ok(interrupt) = signal => {
            task.abort();
            // Aborting only asks; the task's children are gone when it is.
            _ = task.await;
            (Ok(()), Some(interrupt))
        }
    }
}

/// Draws the report from the record, as `netsplit report` would.
fn conclude(dir: &Path, json: bool, progress: Progress, interrupt: Option<Interrupt>) -> anyhow::Result<Run> {
    let run = read(dir)?;
    report::write(dir, &run)?;
    if json {
        // The others were printed when their turn was over.
        run.rows.iter().filter(|row| row.summary.status == Status::Stopped).for_each(print_json);
    } else {
        show(&run);
    }
    if let Some(interrupt) = interrupt {
        say(&format!("stopped by {}; the partial record is in {}", interrupt.name, dir.display()));
    } else if progress != Progress::Quiet {
        say(&format!("record and report: {}", dir.display()));
    }
    Ok(run)
}

fn read(dir: &Path) -> anyhow::Result<Run> {
    let path = dir.join(record::FILE);
    let records = reader::read(&path)?;
    summary::run(&records).with_context(|| format!("{} has no head; is it a record?", path.display()))
}

fn show(run: &Run) {
    let stdout = io::stdout();
    let color = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    // Whoever closed our standard output does not want to read it.
    _ = stdout.lock().write_all(report::table::draw(&run.rows, color).as_bytes());
}

fn print_json(row: &Row) {
    _ = writeln!(io::stdout(), "{}", report::json::line(&row.summary));
}
