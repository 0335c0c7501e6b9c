//! Paths that spoil more than one connection.

use super::{Scenario, dials, lost_per_cut};
use crate::world::{Arrivals, How, Load, MS, SEC, Way, Whom, World};

fn repeatable(timeout: u64) -> Load {
    Load { repeatable: 1_000_000, timeout: Some(timeout), ..World::default().load }
}

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "nat",
        title: "a NAT forgets flows that are idle for 5 s; the callers are quiet for 10 s in every 20",
        world: || {
            let load = Load { until: 75 * SEC, quiet: Some((20 * SEC, 10 * SEC)), ..repeatable(SEC) };
            let path = Way { nat: Some(5 * SEC), ..World::default().path };
            World { load, path, ..World::default() }.cut(
                &[20 * SEC - 1, 40 * SEC - 1, 60 * SEC - 1],
                Whom::All,
                How::Mark,
            )
        },
        expected: &[lost_per_cut(8), dials(20)],
    },
    Scenario {
        name: "ecmp",
        title: "one of two equal paths dies for 5 s: half of the new connections are dead too",
        world: || {
            let load = Load { until: 15 * SEC, ..repeatable(SEC) };
            World { load, ..World::default() }.cut(&[3 * SEC], Whom::Paths(1, 2), How::Blackhole(8 * SEC))
        },
        // One cut in 32 is followed by five dials in a row on the dead half.
        expected: &[lost_per_cut(40), dials(40)],
    },
    Scenario {
        name: "address-dead",
        title: "four addresses, one of them dies for good",
        world: || {
            let load = Load { until: 20 * SEC, ..repeatable(SEC) };
            World { load, addresses: 4, ..World::default() }
                .cut(&[5 * SEC], Whom::Address(0), How::Blackhole(u64::MAX))
                .cut(&[8 * SEC], Whom::Address(1), How::Blackhole(u64::MAX))
                .cut(&[11 * SEC], Whom::Address(2), How::Blackhole(u64::MAX))
        },
        expected: &[lost_per_cut(16), dials(100)],
    },
    Scenario {
        name: "flapping",
        title: "the path goes away for 600 ms in every 2 s, ten times",
        world: || {
            let load = Load { until: 25 * SEC, ..repeatable(3 * SEC) };
            World { load, ..World::default() }.cut(
                &[2 * SEC],
                Whom::All,
                How::Flap(600 * MS, 1400 * MS, 22 * SEC),
            )
        },
        expected: &[dials(200)],
    },
    Scenario {
        name: "outage",
        title: "everything is gone for 5 s, then it is back: nothing may storm",
        world: || {
            let load = Load { arrivals: Arrivals::Closed(100, 50 * MS), until: 15 * SEC, ..repeatable(SEC) };
            World { load, ..World::default() }.cut(
                &[3 * SEC],
                Whom::All,
                How::Flap(5 * SEC, 60 * SEC, 9 * SEC),
            )
        },
        expected: &[dials(100)],
    },
];
