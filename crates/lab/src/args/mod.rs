//! What was typed.
//!
//! Kept apart from what is meant (`plan.rs`): this file knows flags and their help, and nothing about running.
//!
//! Invariant: a value here is exactly what the command line said; `None` means that nothing was said.
//! Next: `plan.rs` turns it into a `Plan`, `app.rs` obeys the command.

mod duration;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser};

use crate::{
    fault::Fault,
    plan::{Method, Overrides, Pace, Setting, Slow, Stop, Which},
    report::limits::Limits,
    scenario,
};

/// Stands where a scenario's name would, for all of them.
pub(crate) const MATRIX: &str = "matrix";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "netsplit",
    version,
    about = "Cuts connections under HTTP clients and counts what each cut costs.",
    long_about = "Cuts connections under HTTP clients and counts what each cut costs.\n\n\
        The experiment is the one of golang/go issue 63422: requests over TLS through a proxy, a timeout each; \
        midway in each interval one random live connection goes silent, with no FIN and no RST. \
        Without a command, `netsplit` runs the scenario `quick` with every contestant.",
    after_help = "Exit status: 0 all went well (a missing toolchain only skips its rows), 1 a contestant or a \
        build failed, 2 the command line is wrong, 3 a --max flag was exceeded, 128+n stopped by signal n.",
    args_conflicts_with_subcommands = true,
    // The last of several wins, so that a script or alias can be corrected at its end.
    args_override_self = true
)]
pub(crate) struct Cli {
    /// What to do; nothing means `run`.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The flags of `run`, which may be given without naming it.
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a scenario: cut wires under each contestant and report what it cost
    Run(Box<RunArgs>),
    /// Serve a page on which contestants work side by side and a click cuts a wire
    Live(LiveArgs),
    /// List scenarios, contestants (and whether their toolchains are here) and faults
    List(ManifestArgs),
    /// Draw the report of an earlier run again, from its record alone
    Report(ReportArgs),
    /// Become a contestant that dies when the lab dies; for the lab's own use
    #[command(hide = true)]
    Guard {
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        program: Vec<std::ffi::OsString>,
    },
}

/// Where the contestants are listed.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ManifestArgs {
    /// The list of contestants [default: contestants/contestants.toml, here or in a directory above]
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
}

/// `netsplit run`.
#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// What to run; `netsplit list` tells what each is about. `matrix` runs the short form of every scenario, and goes on
    /// where it was interrupted when it is given the same --out again
    #[arg(value_name = "SCENARIO", default_value = scenario::DEFAULT,
        value_parser = PossibleValuesParser::new(scenario::names().chain([MATRIX])), hide_possible_values = true)]
    pub(crate) scenario: String,
    /// Of the matrix, run only these scenarios
    #[arg(long, value_name = "NAME,...", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(scenario::names()), hide_possible_values = true)]
    pub(crate) scenarios: Vec<String>,
    /// Run the scenario's short form, as the matrix does
    #[arg(long)]
    pub(crate) short: bool,
    /// Run only these contestants, or `all` [default: those built from Rust and Go alone; of the matrix, all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Print one JSON object a contestant to standard output, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the record and the report go [default: netsplit-out/TIME-SCENARIO]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// No progress on standard error
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// The list of contestants.
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
    // At the end: a heading in the help is that of all flags after it.
    /// What the scenario says, said otherwise.
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// What is compared, and what is too much.
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

/// How a report is judged.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Judging the result")]
pub(crate) struct JudgeArgs {
    /// Show what changed since the records in this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) baseline: Option<PathBuf>,
    /// Exit with status 3 if a contestant has more failures
    #[arg(long, value_name = "N")]
    max_failures: Option<u64>,
    /// Exit with status 3 if a contestant's failures are more than so many times what was in flight
    #[arg(long, value_name = "X", value_parser = magnification)]
    max_magnification: Option<f64>,
}

impl JudgeArgs {
    /// What was typed, in the report's words.
    pub(crate) fn limits(&self) -> Limits {
        Limits { failures: self.max_failures, magnification: self.max_magnification }
    }
}

fn magnification(typed: &str) -> Result<f64, String> {
    let times: f64 =
        typed.trim_start_matches('×').parse().map_err(|_| "a number, such as 1 or 2.5".to_owned())?;
    if times.is_finite() && times >= 0.0 {
        Ok(times)
    } else {
        Err("a number that is not negative".to_owned())
    }
}

/// The scenario's numbers, each of which a flag overrides.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Instead of what the scenario says")]
pub(crate) struct OverrideArgs {
    /// How many requests to make
    #[arg(long, value_name = "N", allow_negative_numbers = true,
        value_parser = clap::value_parser!(u64).range(1..=Stop::MOST_REQUESTS))]
    requests: Option<u64>,
    /// Start no request later than this: 90s, 10m. With `--requests`, whichever comes first
    #[arg(long, value_name = "TIME", value_parser = duration::milliseconds)]
    duration: Option<u64>,
    /// Cut once in this many requests, midway; 0 cuts nothing
    #[arg(long, value_name = "N")]
    unplug_interval: Option<u64>,
    /// What each request may take: 10ms, 1s
    #[arg(long, visible_alias = "timeout", value_name = "TIME", value_parser = duration::milliseconds)]
    request_timeout: Option<u64>,
    /// How many requests are under way at any time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    workers: Option<u32>,
    /// An open loop: so many requests become due each second, whatever has become of those before; 0 is the closed loop
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=Pace::MOST_A_SECOND))]
    rate: Option<u32>,
    /// How requests are made
    #[arg(long, value_enum, value_name = "METHOD", ignore_case = true)]
    method: Option<Method>,
    /// How long a worker waits between two requests
    #[arg(long, value_name = "TIME", value_parser = duration::milliseconds)]
    think: Option<u64>,
    /// Which of several live wires is cut follows from this number
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many HTTP/2 streams the origin allows on one connection
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    streams: Option<u32>,
    /// The origin answers one in this many requests late
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    slow_every: Option<u64>,
    /// How late those answers are [default: 50ms]
    #[arg(long, value_name = "TIME", requires = "slow_every", value_parser = duration::milliseconds)]
    slow_by: Option<u64>,
    /// How long the body of each answer is; 0 is a few words
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=Setting::MOST_BODY))]
    body: Option<u32>,
    /// What a cut does to its wire
    #[arg(long, value_enum, value_name = "FAULT")]
    fault: Option<Fault>,
    /// Which wires are cut
    #[arg(long, value_enum, value_name = "WHICH")]
    which: Option<Which>,
    /// How long it lasts, for faults that end (`pause`, `restart`)
    #[arg(long, value_name = "TIME", value_parser = duration::milliseconds)]
    lasts: Option<u64>,
}

impl OverrideArgs {
    /// How late a slow answer is when only `--slow-every` is given: five times the timeout of `quick` and `seed`.
    const SLOW_BY_MS: u64 = 50;

    /// What was typed, in the plan's words.
    pub(crate) fn to_overrides(&self) -> Overrides {
        let slow = |every| Slow { every, by_ms: self.slow_by.unwrap_or(Self::SLOW_BY_MS) };
        Overrides {
            requests: self.requests,
            for_ms: self.duration,
            unplug_interval: self.unplug_interval,
            timeout_ms: self.request_timeout,
            workers: self.workers,
            rate: self.rate,
            method: self.method,
            think_ms: self.think,
            seed: self.seed,
            streams: self.streams,
            slow: self.slow_every.map(slow),
            body: self.body,
            fault: self.fault,
            which: self.which,
            lasts_ms: self.lasts,
        }
    }
}

/// `netsplit live`.
#[derive(Debug, Args)]
pub(crate) struct LiveArgs {
    /// Show only these contestants, or `all` [default: those built from Rust and Go alone]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// The port of the loopback address to serve on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// What each request may take
    #[arg(long, visible_alias = "timeout", value_name = "TIME", value_parser = duration::milliseconds,
        default_value = "300ms")]
    pub(crate) request_timeout: u64,
    /// How many requests are under way at any time, for each contestant
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), default_value_t = 4)]
    pub(crate) workers: u32,
    /// How long a worker waits between two requests
    #[arg(long, value_name = "TIME", value_parser = duration::milliseconds, default_value = "100ms")]
    pub(crate) think: u64,
    /// The list of contestants.
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
}

/// `netsplit report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The directory of an earlier run, or of a matrix
    pub(crate) dir: PathBuf,
    /// Of a matrix, only these scenarios
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) scenarios: Vec<String>,
    /// Only these contestants, in this order
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Where the report goes [default: beside the records]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the figures as JSON, one object a contestant, and write no files
    #[arg(long)]
    pub(crate) json: bool,
    /// What is compared, and what is too much.
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{Cli, Command};
    use crate::plan::{Method, Overrides, Slow};

    #[test]
    fn the_definition_holds() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_scenario_and_flags_need_no_command() {
        let cli =
            Cli::try_parse_from(["netsplit", "seed", "--only", "a,b", "--request-timeout", "1s"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.run.scenario, "seed");
        assert_eq!(cli.run.only, ["a", "b"]);
        assert_eq!(cli.run.overrides.to_overrides().timeout_ms, Some(1000));
    }

    #[test]
    fn nothing_typed_is_the_quick_scenario_as_it_stands() {
        let cli = Cli::try_parse_from(["netsplit"]).unwrap();
        assert_eq!(cli.run.scenario, "quick");
        assert_eq!(cli.run.overrides.to_overrides(), Overrides::default());
    }

    #[test]
    fn timeout_and_method_have_short_ways() {
        let typed =
            ["netsplit", "run", "crowd", "--timeout", "10ms", "--method", "POST", "--duration", "10m"];
        let Some(Command::Run(run)) = Cli::try_parse_from(typed).unwrap().command else {
            panic!("not `run`")
        };
        let expected = Overrides {
            timeout_ms: Some(10),
            method: Some(Method::Post),
            for_ms: Some(600_000),
            ..Overrides::default()
        };
        assert_eq!(run.overrides.to_overrides(), expected);
    }

    #[test]
    fn a_negative_number_is_out_of_range_and_no_flag() {
        let error = Cli::try_parse_from(["netsplit", "run", "--requests", "-5"]).unwrap_err().to_string();
        assert!(error.contains("invalid value '-5' for '--requests <N>'"), "{error}");
    }

    #[test]
    fn slow_answers_have_a_default_lateness() {
        let cli = Cli::try_parse_from(["netsplit", "run", "--slow-every", "100"]).unwrap();
        let Some(Command::Run(run)) = cli.command else { panic!("not `run`") };
        assert_eq!(run.overrides.to_overrides().slow, Some(Slow { every: 100, by_ms: 50 }));
        assert!(Cli::try_parse_from(["netsplit", "run", "--slow-by", "50ms"]).is_err());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            ["--requests", "0"],
            ["--requests", "-1"],
            ["--workers", "0"],
            ["--streams", "0"],
            ["--request-timeout", "0ms"],
            ["--request-timeout", "10"],
            ["--fault", "meteor"],
            ["--rate", "1000000"],
            ["--body", "100000000"],
            ["--max-magnification", "-1"],
            ["--max-magnification", "NaN"],
            ["--max-failures", "few"],
            ["--scenarios", "quick,slow"],
        ] {
            assert!(Cli::try_parse_from(["netsplit", "run", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
        assert!(Cli::try_parse_from(["netsplit", "run", "slow"]).is_err());
    }
}
