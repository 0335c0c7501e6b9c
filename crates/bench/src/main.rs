//! What outlive costs: the race against other clients, each on the same server, in the same run, in turns.
//!
//! `cargo run --release -p outlive-bench` runs all rows; `-- --help` tells the rest. Read `rows.rs` (what is measured),
//! `race.rs` (in which order), `errand.rs` (one measurement, in a process of its own), `report.rs` (what is made of them).
//! Invariant: two figures are compared only if they come from the same run, and each ratio is of two measurements that
//! ran right after each other. Allocations are counted in `tests/allocations.rs`.

mod args;
mod clients;
mod contestant;
mod delay;
mod errand;
mod goals;
mod load;
mod memory;
mod process;
mod race;
mod record;
mod report;
mod rows;
mod servers;
mod summary;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Errand};

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.errand {
        None => race::run(&args),
        Some(Errand::Measure { what }) => errand::run(what),
        Some(Errand::Serve(serve)) => servers::own::serve(serve),
        Some(Errand::Delay { listen, to, micros }) => delay::run(*listen, *to, *micros),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("outlive-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
