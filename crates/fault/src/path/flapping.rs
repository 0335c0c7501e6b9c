//! Flapping: the whole path goes away and comes back, again and again (a route that flaps, a radio at the edge of reach).

use crate::{Fault, Micros, Parcel, Verdict};

/// Up for a while, down for a while.
#[derive(Clone, Debug)]
pub struct Flapping {
    up: Micros,
    down: Micros,
    from: Micros,
    until: Micros,
}

impl Flapping {
    /// From `from` to `until`: first `down`, then `up`, and again.
    pub fn new(up: Micros, down: Micros, from: Micros, until: Micros) -> Self {
        Self { up, down, from, until }
    }

    /// Whether nothing passes at this moment.
    pub fn is_down(&self, at: Micros) -> bool {
        (self.from..self.until).contains(&at)
            && (at - self.from) % self.up.saturating_add(self.down).max(1) < self.down
    }
}

impl Fault for Flapping {
    fn judge(&mut self, parcel: &Parcel) -> Verdict {
        if self.is_open(parcel) { Verdict::Pass } else { Verdict::Drop }
    }

    fn is_open(&self, parcel: &Parcel) -> bool {
        !self.is_down(parcel.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{OUT, packet};

    #[test]
    fn goes_down_and_up_between_its_moments() {
        let mut flapping = Flapping::new(30, 10, 100, 200);
        let down: Vec<u64> =
            (0..300).step_by(5).filter(|at| flapping.judge(&packet(1, OUT, *at)) == Verdict::Drop).collect();
        assert_eq!(down, [100, 105, 140, 145, 180, 185]);
    }
}
