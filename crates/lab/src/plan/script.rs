//! What goes wrong, and when.
//!
//! Invariant: pure data. Who carries it out: `experiment.rs` the cuts, `proxy.rs` dead paths, `wires/road.rs` what takes time,
//! `namespace/firewall.rs` what happens to packets.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// The fault script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Script {
    /// One cut is planned in this many requests; 0 is none at all.
    pub(crate) every: u64,
    /// Which request of each interval is cut at, where it is not the one midway.
    pub(crate) first: Option<u64>,
    /// What a cut does.
    pub(crate) fault: Fault,
    /// To which of the live wires.
    pub(crate) which: Which,
    /// How long it lasts, for the faults that end.
    pub(crate) lasts_ms: u64,
    /// Whether the request before the one that is cut is answered too late, so that the client has just given one up.
    pub(crate) timed_out_first: bool,
    /// From the end of the warm-up, some of the paths that new connections are spread over are dead.
    pub(crate) paths: Option<Paths>,
    /// From the end of the warm-up, this many of 1,000 packets are lost at random, each way.
    pub(crate) loss_per_mille: u32,
    /// Whether packets are dropped (in a network namespace) rather than bytes held back (by the proxy).
    pub(crate) packets: bool,
    /// Added to the way of every byte, each way.
    pub(crate) delay_ms: u64,
    /// And up to this much more, at random.
    pub(crate) jitter_ms: u64,
    /// What the fault `longer` adds to the way of every byte, each way.
    pub(crate) longer_ms: u64,
    /// What all connections together carry in a second, each way; 0 is no limit.
    pub(crate) bytes_per_second: u64,
    /// A NAT forgets connections by which nothing went for so long; 0 is none.
    pub(crate) nat_ms: u64,
}

/// Which wires are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Which {
    /// One of the live wires, at random
    #[default]
    Random,
    /// The live wire with the most requests at the origin, of several the one that was used last
    Busiest,
    /// All live wires
    All,
}

/// Equal paths behind a router, some of them dead (ECMP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paths {
    /// How many are dead.
    pub(crate) dead: u64,
    /// Of how many.
    pub(crate) of: u64,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            every: 1_000,
            first: None,
            fault: Fault::Stall,
            which: Which::Random,
            lasts_ms: 0,
            timed_out_first: false,
            paths: None,
            loss_per_mille: 0,
            packets: false,
            delay_ms: 0,
            jitter_ms: 0,
            longer_ms: 150,
            bytes_per_second: 0,
            nat_ms: 0,
        }
    }
}

impl Script {
    /// Which request of each interval is cut at: midway, as in the issue, unless the script says otherwise.
    pub(super) fn place(&self) -> u64 {
        self.first.filter(|first| *first < self.every).unwrap_or(self.every / 2)
    }

    /// Whether the origin has several addresses, and a name for them.
    pub(crate) fn names_origin(&self) -> bool {
        self.fault == Fault::AddressLost
    }

    /// Whether bytes may take time, or be lost, between the two sockets of a wire.
    pub(crate) fn takes_time(&self) -> bool {
        self.fault == Fault::Longer
            || self.delay_ms + self.jitter_ms + self.bytes_per_second + self.nat_ms > 0
    }

    /// Whether this can only be done to packets, and so only in a network namespace of the lab's own.
    pub(crate) fn needs_namespace(&self) -> bool {
        self.packets || self.loss_per_mille > 0 || self.fault.is_about_packets()
    }
}
