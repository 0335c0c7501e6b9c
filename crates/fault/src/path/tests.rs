//! How fault tests ask: one parcel at a time, and what becomes of it.

use super::{Blackhole, Delay, Path};
use crate::{Direction, Fault, Flow, Micros, Parcel, Verdict};

pub(crate) const OUT: Direction = Direction::Out;
pub(crate) const BACK: Direction = Direction::Back;

/// A packet of `flow` at `at`.
pub(crate) fn packet(flow: u64, direction: Direction, at: Micros) -> Parcel {
    Parcel { flow: Flow(flow), direction, at, bytes: 100 }
}

/// The share, in per cent, that `fault` drops of packets on flows 0 to 999, one each.
pub(crate) fn dropped_per_cent(fault: &mut dyn Fault, at: Micros) -> usize {
    (0..1000).filter(|flow| fault.judge(&packet(*flow, OUT, at)) == Verdict::Drop).count() / 10
}

#[test]
fn a_path_adds_delays_and_stops_at_the_first_drop() {
    let mut path = Path::default();
    path.push(Delay::new(10));
    path.push(Delay::new(5));
    path.push(Blackhole::of(Flow(1), 100));
    assert_eq!(path.judge(&packet(1, OUT, 0)), Verdict::Delay(15));
    assert_eq!(path.judge(&packet(1, OUT, 100)), Verdict::Drop);
    assert_eq!(path.judge(&packet(2, OUT, 100)), Verdict::Delay(15));
}
