//! Keeps every processor busy: what a client lives through on a machine that has too much to do.
//!
//! Invariant: dropping it ends its threads within `TURN`.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Steps of arithmetic between two looks at the flag: some ten microseconds.
const TURN: u64 = 10_000;

/// Busy threads, one a processor.
#[derive(Debug)]
pub(crate) struct Busy {
    enough: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Busy {
    pub(crate) fn start() -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let processors = thread::available_parallelism().map_or(1, Into::into);
        let spin = |_| {
            let enough = Arc::clone(&enough);
            thread::spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    black_box((0..TURN).fold(0_u64, |sum, n| black_box(sum ^ n)));
                }
            })
        };
        let threads = (0..processors).map(spin).collect();
        Self { enough, threads }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It only counts, and so can't have panicked.
            _ = thread.join();
        }
    }
}
