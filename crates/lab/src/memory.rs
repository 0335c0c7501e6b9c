//! How much memory a contestant takes, as the kernel counts it.
//!
//! Invariant: it looks from outside, so the contestant pays nothing; where there is no `/proc`, there is no figure.

use std::time::Duration;

use tokio::{task::JoinHandle, time::interval};

use crate::record::{Record, writer::Recorder};

/// A file read of some 20 µs, ten times a second.
const LOOK: Duration = Duration::from_millis(100);

/// Looks again and again until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch(JoinHandle<()>);

impl Watch {
    pub(crate) fn start(process: u32, recorder: Recorder) -> Self {
        Self(tokio::spawn(async move {
            let mut looks = interval(LOOK);
            let mut last = None;
            loop {
                looks.tick().await;
                let now = look(process);
                // A record of ten minutes need not say 6,000 times that nothing changed.
                if let Some((resident_kib, peak_kib)) = now.filter(|_| now != last) {
                    recorder.write(Record::Memory { at: recorder.now(), resident_kib, peak_kib });
                }
                last = now;
            }
        }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn look(process: u32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some((field(&status, "VmRSS:")?, field(&status, "VmHWM:")?))
}

/// `VmRSS:      1234 kB`
fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn the_kernel_says_how_much() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "VmHWM:")), (Some(1024), Some(2048)));
        assert_eq!(field(status, "VmSwap:"), None);
    }
}
