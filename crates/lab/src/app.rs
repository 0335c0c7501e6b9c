//! Obeys the command line: sets a run or a matrix up, guards it against signals, and reports.
//!
//! Invariant: whatever happens to a run once its record exists, the record is closed, a report stands beside it, and
//! the way to it is printed.
//! Next: `run.rs`, the run itself; `matrix.rs`, many of them; `report/mod.rs`, what is made of the record.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use tokio::runtime;

use crate::{
    archive::{self, Choice},
    args::{Cli, Command, JudgeArgs, LiveArgs, MATRIX, ReportArgs, RunArgs},
    certificate::Identity,
    clock::Clock,
    contestant::{build::Builds, guard},
    interrupt::{self, Interrupt, Watch},
    list, live,
    manifest::{ALL, Manifest},
    matrix::Matrix,
    namespace,
    origin::grpc,
    out,
    plan::Plan,
    progress::{Progress, say},
    record::{self, Record, Status, writer},
    report,
    run::Job,
    scenario,
    stage::Props,
    summary::{Row, Run},
};

/// A contestant failed, or the lab itself could not go on.
const FAILED: u8 = 1;
/// The command line is wrong; clap's own status for it.
const USAGE: u8 = 2;
/// A contestant lost more than `--max-failures` or `--max-magnification` allow.
const TOO_MUCH: u8 = 3;

/// More threads than this only hand work to each other: origin and proxy do little per request.
const THREADS: usize = 4;

/// Does what was asked for.
pub(crate) fn obey(cli: Cli) -> ExitCode {
    let (status, result) = match cli.command {
        Some(Command::Guard { program }) => return guard::become_program(&program),
        Some(Command::List(args)) => (USAGE, list::print(args.manifest.as_deref())),
        Some(Command::Report(args)) => {
            return report_again(&args).unwrap_or_else(|error| complain(&error, USAGE));
        }
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

fn report_again(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let choice = Choice { scenarios: &args.scenarios, contestants: &args.only };
    let runs = archive::read_some(&args.dir, choice)?;
    if args.json {
        print_rows(&runs, |_| true)?;
    } else {
        ensure!(
            choice.is_all() || args.out.is_some(),
            "a part needs --out, or it would stand where the whole report does"
        );
        let dir = args.out.as_ref().unwrap_or(&args.dir);
        std::fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
        write_report(dir, &runs, &args.judge, choice)?;
        show(&runs)?;
        say(&format!("report: {} and {}", dir.join(report::MARKDOWN).display(), report::PAGE));
    }
    Ok(judged(&runs, &args.judge))
}

/// What is to be run.
enum What {
    Scenario(Box<Plan>),
    /// The short forms of several.
    Matrix(Vec<Plan>),
}

/// A run that has all it needs, and has not touched anything yet.
struct Prepared {
    what: What,
    manifest: Manifest,
    out: Option<PathBuf>,
    /// Why plans about packets can't be carried out here.
    obstacle: Option<String>,
    progress: Progress,
    json: bool,
    judge: JudgeArgs,
}

impl Prepared {
    fn from(args: &RunArgs) -> anyhow::Result<Self> {
        let changed = |plan| args.overrides.to_overrides().apply(plan);
        let mut manifest = Manifest::load(args.manifest.manifest.as_deref())?;
        let what = if args.scenario == MATRIX {
            let wanted = |name: &&str| args.scenarios.is_empty() || args.scenarios.iter().any(|s| s == name);
            let plans = scenario::names().filter(wanted).map(|name| Ok(changed(scenario::short(name)?)));
            let all = [ALL.to_owned()];
            manifest.keep(if args.only.is_empty() { &all } else { &args.only })?;
            What::Matrix(plans.collect::<anyhow::Result<_>>()?)
        } else {
            ensure!(args.scenarios.is_empty(), "--scenarios is for `netsplit run {MATRIX}`");
            manifest.keep(&args.only)?;
            let form = if args.short { scenario::short } else { scenario::plan };
            What::Scenario(Box::new(changed(form(&args.scenario)?)))
        };
        let (progress, judge) = (Progress::fitting(args.quiet), args.judge.clone());
        if let Some(dir) = &judge.baseline {
            // Not after an hour's run.
            archive::read(dir).context("--baseline")?;
        }
        Ok(Self { what, manifest, out: args.out.clone(), obstacle: None, progress, json: args.json, judge })
    }

    fn plans(&self) -> &[Plan] {
        match &self.what {
            What::Scenario(plan) => std::slice::from_ref(&**plan),
            What::Matrix(plans) => plans,
        }
    }

    /// Where a plan is about packets, goes on in a network namespace: then this returns only when that fails, or in
    /// the lab that is inside already.
    fn settle_in(mut self) -> anyhow::Result<Self> {
        if !self.plans().iter().any(|plan| plan.script.needs_namespace()) {
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
        let Prepared { what, manifest, out, obstacle, progress, json, judge } = self;
        let name = if let What::Scenario(plan) = &what { plan.name.clone() } else { MATRIX.to_owned() };
        let dir = out::make(out, &manifest.root, &name)?;
        let (result, interrupt) = match what {
            What::Scenario(plan) => {
                let obstacle = obstacle.filter(|_| plan.script.needs_namespace());
                let scene = Scene { dir: &dir, manifest, plan: *plan, obstacle, progress, json };
                scene.run(&mut signal).await?
            }
            What::Matrix(plans) => {
                let matrix = Matrix { manifest, plans, dir: dir.clone(), obstacle, progress, json };
                (Ok(()), matrix.run(&signal).await?)
            }
        };
        let runs = conclude(&dir, json, &judge, progress, interrupt)?;
        result?;
        // A signal that came while the report was written changes nothing but the exit status.
        let interrupt = interrupt.or_else(|| signal.interrupt());
        let mut rows = runs.iter().flat_map(|run| &run.rows);
        let failed = rows.any(|row| row.summary.status == Status::Failed);
        Ok(match interrupt {
            Some(interrupt) => ExitCode::from(interrupt.exit_status()),
            None if failed => ExitCode::from(FAILED),
            None => judged(&runs, &judge),
        })
    }
}

/// One scenario's run, and where its record goes.
struct Scene<'a> {
    dir: &'a Path,
    manifest: Manifest,
    plan: Plan,
    obstacle: Option<String>,
    progress: Progress,
    json: bool,
}

impl Scene<'_> {
    /// The outer error is about the record: there is none, or it is not whole.
    async fn run(self, signal: &mut Watch) -> anyhow::Result<(io::Result<()>, Option<Interrupt>)> {
        let Scene { dir, manifest, plan, obstacle, progress, json } = self;
        let path = dir.join(record::FILE);
        let (recorder, writer) = writer::create(&path, Clock::start()).with_context(|| {
            format!("can't begin the record {} (no run overwrites another)", path.display())
        })?;
        recorder.write(out::head(&plan));
        let identity = Identity::make()?;
        let authority = out::publish(&identity, dir)?;
        if progress != Progress::Quiet {
            say(&plan.to_string());
        }
        let grpc = grpc::Program::at(&manifest.root, &manifest.target);
        let props = Props { identity, grpc, recorder: recorder.clone() };
        let builds = Arc::default();
        let job = Job { manifest, plan, props, obstacle, authority, progress, builds };
        let (result, interrupt) = until_interrupted(job, json, signal).await;
        if let Some(interrupt) = interrupt {
            recorder.write(Record::Stopped { at: recorder.now(), by: interrupt.name.to_owned() });
        }
        writer.finish().with_context(|| format!("the record {} is not whole", path.display()))?;
        Ok((result, interrupt))
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
pub(crate) async fn until_interrupted(
    job: Job,
    json: bool,
    signal: &mut Watch,
) -> (io::Result<()>, Option<Interrupt>) {
    let mut task = tokio::spawn(job.run(move |row| if json { print_json(&row) } else { Ok(()) }));
    tokio::select! {
        result = &mut task => (result.unwrap_or_else(|bug| Err(io::Error::other(bug))), None),
        interrupt = signal.interrupted() => {
            task.abort();
            // Aborting only asks; the task's children are gone when it is.
            _ = task.await;
            (Ok(()), Some(interrupt))
        }
    }
}

/// Draws the report from the records, as `netsplit report` would.
fn conclude(
    dir: &Path,
    json: bool,
    judge: &JudgeArgs,
    progress: Progress,
    interrupt: Option<Interrupt>,
) -> anyhow::Result<Vec<Run>> {
    let runs = match archive::read(dir) {
        // A matrix that was interrupted in its first turn.
        Err(_) if interrupt.is_some() && !dir.join(record::FILE).exists() => Vec::new(),
        runs => runs?,
    };
    write_report(dir, &runs, judge, Choice::default())?;
    if json {
        // The others were printed when their turn was over.
        print_rows(&runs, |row| row.summary.status == Status::Stopped)?;
    } else {
        show(&runs)?;
    }
    if let Some(interrupt) = interrupt {
        say(&format!("stopped by {}; the partial record is in {}", interrupt.name, dir.display()));
    } else if progress != Progress::Quiet {
        say(&format!("record and report: {}", dir.display()));
    }
    Ok(runs)
}

fn write_report(dir: &Path, runs: &[Run], judge: &JudgeArgs, choice: Choice<'_>) -> anyhow::Result<()> {
    let mut baseline = judge.baseline.as_deref().map(archive::read).transpose().context("--baseline")?;
    baseline.iter_mut().for_each(|runs| archive::keep(runs, choice));
    let changes = report::write(dir, runs, baseline.as_deref())?;
    if baseline.is_some() {
        say(&format!("changes since the baseline: {}", if changes.is_empty() { "none" } else { "" }));
    }
    changes.iter().for_each(|change| say(&format!("  {change}")));
    Ok(())
}

/// The exit status by `--max-failures` and `--max-magnification`; says who was above them.
fn judged(runs: &[Run], judge: &JudgeArgs) -> ExitCode {
    let broken = judge.limits().broken(runs);
    broken.iter().for_each(|words| say(&format!("netsplit: {words}")));
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(TOO_MUCH) }
}

fn show(runs: &[Run]) -> io::Result<()> {
    let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    for run in runs {
        if runs.len() > 1 {
            print(&format!("\n{}\n", run.plan.name))?;
        }
        print(&report::table::draw(&run.rows, color))?;
    }
    Ok(())
}

fn print_rows(runs: &[Run], wanted: fn(&Row) -> bool) -> io::Result<()> {
    runs.iter().flat_map(|run| &run.rows).filter(|row| wanted(row)).try_for_each(print_json)
}

fn print_json(row: &Row) -> io::Result<()> {
    print(&(report::json::line(&row.summary) + "\n"))
}

/// To standard output. Whoever closed it does not want to read it; a full disk behind it is another matter.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(io::Error::new(error.kind(), format!("can't write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
