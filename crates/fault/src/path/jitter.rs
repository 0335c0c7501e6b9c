//! Jitter: queues on the way fill and drain, and parcels take longer by chance.

use crate::{Chance, Fault, Micros, Parcel, Verdict};

/// A random delay on top of the path's own.
#[derive(Clone, Debug)]
pub struct Jitter {
    most: Micros,
    chance: Chance,
}

impl Jitter {
    /// From nothing to `most`, each as likely as the other.
    pub fn new(most: Micros, seed: u64) -> Self {
        Self { most, chance: Chance::new(seed) }
    }
}

impl Fault for Jitter {
    fn judge(&mut self, _: &Parcel) -> Verdict {
        Verdict::Delay(self.chance.between(0, self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{OUT, packet};

    #[test]
    fn stays_within_its_bounds_and_uses_them() {
        let mut jitter = Jitter::new(100, 1);
        let delays: Vec<_> = (0..1000).map(|at| jitter.judge(&packet(1, OUT, at))).collect();
        assert!(delays.iter().all(|verdict| *verdict <= Verdict::Delay(100)));
        assert!(delays.contains(&Verdict::Delay(0)) && delays.contains(&Verdict::Delay(100)));
    }
}
