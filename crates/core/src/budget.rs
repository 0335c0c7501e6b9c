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
    second: u64,
    requests: u64,
    extra: u64,
}

/// Requests and extra attempts of the last ten seconds.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Budget {
    slots: [Slot; SLOTS as usize],
}

impl Budget {
    fn slot(&mut self, now: Time) -> &mut Slot {
        let second = now.as_micros() / SLOT.as_micros();
        let slot = &mut self.slots[(second % SLOTS) as usize];
        if slot.second != second {
            *slot = Slot { second, ..Slot::default() };
        }
        slot
    }

    pub(crate) fn request(&mut self, now: Time) {
        self.slot(now).requests += 1;
    }

    /// Whether another extra attempt would be within the budget: within half of it for one that is only late.
    pub(crate) fn is_left(&mut self, now: Time, late: bool, limits: &Limits) -> bool {
        let second = self.slot(now).second;
        let recent = self.slots.iter().filter(|slot| slot.second + SLOTS > second);
        let (requests, extra) = recent.fold((0, 0), |(r, e), slot| (r + slot.requests, e + slot.extra));
        let allowed = requests * u64::from(limits.extra_percent) / 100 + u64::from(limits.extra_floor);
        extra < if late { allowed.div_ceil(2) } else { allowed }
    }

    /// Takes one extra attempt out of the budget, if there is one.
    pub(crate) fn take(&mut self, now: Time, late: bool, limits: &Limits) -> bool {
        let is_left = self.is_left(now, late, limits);
        self.slot(now).extra += u64::from(is_left);
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
