//! What can go wrong with a wire.
//!
//! When a wire is cut, its pump stops and hands both sockets to the fault, which decides what becomes of them. So a
//! fault is one function in one file, and can do anything to a connection that a program between two sockets can.
//!
//! To add one: a file beside `stall.rs` with a `take_over`, and its line in each `match` below; `--fault`, `list` and
//! the record then know it.
//!
//! Invariant: bytes that the pump had read but not yet written are gone; they were on the way when the cut came.
//! Next: `stall.rs`, the fault of the issue; `wire.rs`, which hands the sockets over.

mod stall;

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

/// What a cut does to its wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// Both directions go silent; sockets stay open, no FIN, no RST
    Stall,
}

/// The two sockets of a wire that was cut.
#[derive(Debug)]
pub(crate) struct Ends {
    /// Towards the contestant.
    pub(crate) client: TcpStream,
    /// Towards the origin.
    pub(crate) origin: TcpStream,
}

impl Fault {
    /// Does the fault to these sockets. It may go on until the contestant's run ends; dropping the future ends it.
    pub(crate) async fn take_over(self, ends: Ends) {
        match self {
            Fault::Stall => stall::take_over(ends).await,
        }
    }

    /// One line for a human.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Fault::Stall => "both directions go silent; sockets stay open, no FIN, no RST",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Fault::Stall => "stall",
        })
    }
}
