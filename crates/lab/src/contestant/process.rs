//! A child process that can't outlive its owner.
//!
//! Builds and contestants may start processes of their own (a compiler, a language's runtime). Each child therefore
//! leads a process group, and it is the group that is killed. The group also keeps the terminal's Ctrl-C away from
//! them: it reaches the lab alone, which then ends its children in order.
//!
//! Invariant: when a `Process` is dropped, on whatever path, its group has been killed.
//! Next: `guard.rs`, for the one case in which nothing is dropped: the lab was killed itself.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
};

use super::lines::Lines;

/// How many of its last lines on standard error are kept to explain a failure.
const LAST_WORDS: usize = 12;

/// A running child.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
    errors: Arc<Mutex<VecDeque<String>>>,
    listener: JoinHandle<()>,
}

/// The child's other two streams.
pub(crate) struct Streams {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
}

impl Process {
    /// Starts a command; its standard error is read from now on.
    pub(crate) fn start(
        command: &[String],
        dir: &Path,
        env: &[(&str, String)],
    ) -> io::Result<(Self, Streams)> {
        let mut command = guarded(command);
        forget_cargo(&mut command);
        let mut child = command
            .current_dir(dir)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let streams = child.stdin.take().zip(child.stdout.take());
        let errors = Arc::default();
        let listener = tokio::spawn(listen(child.stderr.take(), Arc::clone(&errors)));
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let process = Self { child, group, errors, listener };
        match streams {
            Some((stdin, stdout)) => Ok((process, Streams { stdin, stdout })),
            None => Err(io::Error::other("its streams are missing")),
        }
    }

    /// Its number, while it runs. The guard becomes the program, so this is the program's own.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it has exited by itself, and ends what it may have left behind.
    pub(crate) async fn exited(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.kill();
        status
    }

    /// The last lines it wrote to standard error. Call it when the process is gone or about to be.
    pub(crate) async fn last_words(&mut self) -> Vec<String> {
        // Its last lines may still be in the pipe. The pipe's end could be held open by a grandchild, hence the limit.
        _ = tokio::time::timeout(Duration::from_millis(200), &mut self.listener).await;
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Kills the group and waits for the child's end, which SIGKILL makes a matter of a moment.
    pub(crate) fn kill(&mut self) {
        // Once only: a number that is no longer ours may one day be somebody else's.
        let Some(group) = self.group.take() else { return };
        _ = kill_process_group(group, Signal::KILL);
        let patience = Instant::now() + Duration::from_secs(2);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.listener.abort();
    }
}

/// The command, by way of the guard where there is one. `/proc/self/exe` is this very program, even if the file it was
/// started from has been built anew since.
fn guarded(command: &[String]) -> Command {
    let (program, args) = command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    if cfg!(target_os = "linux") && !cfg!(test) {
        let mut guard = Command::new("/proc/self/exe");
        guard.arg0("netsplit").args(["guard", "--", program]).args(args);
        return guard;
    }
    let mut plain = Command::new(program);
    plain.args(args);
    plain
}

/// Under `cargo netsplit` Cargo describes the lab to it in variables. A Cargo that inherits them takes them for a change
/// of its build scripts' surroundings, and builds `ring` anew each time.
fn forget_cargo(command: &mut Command) {
    let about_the_lab = |name: &str| {
        let names = ["CARGO", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "CARGO_PRIMARY_PACKAGE"];
        names.contains(&name) || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(about_the_lab) {
            command.env_remove(name);
        }
    }
}

async fn listen(stderr: Option<ChildStderr>, errors: Arc<Mutex<VecDeque<String>>>) {
    let Some(stderr) = stderr else { return };
    let mut lines = Lines::new(stderr);
    loop {
        let line = match lines.next().await {
            Ok(Some(line)) => line,
            Ok(None) => return,
            // Too long, not gone: keep reading, so that the child never waits for us.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => format!("({error})"),
            Err(_) => return,
        };
        let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
        if errors.len() == LAST_WORDS {
            errors.pop_front();
        }
        errors.push_back(line.chars().take(500).collect());
    }
}
