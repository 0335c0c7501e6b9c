//! What can go wrong with a wire.
//!
//! When a wire is cut, its pump stops and hands both sockets to the fault, which decides what becomes of them. So a
//! fault is one function in one file, and can do anything to a connection that a program between two sockets can. What
//! a program between two sockets can't do, others do: the origin's handlers (`origin/mod.rs`), the firewall
//! (`namespace/firewall.rs`), or the proxy as a whole (`wires.rs`). `whose` says who.
//!
//! To add one: a file beside `stall.rs` with a `take_over`, and its line in each `match` below; `--fault`, `list` and
//! the record then know it. `docs/faults.md` tells it step by step.
//!
//! Invariant: bytes that the pump had read but not yet written are gone; they were on the way when the cut came.
//! Next: `stall.rs`, the fault of the issue; `wire.rs`, which hands the sockets over.

mod fin;
mod one_way;
mod reset;
mod stall;

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

pub(crate) use self::stall::{silence, until_closed};

/// What a cut does to its wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// Both directions go silent; sockets stay open, no FIN, no RST
    Stall,
    /// Only the way to the origin goes silent
    StallUp,
    /// Only the way back goes silent
    StallDown,
    /// The connection's packets are really dropped, both ways; needs a network namespace
    Blackhole,
    /// The origin's handlers on this connection answer no more; PINGs are answered
    HandlersStall,
    /// RST to both ends
    Reset,
    /// FIN to both ends, wherever a body stands
    Fin,
    /// The origin says GOAWAY (HTTP/1.1: closes) and finishes what it has
    Goaway,
    /// No byte passes on any wire, new ones included, for a while
    Pause,
    /// All connections are closed, and new ones are for a while
    Restart,
    /// From now on every way takes longer, each way
    Longer,
    /// The first of the origin's three addresses is gone: its packets are dropped; needs a network namespace
    AddressLost,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The wire itself, between its two sockets: `take_over`.
    Wire,
    /// The origin, on the connection at the wire's other end.
    Origin,
    /// The firewall of the lab's network namespace.
    Firewall,
    /// The proxy, to all wires and new ones.
    Proxy,
}

/// The two sockets of a wire that was cut.
#[derive(Debug)]
pub(crate) struct Ends {
    /// Towards the contestant.
    pub(crate) client: TcpStream,
    /// Towards the origin.
    pub(crate) origin: TcpStream,
}

impl Fault {
    /// Does the fault to these sockets, and tells once when the contestant has closed its end. Where the fault leaves
    /// anything open, it goes on until the contestant's turn ends; dropping the future ends it.
    pub(crate) async fn take_over(self, ends: Ends, closed: impl FnOnce()) {
        match self {
            Fault::Stall => stall::take_over(ends, closed).await,
            Fault::StallUp => one_way::only_down(ends, closed).await,
            Fault::StallDown => one_way::only_up(ends, closed).await,
            Fault::Reset => reset::take_over(ends),
            Fault::Fin | Fault::Restart => fin::take_over(ends, closed).await,
            // Not done by wires.
            Fault::Blackhole
            | Fault::HandlersStall
            | Fault::Goaway
            | Fault::Pause
            | Fault::Longer
            | Fault::AddressLost => {}
        }
    }

    /// Who does it.
    pub(crate) fn whose(self) -> Whose {
        match self {
            Fault::Stall | Fault::StallUp | Fault::StallDown | Fault::Reset | Fault::Fin => Whose::Wire,
            Fault::HandlersStall | Fault::Goaway => Whose::Origin,
            Fault::Blackhole | Fault::AddressLost => Whose::Firewall,
            Fault::Pause | Fault::Restart | Fault::Longer => Whose::Proxy,
        }
    }

    /// Whether wires that it hits are live afterwards.
    pub(crate) fn cuts_nothing(self) -> bool {
        matches!(self, Fault::Pause | Fault::Longer)
    }

    /// Whether it happens to packets, not to bytes.
    pub(crate) fn is_about_packets(self) -> bool {
        self.whose() == Whose::Firewall
    }

    /// One line for a human.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Fault::Stall => "both directions go silent; sockets stay open, no FIN, no RST",
            Fault::StallUp => "only the way to the origin goes silent",
            Fault::StallDown => "only the way back goes silent",
            Fault::Blackhole => {
                "the connection's packets are really dropped, both ways; needs a network namespace"
            }
            Fault::HandlersStall => {
                "the origin's handlers on this connection answer no more; PINGs are answered"
            }
            Fault::Reset => "RST to both ends",
            Fault::Fin => "FIN to both ends, wherever a body stands",
            Fault::Goaway => "the origin says GOAWAY (HTTP/1.1: closes) and finishes what it has",
            Fault::Pause => "no byte passes on any wire, new ones included, for a while",
            Fault::Restart => "all connections are closed, and new ones are for a while",
            Fault::Longer => "from now on every way takes longer, each way",
            Fault::AddressLost => {
                "the first of the origin's three addresses is gone: its packets are dropped; needs a network namespace"
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Fault::Stall => "stall",
            Fault::StallUp => "stall-up",
            Fault::StallDown => "stall-down",
            Fault::Blackhole => "blackhole",
            Fault::HandlersStall => "handlers-stall",
            Fault::Reset => "reset",
            Fault::Fin => "fin",
            Fault::Goaway => "goaway",
            Fault::Pause => "pause",
            Fault::Restart => "restart",
            Fault::Longer => "longer",
            Fault::AddressLost => "address-lost",
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::Fault;

    #[test]
    fn a_fault_has_one_name_everywhere() {
        for fault in Fault::value_variants() {
            let name = fault.to_string();
            assert_eq!(fault.to_possible_value().unwrap().get_name(), name);
            assert_eq!(serde_json::to_value(fault).unwrap(), name);
        }
    }
}
