//! Loss: each parcel is lost with the same chance, whatever became of the others (a noisy or crowded link).

use crate::{Chance, Fault, Parcel, Verdict};

/// A random share of all parcels is dropped.
#[derive(Clone, Debug)]
pub struct Loss {
    per_million: u32,
    chance: Chance,
}

impl Loss {
    /// `per_million` of a million: 10,000 for 1 %.
    pub fn new(per_million: u32, seed: u64) -> Self {
        Self { per_million, chance: Chance::new(seed) }
    }
}

impl Fault for Loss {
    fn judge(&mut self, _: &Parcel) -> Verdict {
        if self.chance.happens(self.per_million) { Verdict::Drop } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::dropped_per_cent;

    #[test]
    fn drops_its_share() {
        assert_eq!(dropped_per_cent(&mut Loss::new(0, 1), 0), 0);
        assert!((8..=12).contains(&dropped_per_cent(&mut Loss::new(100_000, 1), 0)));
        assert_eq!(dropped_per_cent(&mut Loss::new(1_000_000, 1), 0), 100);
    }
}
