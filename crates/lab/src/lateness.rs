//! How late the lab itself is.
//!
//! Lab and contestants share the processors. A heartbeat on the lab's own runtime tells how late its tasks came to run,
//! and the kernel how much of the processors the machine's host kept (steal). A figure that is not far above this is noise.
//! tokio's timers count whole milliseconds, so about 1 ms of lateness is there on an idle machine too.
//!
//! Invariant: one beat costs one wake-up and one addition; what is kept has a fixed size.
//! Next: `record/mod.rs`, where it goes.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::record::Lateness;

/// Often enough for a percentile of a run of a second, seldom enough to be no load.
const BEAT: Duration = Duration::from_millis(5);

/// Finer than this is not told apart.
const STEP_US: u64 = 100;
/// Up to this it is; later beats count as this late, but for the maximum.
const STEPS: usize = 20_000;

/// A heart that beats until it is asked.
#[derive(Debug)]
pub(crate) struct Heart {
    beats: Arc<Mutex<Beats>>,
    task: JoinHandle<()>,
    stolen: Option<(u64, u64)>,
}

#[derive(Debug)]
struct Beats {
    late: Vec<u32>,
    max_us: u64,
}

impl Heart {
    pub(crate) fn start() -> Self {
        let beats = Arc::new(Mutex::new(Beats { late: vec![0; STEPS], max_us: 0 }));
        let task = tokio::spawn(beat(Arc::clone(&beats)));
        Self { beats, task, stolen: stolen() }
    }

    /// How late it was since it was started.
    pub(crate) async fn stop(&self) -> Lateness {
        self.task.abort();
        let steal_per_mille = self.stolen.zip(stolen()).map(|((steal, all), (steal_now, all_now))| {
            steal_now.saturating_sub(steal) * 1000 / all_now.saturating_sub(all).max(1)
        });
        let beats = self.beats.lock().await;
        Lateness { p99_us: beats.p99_us(), max_us: beats.max_us, steal_per_mille }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn beat(beats: Arc<Mutex<Beats>>) {
    loop {
        let due = Instant::now() + BEAT;
        sleep_until(due).await;
        let late = due.elapsed();
        beats.lock().await.note(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
    }
}

impl Beats {
    fn note(&mut self, late_us: u64) {
        let step = usize::try_from(late_us / STEP_US).unwrap_or(STEPS).min(STEPS - 1);
        self.late[step] += 1;
        self.max_us = self.max_us.max(late_us);
    }

    /// The upper end of the step that holds it.
    fn p99_us(&self) -> u64 {
        let all: u64 = self.late.iter().copied().map(u64::from).sum();
        let mut left = (all * 99).div_ceil(100);
        for (step, &count) in self.late.iter().enumerate() {
            left = left.saturating_sub(count.into());
            if left == 0 && all > 0 {
                return ((step as u64 + 1) * STEP_US).min(self.max_us);
            }
        }
        0
    }
}

/// Stolen time and all time, in the kernel's ticks. Linux only.
fn stolen() -> Option<(u64, u64)> {
    stolen_in(&std::fs::read_to_string("/proc/stat").ok()?)
}

/// The first line: user nice system idle iowait irq softirq steal, and guests, which are in user already (proc(5)).
fn stolen_in(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::{Beats, STEPS, stolen_in};

    #[test]
    fn most_beats_decide_and_the_worst_is_kept() {
        let mut beats = Beats { late: vec![0; STEPS], max_us: 0 };
        assert_eq!(beats.p99_us(), 0);
        (0..99).for_each(|_| beats.note(150));
        beats.note(50_000_000);
        assert_eq!((beats.p99_us(), beats.max_us), (200, 50_000_000));
        beats.note(50_000_000);
        assert_eq!(beats.p99_us(), STEPS as u64 * super::STEP_US);
    }

    #[test]
    fn stolen_time_is_the_eighth_figure() {
        assert_eq!(stolen_in("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1"), Some((8, 36)));
        assert_eq!(stolen_in("cpu  1 2 3 4\n"), None);
        assert_eq!(stolen_in(""), None);
    }
}
