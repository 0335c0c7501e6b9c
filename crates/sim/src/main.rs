//! The simulator's command line: check promises, compare rivals, run the fleet.
//!
//! Prints only what the seeds decide; how long it took goes to standard error.

mod args;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;
use outlive_sim::check::Case;
use outlive_sim::scenarios;
use outlive_sim::{fleet, table};

use crate::args::{Cli, Command};

/// Broken histories that are described; the others are only counted.
const SHOWN: u64 = 20;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let start = Instant::now();
    let code = obey(&cli);
    eprintln!("{:.1} s", start.elapsed().as_secs_f64());
    code
}

fn obey(cli: &Cli) -> ExitCode {
    match &cli.command {
        Some(Command::Rivals { scenario, seeds }) => match chosen(scenario.as_deref()) {
            Ok(scenarios) => {
                for scenario in scenarios {
                    print!("{}", table::compare(scenario, *seeds));
                }
                ExitCode::SUCCESS
            }
            Err(code) => code,
        },
        Some(Command::Fleet { clients, minutes, every, ours }) => {
            let fleet = fleet::Fleet { clients: *clients, minutes: *minutes, every: *every * 1000 };
            print!("{}", fleet.run(*ours));
            ExitCode::SUCCESS
        }
        None if cli.list => {
            for scenario in scenarios::all() {
                println!("{:<24} {}", scenario.name, scenario.title);
            }
            println!("{:<24} made up from the seed", "random");
            ExitCode::SUCCESS
        }
        None => check(cli),
    }
}

fn chosen(name: Option<&str>) -> Result<Vec<&'static scenarios::Scenario>, ExitCode> {
    match name {
        None => Ok(scenarios::all().collect()),
        Some(name) => match scenarios::named(name) {
            Some(scenario) => Ok(vec![scenario]),
            None => Err(unknown(name)),
        },
    }
}

fn unknown(name: &str) -> ExitCode {
    eprintln!("there is no scenario `{name}`; --list shows them all");
    ExitCode::from(2)
}

fn check(cli: &Cli) -> ExitCode {
    let case = match cli.scenario.as_deref() {
        None => None,
        Some("random") => Some(Case::Random),
        Some(name) => match scenarios::named(name) {
            Some(scenario) => Some(Case::Named(scenario)),
            None => return unknown(name),
        },
    };
    let (mut events, mut checks, mut requests, mut broken) = (0, 0, 0, 0);
    let seeds = cli.seed..cli.seed.saturating_add(cli.seeds);
    for (seed, case, verdict) in outlive_sim::check::all(seeds, case) {
        events += verdict.tally.events;
        checks += verdict.tally.checks;
        requests += verdict.tally.requests;
        if let Some(found) = verdict.broken {
            broken += 1;
            if broken <= SHOWN {
                println!("broken {} seed {seed} scenario {}: {}", found.promise, case.name(), found.how);
            }
            if let Some(trace) = verdict.trace.filter(|_| cli.trace) {
                println!("{trace}");
            }
        }
    }
    println!(
        "{} worlds, {requests} requests, {events} events, {checks} checks, {broken} histories with a broken promise",
        cli.seeds
    );
    if broken > 0 {
        println!("again, with a trace: --seeds 1 --seed <seed> --scenario <scenario> --trace");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
