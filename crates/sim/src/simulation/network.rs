//! The network as the wires see it: the time, the agenda, and one path to each address.

use outlive_fault::path::{Delay, Jitter, Loss, Narrow, Nat};
use outlive_fault::{Direction, Fault, Flow, Micros, Parcel, Path, Verdict};

use super::agenda::Agenda;
use crate::world::Way;

/// One end-to-end way that parcels can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) flow: Flow,
    pub(super) address: u32,
}

#[derive(Debug)]
pub(super) struct Network {
    pub(super) now: Micros,
    pub(super) agenda: Agenda,
    pub(super) paths: Vec<Path>,
    /// The round trip, as a kernel would have smoothed it.
    pub(super) rtt: Micros,
}

impl Network {
    pub(super) fn new(way: &Way, addresses: u32, seed: u64) -> Self {
        let path = |address: u64| {
            let seed = seed.wrapping_mul(31).wrapping_add(address);
            let mut path = Path::default();
            path.push(Delay::new(way.rtt / 2));
            if way.jitter > 0 {
                path.push(Jitter::new(way.jitter, seed));
            }
            if way.loss > 0 {
                path.push(Loss::new(way.loss, seed));
            }
            if let Some(rate) = way.narrow {
                path.push(Narrow::new(rate));
            }
            if let Some(idle) = way.nat {
                path.push(Nat::new(idle));
            }
            path
        };
        Self {
            now: 0,
            agenda: Agenda::default(),
            paths: (0..u64::from(addresses)).map(path).collect(),
            rtt: way.rtt + way.jitter,
        }
    }

    /// What becomes of a parcel that is sent now.
    pub(super) fn judge(&mut self, route: Route, direction: Direction, bytes: u32) -> Verdict {
        let parcel = Parcel { flow: route.flow, direction, at: self.now, bytes };
        self.paths[route.address as usize].judge(&parcel)
    }

    /// Whether the route is open both ways, apart from chance.
    pub(super) fn is_open(&self, route: Route) -> bool {
        [Direction::Out, Direction::Back].into_iter().all(|direction| {
            let parcel = Parcel { flow: route.flow, direction, at: self.now, bytes: 1 };
            self.paths[route.address as usize].is_open(&parcel)
        })
    }
}
