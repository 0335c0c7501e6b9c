//! What was typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The race: outlive against other HTTP clients, in turns, on one server.
///
/// Needs nghttpd for HTTP/2 and nginx for HTTP/1.1 (crates/bench/install gets them on Debian); what is missing is
/// skipped, and the report says so.
#[derive(Parser, Debug)]
pub(crate) struct Args {
    /// Only these rows, by name or by the beginning of it, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) rows: Vec<String>,
    /// Only these contestants, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// How often each contestant runs in each row. The order changes from round to round.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Seconds of each measurement, where its size is not fixed.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Seconds of warm-up before it.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) warm_up: f64,
    /// Mebibytes of each download and upload (a sixteenth of it on the path with delay).
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(16..))]
    pub(crate) size: u64,
    /// Uses this program's own server (hyper's), in a process of its own, where nghttpd or nginx is missing.
    #[arg(long)]
    pub(crate) own_server: bool,
    /// Where records.jsonl, report.md and report.json go.
    #[arg(long, default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// Prints the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Makes the report of an earlier run again, from its records.jsonl.
    #[arg(long, value_name = "DIR", conflicts_with = "rows")]
    pub(crate) report: Option<PathBuf>,
    /// Lists rows and contestants.
    #[arg(long)]
    pub(crate) list: bool,
    #[command(subcommand)]
    pub(crate) errand: Option<Errand>,
}

/// What the race starts this program for, in processes of their own.
#[derive(Subcommand, Debug)]
pub(crate) enum Errand {
    /// One measurement.
    #[command(hide = true)]
    Measure {
        /// A `Task`, as JSON.
        what: String,
    },
    /// Our own server.
    #[command(hide = true)]
    Serve(Serve),
    /// A path with delay.
    #[command(hide = true)]
    Delay {
        /// Where clients connect to.
        listen: SocketAddr,
        /// Where their bytes go.
        to: SocketAddr,
        /// Delay of each direction.
        micros: u64,
    },
}

/// How our own server serves.
#[derive(clap::Args, Debug)]
pub(crate) struct Serve {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// The files that it serves stand here; only their sizes matter.
    pub(crate) files: PathBuf,
    /// With TLS: certificate and key.
    #[arg(num_args = 2)]
    pub(crate) tls: Vec<PathBuf>,
}
