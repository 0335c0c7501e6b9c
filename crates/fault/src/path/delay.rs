//! Delay: the path has a length. Every parcel takes the same time.

use crate::{Fault, Micros, Parcel, Verdict};

/// A fixed delay, each way.
#[derive(Clone, Debug)]
pub struct Delay(Micros);

impl Delay {
    /// `one_way` for each parcel: half of the round trip.
    pub fn new(one_way: Micros) -> Self {
        Self(one_way)
    }
}

impl Fault for Delay {
    fn judge(&mut self, _: &Parcel) -> Verdict {
        Verdict::Delay(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{BACK, OUT, packet};

    #[test]
    fn takes_the_same_time_each_way() {
        let mut delay = Delay::new(7);
        assert_eq!(delay.judge(&packet(1, OUT, 0)), Verdict::Delay(7));
        assert_eq!(delay.judge(&packet(2, BACK, 9)), Verdict::Delay(7));
    }
}
