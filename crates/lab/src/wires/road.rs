//! The road that the bytes of all wires take: long, uneven, narrow, or by way of a NAT.
//!
//! It is one for all of a contestant's connections, as the last mile is: a narrow road is not made wider by a second connection.
//!
//! Invariant: what a NAT has forgotten is lost for good, in both directions; so no byte overtakes a lost one.
//! Next: `late.rs`, which asks; `outlive_fault::path`, which answers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use outlive_fault::{
    Direction, Fault as _, Flow, Parcel, Path, Verdict,
    path::{Delay, Jitter, Narrow, Nat},
};
use tokio::time::Instant;

use crate::{plan::Plan, record::WireId};

#[derive(Debug)]
pub(crate) struct Road {
    path: Mutex<Path>,
    start: Instant,
    /// The most of it, µs, and its seed.
    jitter: (u64, u64),
    longer: Duration,
    /// How much longer it has become, µs.
    longer_by: AtomicU64,
}

impl Road {
    pub(super) fn of(plan: &Plan) -> Self {
        let script = &plan.script;
        let mut path = Path::default();
        if script.nat_ms > 0 {
            path.push(Nat::new(script.nat_ms * 1000));
        }
        if script.bytes_per_second > 0 {
            path.push(Narrow::new(script.bytes_per_second));
        }
        if script.delay_ms > 0 {
            path.push(Delay::new(script.delay_ms * 1000));
        }
        Self {
            path: Mutex::new(path),
            start: Instant::now(),
            jitter: (script.jitter_ms * 1000, plan.seed),
            longer: Duration::from_millis(script.longer_ms),
            longer_by: AtomicU64::new(0),
        }
    }

    /// It is longer from now on.
    pub(super) fn lengthen(&self) {
        let micros = u64::try_from(self.longer.as_micros()).unwrap_or(u64::MAX);
        self.longer_by.store(micros, Ordering::Relaxed);
    }

    /// One direction of one wire on it.
    pub(super) fn ride(self: &Arc<Self>, wire: WireId, direction: Direction) -> Ride {
        let (most, seed) = self.jitter;
        let seed = seed ^ (wire << 1) ^ u64::from(direction == Direction::Back);
        Ride { road: Arc::clone(self), flow: Flow(wire), direction, jitter: Jitter::new(most, seed) }
    }

    fn judge(&self, flow: Flow, direction: Direction, bytes: usize) -> (Parcel, Verdict) {
        // No code panics while it holds the lock.
        let mut path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let at = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let parcel = Parcel { flow, direction, at, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) };
        let verdict = path.judge(&parcel).and(Verdict::Delay(self.longer_by.load(Ordering::Relaxed)));
        (parcel, verdict)
    }
}

/// One direction of one wire on the road.
#[derive(Debug)]
pub(crate) struct Ride {
    road: Arc<Road>,
    flow: Flow,
    direction: Direction,
    /// Its own, so that chance does not depend on which of several wires is asked first.
    jitter: Jitter,
}

impl Ride {
    /// How long these bytes take; `None` if they never arrive.
    pub(crate) fn takes(&mut self, bytes: usize) -> Option<Duration> {
        let (parcel, verdict) = self.road.judge(self.flow, self.direction, bytes);
        match verdict.and(self.jitter.judge(&parcel)) {
            Verdict::Pass => Some(Duration::ZERO),
            Verdict::Delay(micros) => Some(Duration::from_micros(micros)),
            Verdict::Hold | Verdict::Drop => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use outlive_fault::Direction::{Back, Out};
    use tokio::time::advance;

    use super::Road;
    use crate::scenario;

    fn road(scenario: &str) -> Arc<Road> {
        Arc::new(Road::of(&scenario::plan(scenario).unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn becomes_longer() {
        let road = road("delay-jumps");
        let mut ride = road.ride(1, Out);
        assert_eq!(ride.takes(1), Some(Duration::from_millis(5)));
        road.lengthen();
        assert_eq!(ride.takes(1), Some(Duration::from_millis(155)));
    }

    #[tokio::test(start_paused = true)]
    async fn is_as_narrow_for_two_as_for_one() {
        let road = road("narrow");
        let takes = |wire, bytes| road.ride(wire, Back).takes(bytes);
        let first = takes(1, 1_000_000).unwrap();
        assert_eq!(takes(2, 1_000_000), Some(first * 2));
        assert!(road.ride(2, Out).takes(100).unwrap() < first, "each way its own");
    }

    #[tokio::test(start_paused = true)]
    async fn forgets_who_is_silent() {
        let road = road("nat-forgets");
        let passes = |wire, direction| road.ride(wire, direction).takes(1).is_some();
        assert!(passes(1, Out) && passes(2, Out));
        advance(Duration::from_millis(1_000)).await;
        assert!(passes(1, Back));
        advance(Duration::from_millis(1_000)).await;
        assert!(passes(1, Out), "both directions count");
        assert!(!passes(2, Out) && !passes(2, Back));
    }

    #[tokio::test(start_paused = true)]
    async fn chance_is_each_wires_own() {
        let ten = |road: &Arc<Road>, wire| {
            let mut ride = road.ride(wire, Out);
            [(); 10].map(|()| ride.takes(1).unwrap())
        };
        let (one, another) = (road("far"), road("far"));
        let (first, _) = (ten(&one, 1), ten(&another, 2));
        assert_eq!(ten(&another, 1), first, "whoever was asked before");
        assert_ne!(ten(&one, 2), first);
        assert!(first.iter().all(|takes| (25..=50).contains(&takes.as_millis())), "{first:?}");
    }
}
