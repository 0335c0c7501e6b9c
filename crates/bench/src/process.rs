//! Starts one measurement's process, and reads what it found.
//!
//! Invariant: one such process runs at a time, so that what the kernel adds to our children's CPU time is its.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::clients::{BIG_PATH, SMALL_PATH};
use crate::contestant::Contestant;
use crate::record::{Measurement, Task};
use crate::rows::{CONNECTION_WINDOW_BITS, STREAM_WINDOW_BITS, Wire, Work};
use crate::usage::Cpu;

/// Programs that are not this one.
pub(crate) struct Programs {
    /// Built for this run.
    go: Result<PathBuf, String>,
    h2load: Result<(), String>,
}

/// Requests that h2load is given per second of measurement: its figures of a fixed time would count the warm-up.
const H2LOAD_RATE_CROWD: f64 = 100_000.0;
const H2LOAD_RATE_ALONE: f64 = 10_000.0;

impl Programs {
    /// Looks what is there, and builds what has to be built in `directory`.
    pub(crate) fn find(directory: &Path) -> Self {
        let go = build_go(directory);
        let h2load = match Command::new("h2load").arg("--version").output() {
            Ok(output) if output.status.success() => Ok(()),
            _ => Err(String::from("h2load is not installed")),
        };
        Self { go, h2load }
    }

    /// Why a contestant can't run at all, if so.
    pub(crate) fn lack(&self, contestant: Contestant) -> Option<String> {
        match contestant {
            Contestant::Go => self.go.as_ref().err().cloned(),
            Contestant::H2load => self.h2load.as_ref().err().cloned(),
            Contestant::Outlive | Contestant::RawH2 | Contestant::HyperUtil | Contestant::Reqwest => None,
        }
    }

    pub(crate) fn measure(&self, task: &Task) -> anyhow::Result<Measurement> {
        let json = serde_json::to_string(task)?;
        match task.contestant {
            Contestant::H2load => h2load(task),
            Contestant::Go => {
                let program = self.go.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
                let output = run(Command::new(program).arg(json), task)?;
                serde_json::from_str(&output).with_context(|| output)
            }
            Contestant::Outlive | Contestant::RawH2 | Contestant::HyperUtil | Contestant::Reqwest => {
                let output = run(Command::new(std::env::current_exe()?).arg("measure").arg(json), task)?;
                serde_json::from_str(&output).with_context(|| output)
            }
        }
    }
}

/// Runs it to its end, within a time in which it must have ended; what it printed.
fn run(command: &mut Command, task: &Task) -> anyhow::Result<String> {
    let limit = Duration::from_secs_f64(60.0 + 5.0 * (task.seconds + task.warm_up));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let start = Instant::now();
    // What it prints is shorter than a pipe holds.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("not done after {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let (mut output, mut error) = (String::new(), String::new());
    child.stdout.take().context("it has one")?.read_to_string(&mut output)?;
    child.stderr.take().context("it has one")?.read_to_string(&mut error)?;
    anyhow::ensure!(status.success(), "{status}: {}", error.trim());
    Ok(output)
}

fn build_go(directory: &Path) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let program = directory.join("bench-go");
    let build = Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(source).output();
    match build {
        Err(_) => Err(String::from("go is not installed")),
        Ok(output) if output.status.success() => Ok(program),
        Ok(output) => Err(format!("go build: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn h2load(task: &Task) -> anyhow::Result<Measurement> {
    let streams = task.work.concurrency();
    let (path, requests) = match task.work {
        Work::Small { .. } => {
            let rate = if streams > 1 { H2LOAD_RATE_CROWD } else { H2LOAD_RATE_ALONE };
            (SMALL_PATH, (rate * task.seconds).max(100.0) as u64)
        }
        Work::Download { streams } => (BIG_PATH, streams as u64),
        Work::Upload { .. } | Work::Idle { .. } | Work::InFlight { .. } => anyhow::bail!("not its work"),
    };
    let scheme = if task.wire == Wire::H2 { "https" } else { "http" };
    let mut command = Command::new("h2load");
    command
        .args(["-c", &task.connections.to_string(), "-t", &task.threads.to_string()])
        .args(["-m", &streams.div_ceil(task.connections).to_string(), "-n", &requests.to_string()])
        .args(["-w", &STREAM_WINDOW_BITS.to_string(), "-W", &CONNECTION_WINDOW_BITS.to_string()])
        .arg(format!("{scheme}://{}{path}", task.address));
    let before = Cpu::children()?;
    let output = run(&mut command, task)?;
    let cpu = Cpu::children()?.since(before);
    let done = between(&output, "started, ", " done").context("it does not say how many were done")?;
    anyhow::ensure!(done.parse() == Ok(requests), "{done} of {requests} requests were done");
    let seconds =
        between(&output, "finished in ", ",").and_then(duration).context("it does not say how long")?;
    Ok(Measurement {
        requests,
        bytes: if task.work.is_bulk() { requests * task.bytes_each } else { requests * 128 },
        seconds,
        user: cpu.user,
        system: cpu.system,
        // It tells no percentiles.
        latency: None,
        // Of the largest child so far, which is not this one.
        peak_kib: 0,
        each_kib: None,
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let text = &text[text.find(before)? + before.len()..];
    Some(&text[..text.find(after)?])
}

/// `1.50s`, `133.42ms` or `97us`, in seconds.
fn duration(text: &str) -> Option<f64> {
    let (number, unit) = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)]
        .into_iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    Some(number.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2loads_words() {
        let said = "finished in 1.50s, 374762.03 req/s\nrequests: 5 total, 5 started, 4 done, 4 succeeded";
        assert_eq!(between(said, "finished in ", ",").and_then(duration), Some(1.5));
        assert_eq!(between(said, "started, ", " done"), Some("4"));
        assert_eq!(
            (duration("1.50s"), duration("97us"), duration("1h")),
            (Some(1.5), Some(97.0 * 1e-6), None)
        );
    }
}
