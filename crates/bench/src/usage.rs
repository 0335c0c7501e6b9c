//! What this process has used, as the kernel counts it.

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// CPU time, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    /// Of this process.
    pub(crate) fn own() -> anyhow::Result<Self> {
        Self::of(UsageWho::RUSAGE_SELF)
    }

    /// Of its children that have ended and were waited for.
    pub(crate) fn children() -> anyhow::Result<Self> {
        Self::of(UsageWho::RUSAGE_CHILDREN)
    }

    fn of(who: UsageWho) -> anyhow::Result<Self> {
        let usage = getrusage(who)?;
        let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        Ok(Self { user: seconds(usage.user_time()), system: seconds(usage.system_time()) })
    }

    pub(crate) fn since(self, start: Self) -> Self {
        Self { user: self.user - start.user, system: self.system - start.system }
    }
}

/// Memory in use now, in KiB.
pub(crate) fn resident() -> anyhow::Result<u64> {
    status("VmRSS:")
}

/// Memory in use at the most so far, in KiB.
pub(crate) fn peak() -> anyhow::Result<u64> {
    status("VmHWM:")
}

fn status(field: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("memory is read from Linux's /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
