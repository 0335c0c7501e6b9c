//! netsplit: the lab that runs the experiment of golang/go issue 63422 against HTTP clients.
//!
//! Requests go through a proxy to a healthy origin; now and then the proxy silences one connection for good, without
//! FIN or RST, as a lost route does. How many requests does the client lose for it? Clients are *contestants*:
//! separate programs behind a line protocol (`contestants/README.md`). No HTTP client is linked into the lab, ours
//! neither, so none can be favoured.
//!
//! The way of a run, and where each step lives:
//!
//! ```text
//! args        what was typed
//!  └ scenario, plan, manifest what is meant: pace, stop rule, fault script and origin; which programs
//!     └ app                   signals, directories, exit status
//!        ├ matrix             scenarios × contestants: a run of one turn for each pair that has no record yet
//!        └ run                build all, then each contestant's turn
//!           ├ stage           origin ← proxy: wire, wires, certificate
//!           ├ cutter          whoever does a fault: fault (a wire), origin, proxy, namespace (packets)
//!           ├ contestant      the child process and its lines
//!           └ experiment      the closed loop, and the cuts
//!              └ record       what happened, as it happens
//!     └ live                  or: all at once under steady load, and a page to cut their wires by hand
//! archive → summary → report  records to figures, table, Markdown, picture, page, CSV, JSON: pure functions
//! ```
//!
//! Invariants, by what is absent: no HTTP client; no clock outside `clock.rs` in anything that computes; no figure that
//! does not come from the record.
//! Next: `args/mod.rs`, what can be typed; `run.rs`, what then happens.

mod app;
mod archive;
mod args;
mod busy;
mod certificate;
mod clock;
mod contestant;
mod cutter;
mod experiment;
mod fault;
mod frames;
mod interrupt;
mod late;
mod lateness;
mod list;
mod live;
mod manifest;
mod matrix;
mod memory;
mod namespace;
mod origin;
mod out;
mod plan;
mod progress;
mod proxy;
mod record;
mod report;
mod run;
mod scenario;
mod stage;
mod summary;
mod wire;
mod wires;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    app::obey(args::Cli::parse())
}
