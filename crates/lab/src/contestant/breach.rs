//! How a contestant can fail the protocol, in words that its author can use.
//!
//! Invariant: each message says what was seen and, where it helps, what was expected. The contestant's name and its
//! last words on standard error are added by the caller (`run.rs`).

use std::{io, time::Duration};

use thiserror::Error;

use crate::{manifest::Protocol, record::RequestId};

/// Why a contestant's turn ended early.
#[derive(Debug, Error)]
pub(crate) enum Breach {
    #[error("it can't be started: {0}")]
    Start(#[source] io::Error),
    #[error("it did not say `ready` within {0:?}")]
    NotReady(Duration),
    #[error("it printed `{}` where `{expected}` was expected", short(line))]
    Rubbish { line: String, expected: &'static str },
    #[error("its output can't be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("it printed `{}`, but that request was answered before", short(line))]
    Twice { line: String },
    #[error("it printed `{}`, but that request was never asked for", short(line))]
    Unasked { line: String },
    #[error("it hangs: request {request} has no `done`, long after its timeout")]
    Hangs { request: RequestId },
    #[error("it hangs: for {0:?} it has not read its standard input")]
    Deaf(Duration),
    #[error("it ended in the middle ({0})")]
    Died(String),
    #[error("it closed its standard output or input, but did not exit")]
    Mute,
    #[error("it did not exit within {0:?} after its standard input had ended")]
    Lingers(Duration),
    #[error("it did not end well ({0}) after its last request")]
    BadExit(String),
    #[error("no request of its warm-up succeeded in {tries} tries; the last: {last}")]
    Cold { tries: u32, last: String },
    #[error("it does not speak {0}, which its entry promises")]
    Strayed(Protocol),
    /// Not its doing at all.
    #[error("the lab could not do what the script says: {0}")]
    Lab(#[source] io::Error),
    /// The lab's own mistake: it waits for an answer and has asked nothing.
    #[error("the lab lost count of its requests; this is a bug in netsplit")]
    Idle,
}

/// Enough of a line to know it by.
fn short(line: &str) -> String {
    let mut short: String = line.chars().take(120).flat_map(char::escape_debug).collect();
    if line.chars().nth(120).is_some() {
        short.push('…');
    }
    short
}
