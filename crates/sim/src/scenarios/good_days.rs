//! Days on which nothing is cut: here a pool can only do harm.

use super::{Scenario, asleep, dials, extra, false_dead, false_suspicions, lost};
use crate::world::{Arrivals, Load, MS, SEC, Server, Way, World};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "good-day",
        title: "nothing is wrong: eight callers, 2 ms away, 2 ms each",
        world: World::default,
        expected: &[lost(0), dials(1), extra(0), false_suspicions(0), false_dead(0)],
    },
    Scenario {
        name: "good-day-http1",
        title: "the same over HTTP/1.1",
        world: || World { server: Server { streams: None, ..World::default().server }, ..World::default() },
        expected: &[lost(0), dials(8), extra(0), false_suspicions(0), false_dead(0)],
    },
    Scenario {
        name: "busy",
        title: "400 callers, jitter of 30 %, server pauses up to 50 ms, our own up to 200 ms",
        world: || World {
            path: Way { rtt: 10 * MS, jitter: 3 * MS, ..World::default().path },
            server: Server { usual: 10 * MS, pause: Some((2 * SEC, 50 * MS)), ..World::default().server },
            own_pause: Some((3 * SEC, 200 * MS)),
            load: Load {
                arrivals: Arrivals::Closed(400, 500 * MS),
                timeout: Some(2 * SEC),
                ..World::default().load
            },
            ..World::default()
        },
        expected: &[lost(0), false_suspicions(1), false_dead(0)],
    },
    Scenario {
        name: "own-pauses",
        title: "our own process pauses up to 2 s, the world goes on",
        world: || World {
            own_pause: Some((SEC, 2 * SEC)),
            load: Load { timeout: Some(5 * SEC), until: 20 * SEC, ..World::default().load },
            ..World::default()
        },
        expected: &[lost(0), dials(1), asleep(0), false_dead(0)],
    },
    Scenario {
        name: "loss",
        title: "1 % of all packets are lost",
        world: || World {
            path: Way { rtt: 10 * MS, loss: 10_000, ..World::default().path },
            load: Load { timeout: Some(2 * SEC), ..World::default().load },
            ..World::default()
        },
        expected: &[lost(0), false_dead(0)],
    },
    Scenario {
        name: "large-bodies",
        title: "one response in ten is 3 MB through 20 MB/s: PINGs wait behind it",
        world: || World {
            path: Way { narrow: Some(20_000_000), ..World::default().path },
            server: Server { parts: 192, part_every: 20, parts_one_in: 10, ..World::default().server },
            load: Load { timeout: Some(30 * SEC), ..World::default().load },
            ..World::default()
        },
        expected: &[lost(0), false_dead(0)],
    },
    Scenario {
        name: "uploads",
        title: "requests of 100 KB through 20 MB/s: everything waits behind them",
        world: || World {
            path: Way { narrow: Some(20_000_000), ..World::default().path },
            load: Load { timeout: Some(5 * SEC), bytes: 100_000, ..World::default().load },
            ..World::default()
        },
        expected: &[lost(0), false_dead(0)],
    },
    Scenario {
        name: "far-away",
        title: "200 ms away with 60 ms of jitter, no deadlines told",
        world: || World {
            path: Way { rtt: 200 * MS, jitter: 60 * MS, ..World::default().path },
            load: Load { timeout: Some(3 * SEC), says_deadline: false, ..World::default().load },
            ..World::default()
        },
        expected: &[lost(0), false_suspicions(0), false_dead(0)],
    },
];
