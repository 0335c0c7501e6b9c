//! The lab as a user has it: the real program, a manifest of fake contestants, a directory of its own.
//!
//! Invariant: nothing outside the temporary directory is written, and no test outlasts `LIMIT`, whatever hangs.
//! Next: `../fake/contestant.rs`, what the contestants can do; `live.rs`, for `netsplit live`.

// Each test program includes this file and uses its own part of it.
#![allow(dead_code)]

pub(crate) mod live;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that a test waits for. Only a test that fails waits so long.
const LIMIT: Duration = Duration::from_secs(120);

/// The fake contestant's program.
pub(crate) const FAKE: &str = env!("CARGO_BIN_EXE_fake-contestant");

/// A project with a manifest and nothing else.
pub(crate) struct Lab {
    dir: TempDir,
}

/// What a finished lab left behind.
pub(crate) struct Finished {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Lab {
    /// Contestants by behaviour; each is called what it does.
    pub(crate) fn with(behaviours: &[&str]) -> Self {
        let entry = |behaviour: &&str| entry(behaviour, "", &format!("run = [{FAKE:?}, {behaviour:?}]"));
        Self::with_manifest(&behaviours.iter().map(entry).collect::<String>())
    }

    /// Contestants as the manifest lists them.
    pub(crate) fn with_manifest(manifest: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("contestants")).unwrap();
        std::fs::write(dir.path().join("contestants/contestants.toml"), manifest).unwrap();
        Self { dir }
    }

    /// Runs to the end.
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        Running { child: self.command(args).spawn().unwrap() }.finish()
    }

    /// Runs to the end, with programs from nowhere else.
    pub(crate) fn run_with_path(&self, path: &str, args: &[&str]) -> Finished {
        Running { child: self.command(args).env("PATH", path).spawn().unwrap() }.finish()
    }

    /// Runs to the end while nobody reads what it prints. Returns its exit status.
    pub(crate) fn run_unread(&self, args: &[&str]) -> Option<i32> {
        let mut child = self.command(args).spawn().unwrap();
        drop(child.stdout.take());
        Running { child }.finish_unread()
    }

    /// Runs to the end by way of a shell, to which the lab is `$0` and its arguments are `$1`.
    pub(crate) fn run_in_shell(&self, script: &str, args: &str) -> Finished {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_netsplit"), args]);
        Running { child: self.at_home(command).spawn().unwrap() }.finish()
    }

    /// Starts, and leaves it running.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running { child: self.command(args).spawn().unwrap() }
    }

    /// The project.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The directory that `--out out` means.
    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// The record's lines; each must be whole.
    pub(crate) fn record(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.out().join("record.jsonl")).unwrap();
        assert!(text.ends_with('\n'), "the last line is torn");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What `live` has left in the directory of runs.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let left = std::fs::read_dir(self.dir.path().join("netsplit-out")).unwrap();
        left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Waits for the number of a process that the fake contestant announces.
    pub(crate) fn pid(&self, name: &str) -> Pid {
        let file = self.dir.path().join(name).with_extension("pid");
        wait_for(name, || std::fs::read_to_string(&file).ok()).parse().ok().and_then(Pid::from_raw).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netsplit"));
        command.args(args);
        self.at_home(command)
    }

    fn at_home(&self, mut command: Command) -> Command {
        command.current_dir(self.dir.path());
        // Where it builds, should it build: not in the surroundings of this test.
        command.env("CARGO_TARGET_DIR", self.dir.path().join("target"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A manifest's entry: name, lines before `run`, and `run` itself.
pub(crate) fn entry(name: &str, more: &str, run: &str) -> String {
    format!(
        "[[contestant]]\nname = {name:?}\nclient = \"fake\"\nprotocol = \"h1\"\nabout = \"a fake\"\n{more}\n{run}\n\n"
    )
}

/// A lab under way.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end; its standard output is closed already.
    fn finish_unread(mut self) -> Option<i32> {
        let _err = drain(self.child.stderr.take());
        wait_for("the lab's end", || self.child.try_wait().unwrap()).code()
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        // Drained by threads: a full pipe must not look like a hang.
        let (out, err) = (drain(self.child.stdout.take()), drain(self.child.stderr.take()));
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("the lab's end", || self.child.try_wait().unwrap())
        }));
        if waited.is_err() {
            let _ = self.child.kill();
        }
        let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
        let status = waited.unwrap_or_else(|_| panic!("the lab hangs; it said:\n{stderr}"));
        Finished { status: status.code(), stdout, stderr }
    }
}

impl Finished {
    /// Standard output as JSON lines; anything else on it fails.
    pub(crate) fn rows(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The row of one contestant.
    pub(crate) fn row(&self, contestant: &str) -> Value {
        let row = self.rows().into_iter().find(|row| row["contestant"] == contestant);
        row.unwrap_or_else(|| panic!("no row of {contestant}; standard error:\n{}", self.stderr))
    }
}

/// Whether the process is gone, or dead and not yet collected by its new parent.
pub(crate) fn is_gone(pid: Pid) -> bool {
    match std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) => {
            !Path::new("/proc/self").exists() && rustix::process::test_kill_process(pid).is_err()
                || Path::new("/proc/self").exists()
        }
    }
}

/// Looks again and again until it is there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn drain(stream: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stream.unwrap().read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}
