//! What was typed, and nothing about what it means.

use clap::{Parser, Subcommand};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "outlive-sim",
    version,
    about = "Lives through simulated worlds in which anything goes wrong, and says which promise of the pool broke.",
    after_help = "Exit status: 0 every promise was kept, 1 one was broken, 2 the command line is wrong.",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    /// How many seeds, one world each: made-up worlds and scenarios in turn.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Only this scenario (see --list; `random` for made-up worlds).
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Option<String>,
    /// Print the trace of each broken history.
    #[arg(long)]
    pub(crate) trace: bool,
    /// List the scenarios.
    #[arg(long)]
    pub(crate) list: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Other things to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare the policies of other clients in the same worlds.
    Rivals {
        /// Only this scenario.
        #[arg(long, value_name = "NAME")]
        scenario: Option<String>,
        /// Histories of each.
        #[arg(long, value_name = "N", default_value_t = 3)]
        seeds: u64,
    },
    /// Ten thousand clients, a hundred origins with four addresses each; a quarter of the paths dies at once.
    Fleet {
        /// Clients.
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        clients: u64,
        /// Virtual minutes.
        #[arg(long, value_name = "MINUTES", default_value_t = 60)]
        minutes: u64,
        /// One request of each client in so many milliseconds, on average.
        #[arg(long, value_name = "MS", default_value_t = 2_000)]
        every: u64,
        /// Only ours, not the rivals.
        #[arg(long)]
        ours: bool,
    },
}
