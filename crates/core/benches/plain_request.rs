//! What the pool costs a plain request: the three events request, answered, done.
//!
//! `cargo bench -p outlive-core` prints nanoseconds per request, the median of nine rounds, and their spread: on a warm pool of 1
//! to 1,000,000 idle connections (whose idle timers must cost nothing), and with 100,000 requests waiting.

#![allow(clippy::disallowed_types)] // a bench needs a clock

use std::hint::black_box;
use std::time::Instant;

use outlive_core::{Action, Event, Limits, Pool, Repeat, RequestId, Span, Time};

const ROUNDS: usize = 9;
const REQUESTS: u64 = 200_000;

/// A pool, the time in it, and the name of the next request.
struct Bench {
    pool: Pool,
    now: Time,
    next: u64,
    actions: Vec<Action>,
}

impl Bench {
    /// A pool with so many open connections, all idle.
    fn idle(connections: u32) -> Self {
        let limits =
            Limits { connections, dials_single: connections, streams_expected: Some(1), ..Limits::default() };
        let limits = Limits { waiting: u32::MAX, idle: Span::from_secs(1_000_000), ..limits };
        let mut bench =
            Self { pool: Pool::new(limits, 1), now: Time::from_micros(1), next: 0, actions: Vec::new() };
        for _ in 0..connections {
            bench.request();
        }
        let mut todo = std::mem::take(&mut bench.actions);
        while let Some(action) = todo.pop() {
            match action {
                Action::Dial { connection, .. } => {
                    bench.tell(Event::Connected { connection, streams: 100, can_probe: true });
                }
                Action::Send { attempt, .. } => {
                    bench.tell(Event::Answered { attempt });
                    bench.tell(Event::Done { attempt });
                }
                _ => {}
            }
            todo.append(&mut bench.actions);
        }
        // The looks that the first requests had asked for, so that only the idle timers are left.
        bench.now = bench.now + Span::from_secs(1);
        bench.tell(Event::Tick);
        bench
    }

    /// A pool with so many requests waiting for the 100 streams of its one connection, which are all taken.
    fn crowded(waiting: u64) -> Self {
        let mut bench = Self::idle(1);
        for _ in 0..waiting + 100 {
            bench.request();
        }
        bench.actions.retain(|action| matches!(action, Action::Send { .. }));
        bench
    }

    fn tell(&mut self, event: Event) {
        self.pool.handle(self.now, event, &mut self.actions);
    }

    fn request(&mut self) {
        self.next += 1;
        let request = RequestId(self.next);
        self.tell(Event::Request { request, deadline: None, repeat: Repeat::OnSuspicion });
    }

    /// So many requests, each answered at once; nanoseconds per request.
    fn round(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..REQUESTS {
            self.now = self.now + Span::from_micros(20);
            self.request();
            let sent = self.actions.iter().position(|action| matches!(action, Action::Send { .. }));
            if let Some(Action::Send { attempt, .. }) = sent.map(|at| self.actions.swap_remove(at)) {
                self.tell(Event::Answered { attempt });
                self.tell(Event::Done { attempt });
            }
            if self.pool.deadline().is_some_and(|due| due <= self.now) {
                self.tell(Event::Tick);
            }
            self.actions.retain(|action| matches!(action, Action::Send { .. }));
            black_box(&self.actions);
        }
        start.elapsed().as_nanos() as f64 / REQUESTS as f64
    }
}

fn report(what: &str, mut bench: Bench) {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| bench.round()).collect();
    rounds.sort_by(f64::total_cmp);
    let (median, from, to) = (rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS - 1]);
    println!("{what:>28}: {median:>5.0} ns a request (from {from:.0} to {to:.0})");
}

fn main() {
    for connections in [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        report(&format!("{connections} connections"), Bench::idle(connections));
    }
    for waiting in [1_000, 100_000] {
        report(&format!("{waiting} waiting"), Bench::crowded(waiting));
    }
}
