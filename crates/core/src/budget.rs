//! How many extra attempts the pool may make (promise P5): a share of the requests of the last ten seconds, and a few more.
//!
//! A count alone would be the wrong knob: too small for a busy client, a storm for a quiet one. A share bounds what a bad
//! hour adds to an origin's load; the few more let a quiet client rescue at all. (tower's retry budget argues the same.)

use crate::{Limits, Span, Time};

/// The window is this many slots of a second each.
const SLOTS: u64 = 10;
const SLOT: Span = Span::from_secs(1);

#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    requests: u32,
    extra: u32,
}

/// Requests and extra attempts of the last ten seconds.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Budget {
    /// The last second of the window.
    second: u64,
    /// Each second's is at its number modulo that of the slots.
    slots: [Slot; SLOTS as usize],
}

impl Budget {
    fn slot(&mut self, now: Time) -> &mut Slot {
        let second = now.as_micros() / SLOT.as_micros();
        while self.second < second {
            // What stands there is older than the window by now.
            self.second = (self.second + 1).max(second.saturating_sub(SLOTS));
            self.slots[(self.second % SLOTS) as usize] = Slot::default();
        }
        &mut self.slots[(second % SLOTS) as usize]
    }

    pub(crate) fn request(&mut self, now: Time) {
        let slot = self.slot(now);
        slot.requests = slot.requests.saturating_add(1);
    }

    /// Whether another extra attempt would be within the budget: within half of it for one that is only late.
    pub(crate) fn is_left(&mut self, now: Time, late: bool, limits: &Limits) -> bool {
        self.slot(now); // So that all that is there is recent.
        let sum = |count: fn(&Slot) -> u32| self.slots.iter().map(|slot| u64::from(count(slot))).sum::<u64>();
        let (requests, extra) = (sum(|slot| slot.requests), sum(|slot| slot.extra));
        let allowed = requests * u64::from(limits.extra_percent) / 100 + u64::from(limits.extra_floor);
        extra < if late { allowed.div_ceil(2) } else { allowed }
    }

    /// Takes one extra attempt out of the budget, if there is one.
    pub(crate) fn take(&mut self, now: Time, late: bool, limits: &Limits) -> bool {
        let is_left = self.is_left(now, late, limits);
        let slot = self.slot(now);
        slot.extra = slot.extra.saturating_add(u32::from(is_left));
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_what_is_recent_and_a_floor() {
        let limits = Limits { extra_percent: 20, extra_floor: 3, ..Limits::default() };
        let mut budget = Budget::default();
        let at = |secs: u64| Time::from_micros(secs * 1_000_000);
        let taken = |budget: &mut Budget, now| (0..1000).filter(|_| budget.take(now, false, &limits)).count();
        assert_eq!(taken(&mut budget, at(0)), 3, "the floor");
        for _ in 0..100 {
            budget.request(at(5));
        }
        assert_eq!(taken(&mut budget, at(5)), 20, "the share; the floor is spent");
        assert_eq!(taken(&mut budget, at(9)), 0);
        assert_eq!(taken(&mut budget, at(10)), 3, "what the floor gave is forgotten after ten seconds");
        assert_eq!(taken(&mut budget, at(15)), 0, "and the requests too, with what they allowed");
        assert_eq!(taken(&mut budget, at(100)), 3);
        let late = (0..10).filter(|_| budget.take(at(200), true, &limits)).count();
        assert_eq!((late, taken(&mut budget, at(200))), (2, 1), "half of it for those that are only late");
    }
}
