//! Servers that are slow, strict, or leave.

use outlive_fault::peer::Restart;

use super::{Scenario, dials, false_dead, false_suspicions, lost};
use crate::world::{Arrivals, Load, MS, SEC, Server, World};

fn serving(server: Server, load: Load) -> World {
    World { server, load, ..World::default() }
}

fn usual() -> Server {
    World::default().server
}

fn patient() -> Load {
    Load { timeout: Some(5 * SEC), ..World::default().load }
}

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "slow-one-in-100",
        title: "one request in a hundred takes 500 ms, and its caller waits 50 ms",
        world: || {
            let load = Load { timeout: Some(50 * MS), says_deadline: false, ..World::default().load };
            serving(Server { slow: (100, 500 * MS), ..usual() }, load)
        },
        expected: &[dials(2), false_suspicions(0), false_dead(0)],
    },
    Scenario {
        name: "all-slow",
        title: "for 5 s every request takes 500 ms, and its caller waits 50 ms",
        world: || {
            let load = Load { timeout: Some(50 * MS), says_deadline: false, ..World::default().load };
            serving(Server { slow: (1, 500 * MS), slow_between: (3 * SEC, 8 * SEC), ..usual() }, load)
        },
        // Two PINGs between two heads are all that is polite; after them a caller's giving up accuses before it can ask.
        // Each suspicion lasts one round trip, for then the PING is answered.
        expected: &[dials(8), false_suspicions(80), false_dead(0)],
    },
    Scenario {
        name: "long-handlers",
        title: "handlers take 3 s: the pool asks politely meanwhile (gRPC counts PINGs)",
        world: || {
            let load = Load { arrivals: Arrivals::Closed(4, 100 * MS), timeout: Some(30 * SEC), ..patient() };
            serving(Server { usual: 3 * SEC, ..usual() }, Load { until: 30 * SEC, ..load })
        },
        expected: &[lost(0), dials(1), false_suspicions(0), false_dead(0)],
    },
    Scenario {
        name: "server-pauses",
        title: "the server stands still for up to 500 ms every 2 s",
        world: || serving(Server { pause: Some((2 * SEC, 500 * MS)), ..usual() }, patient()),
        expected: &[lost(0), false_dead(0)],
    },
    Scenario {
        name: "mass-timeouts",
        title: "300 callers time out together again and again: resets must not storm",
        world: || {
            let load = Load {
                arrivals: Arrivals::Closed(300, 100 * MS),
                until: 5 * SEC,
                timeout: Some(30 * MS),
                ..World::default().load
            };
            serving(Server { pause: Some((500 * MS, 300 * MS)), streams: Some(300), ..usual() }, load)
        },
        expected: &[false_dead(0), dials(40)],
    },
    Scenario {
        name: "goaway",
        title: "the server restarts with GOAWAY and 1 s of grace, and is down for 200 ms",
        world: || {
            let restart = Restart { at: 4 * SEC, grace: SEC, down: 200 * MS };
            serving(Server { restart: Some(restart), ..usual() }, patient())
        },
        expected: &[lost(0), dials(6), false_dead(0)],
    },
    Scenario {
        name: "abrupt-restart",
        title: "the server closes everything at once and refuses connections for 500 ms",
        world: || {
            let restart = Restart { at: 4 * SEC, grace: 0, down: 500 * MS };
            serving(Server { restart: Some(restart), ..usual() }, patient())
        },
        expected: &[dials(60), false_dead(0)],
    },
];
