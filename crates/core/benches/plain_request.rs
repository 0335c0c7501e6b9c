//! What the pool costs a plain request: the three events request, answered, done on a warm pool.
//!
//! `cargo bench -p outlive-core`. Prints nanoseconds per request, the median of several rounds, and their spread.

use std::hint::black_box;
use std::time::Instant;

use outlive_core::{Action, AttemptId, Event, Limits, Pool, Repeat, RequestId, Time};

/// A pool with `connections` open connections of 100 streams each, all idle.
fn warm(connections: u32) -> (Pool, u64, Time) {
    let limits = Limits { connections, dials: connections, ..Limits::default() };
    let mut pool = Pool::new(Limits { streams_expected: Some(1), dials_single: connections, ..limits }, 1);
    let mut now = Time::from_micros(1);
    let mut actions = Vec::new();
    for request in 0..u64::from(connections) {
        pool.handle(
            now,
            Event::Request { request: RequestId(request), deadline: None, repeat: Repeat::IfUnprocessed },
            &mut actions,
        );
    }
    let mut todo = std::mem::take(&mut actions);
    while let Some(action) = todo.pop() {
        now = now + outlive_core::Span::from_micros(1);
        match action {
            Action::Dial { connection, .. } => {
                pool.handle(
                    now,
                    Event::Connected { connection, streams: 100, can_probe: true },
                    &mut actions,
                );
            }
            Action::Send { attempt, .. } => {
                pool.handle(now, Event::Answered { attempt }, &mut actions);
                pool.handle(now, Event::Done { attempt }, &mut actions);
            }
            _ => {}
        }
        todo.append(&mut actions);
    }
    (pool, u64::from(connections), now)
}

fn round(pool: &mut Pool, next: &mut u64, now: &mut Time, requests: u64) -> f64 {
    let mut actions: Vec<Action> = Vec::with_capacity(8);
    let start = Instant::now();
    for _ in 0..requests {
        *now = *now + outlive_core::Span::from_micros(20);
        *next += 1;
        actions.clear();
        pool.handle(
            *now,
            Event::Request { request: RequestId(*next), deadline: None, repeat: Repeat::IfUnprocessed },
            &mut actions,
        );
        let attempt = actions.iter().find_map(|action| match action {
            Action::Send { attempt, .. } => Some(*attempt),
            _ => None,
        });
        let attempt = attempt.unwrap_or(AttemptId(0));
        actions.clear();
        pool.handle(*now, Event::Answered { attempt }, &mut actions);
        pool.handle(*now, Event::Done { attempt }, &mut actions);
        if pool.deadline().is_some_and(|due| due <= *now) {
            pool.handle(*now, Event::Tick, &mut actions);
        }
        black_box(&actions);
    }
    start.elapsed().as_nanos() as f64 / requests as f64
}

fn main() {
    for connections in [1, 10, 100, 1_000] {
        let (mut pool, mut next, mut now) = warm(connections);
        let mut rounds: Vec<f64> = (0..9).map(|_| round(&mut pool, &mut next, &mut now, 200_000)).collect();
        rounds.sort_by(f64::total_cmp);
        println!(
            "{connections:>6} connections: {:>6.0} ns a request (from {:.0} to {:.0})",
            rounds[4], rounds[0], rounds[8]
        );
    }
}
