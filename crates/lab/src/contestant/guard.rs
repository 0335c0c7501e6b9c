//! Ties a contestant's life to the lab's.
//!
//! A contestant is to exit when its standard input ends, and the lab kills those that don't. Neither helps when the
//! lab itself is killed with SIGKILL and the contestant hangs. Linux can send a signal when the parent dies, but a
//! process must ask for that itself, after `fork`, where Rust allows nothing safe. So the lab starts itself once more
//! (`netsplit guard -- program args`), and that second self asks, and then becomes the program; the wish survives.
//!
//! Invariant: the guard adds no process: it is replaced by the program, in the same process, with the same streams.
//! Next: `process.rs`, which starts it.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

/// The exit status of a shell that can't start a program, for those who know it.
const CAN_NOT_START: u8 = 127;

/// Becomes the program. Returns only when that fails.
pub(crate) fn become_program(program: &[OsString]) -> ExitCode {
    let Some((path, args)) = program.split_first() else { return ExitCode::from(CAN_NOT_START) };
    die_with_parent();
    let error = Command::new(path).args(args).exec();
    eprintln!("can't start {}: {error}", path.display());
    ExitCode::from(CAN_NOT_START)
}

#[cfg(target_os = "linux")]
fn die_with_parent() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // Best effort: the lab's own killing does not depend on it. Should the lab be gone before this line, the
    // contestant finds its standard input ended.
    _ = set_parent_process_death_signal(Some(Signal::KILL));
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() {}
