//! Connections that die in silence.

use outlive_fault::Micros;

use super::{Scenario, dials, extra, false_dead, lost_per_cut, lost_per_stall, stranded, waited};
use crate::world::{Arrivals, How, Load, MS, SEC, Server, Way, Whom, World};

/// Gone for good.
const GONE: How = How::Blackhole(Micros::MAX);

/// Far enough apart for every rival that recovers at all to do so in between.
fn cut_thrice(world: World, how: How) -> World {
    world.cut(&[SEC, 4 * SEC, 7 * SEC], Whom::Busiest, how)
}

/// The callers: so many, a timeout each that the client is not told, hardly any thought between requests.
fn hasty(workers: u32, timeout: Micros) -> Load {
    Load {
        arrivals: Arrivals::Closed(workers, MS),
        timeout: Some(timeout),
        says_deadline: false,
        ..World::default().load
    }
}

fn near() -> World {
    World {
        path: Way { rtt: 200, ..World::default().path },
        server: Server { streams: Some(250), usual: 200, ..World::default().server },
        ..World::default()
    }
}

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "issue-63422",
        title: "golang/go issue 63422: one caller, 10 ms timeout, a proxy stops copying three times",
        world: || cut_thrice(World { load: hasty(1, 10 * MS), ..near() }, How::Stall),
        expected: &[lost_per_cut(1), dials(4), extra(6)],
    },
    Scenario {
        name: "issue-64-callers",
        title: "the same with 64 callers and 50 ms",
        world: || {
            let load = Load { arrivals: Arrivals::Closed(64, 20 * MS), ..hasty(64, 50 * MS) };
            cut_thrice(World { load, ..near() }, How::Stall)
        },
        expected: &[lost_per_cut(64), dials(8)],
    },
    Scenario {
        name: "long-timeout",
        title: "one caller, 1 s timeout, told beforehand; the path is gone",
        world: || {
            let load = Load { says_deadline: true, ..hasty(1, SEC) };
            cut_thrice(World { load, ..near() }, GONE)
        },
        expected: &[lost_per_cut(1), dials(5)],
    },
    Scenario {
        name: "blackhole",
        title: "eight callers; the packets of the busiest connection vanish, three times",
        world: || cut_thrice(World::default(), GONE),
        expected: &[lost_per_cut(8), dials(8)],
    },
    Scenario {
        name: "blackhole-repeatable",
        title: "the same, and every request may be repeated",
        world: || {
            let load = Load { repeatable: 1_000_000, ..World::default().load };
            cut_thrice(World { load, ..World::default() }, GONE)
        },
        expected: &[lost_per_cut(1), dials(8)],
    },
    Scenario {
        name: "blackhole-warm",
        title: "the same, and the pool keeps two connections open: nobody waits for a dial",
        world: || {
            let load = Load { repeatable: 1_000_000, ..World::default().load };
            let mut world = cut_thrice(World { load, ..World::default() }, GONE);
            world.limits.connections_min = 2;
            world
        },
        expected: &[lost_per_cut(1), stranded(0), waited(0), dials(8)],
    },
    Scenario {
        name: "one-way-out",
        title: "only what the client sends is lost",
        world: || cut_thrice(World::default(), How::LoseOut),
        expected: &[lost_per_cut(8), dials(8)],
    },
    Scenario {
        name: "one-way-back",
        title: "only what the server sends is lost",
        world: || cut_thrice(World::default(), How::LoseBack),
        expected: &[lost_per_cut(8), dials(8)],
    },
    Scenario {
        name: "one-way-while-streaming",
        title: "what the client sends is lost while another response still streams (the hole of Go 1.26)",
        world: || {
            let server =
                Server { parts: 600, part_every: 5 * MS, parts_one_in: 600, ..World::default().server };
            let load = Load { head_only: true, says_deadline: false, ..World::default().load };
            cut_thrice(World { server, load, ..World::default() }, How::LoseOut)
        },
        expected: &[lost_per_cut(40), dials(10)],
    },
    Scenario {
        name: "cut-after-a-timeout",
        title: "one request in 50 times out on a slow handler; then the path dies (the hole of Go 1.24)",
        world: || {
            let server = Server { slow: (50, 100 * MS), ..near().server };
            cut_thrice(World { server, load: hasty(1, 10 * MS), ..near() }, GONE)
        },
        expected: &[dials(40)],
    },
    Scenario {
        name: "many-connections",
        title: "400 callers on several connections; the busiest is cut, three times",
        world: || {
            let server = Server { usual: 60 * MS, streams: Some(100), ..World::default().server };
            let load = Load {
                arrivals: Arrivals::Closed(400, 100 * MS),
                timeout: Some(300 * MS),
                repeatable: 1_000_000,
                ..World::default().load
            };
            cut_thrice(World { server, load, ..World::default() }, GONE)
        },
        expected: &[lost_per_cut(100), false_dead(0), dials(40)],
    },
    Scenario {
        name: "all-connections",
        title: "400 callers; every connection is cut at once",
        world: || {
            let server = Server { usual: 60 * MS, streams: Some(100), ..World::default().server };
            let load = Load {
                arrivals: Arrivals::Closed(400, 100 * MS),
                timeout: Some(300 * MS),
                repeatable: 1_000_000,
                ..World::default().load
            };
            World { server, load, ..World::default() }.cut(&[3 * SEC, 6 * SEC], Whom::All, GONE)
        },
        expected: &[lost_per_cut(400), dials(60)],
    },
    Scenario {
        name: "few-streams",
        title: "a server that allows ten streams; cuts",
        world: || {
            let server = Server { streams: Some(10), ..World::default().server };
            let load = Load { arrivals: Arrivals::Closed(30, 10 * MS), ..World::default().load };
            cut_thrice(World { server, load, ..World::default() }, GONE)
        },
        expected: &[lost_per_cut(30), dials(30)],
    },
    Scenario {
        name: "http1-cut",
        title: "HTTP/1.1: one caller, 10 ms, a proxy stops copying three times",
        world: || {
            let server = Server { streams: None, ..near().server };
            cut_thrice(World { server, load: hasty(1, 10 * MS), ..near() }, How::Stall)
        },
        expected: &[lost_per_cut(1), dials(6)],
    },
    Scenario {
        name: "open-load",
        title: "200 requests a second, whatever happens, half of them repeatable; cuts",
        world: || {
            let load = Load {
                arrivals: Arrivals::Open(5 * MS),
                timeout: Some(SEC),
                repeatable: 500_000,
                ..World::default().load
            };
            cut_thrice(World { load, ..World::default() }, GONE)
        },
        expected: &[lost_per_cut(60), dials(8)],
    },
    Scenario {
        name: "blocked",
        title: "uploads of 100 KB into a path that is gone: the socket takes no more, and nothing may pile up",
        world: || {
            let load = Load {
                arrivals: Arrivals::Closed(30, 50 * MS),
                bytes: 100_000,
                timeout: Some(SEC),
                ..World::default().load
            };
            cut_thrice(World { load, ..World::default() }, GONE)
        },
        expected: &[lost_per_cut(30), false_dead(0), dials(16)],
    },
    Scenario {
        name: "app-stall",
        title: "what is behind one connection sleeps: PINGs are answered, requests never",
        world: || {
            let load = Load { arrivals: Arrivals::Closed(8, 10 * MS), ..hasty(8, 20 * MS) };
            cut_thrice(World { load, ..near() }, How::Sleep)
        },
        expected: &[lost_per_stall(16), dials(20)],
    },
];
