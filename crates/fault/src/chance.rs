//! Chance from a seed (SplitMix64; Steele, Lea, Flood 2014): the same seed, the same luck.

use crate::Micros;

/// A stream of numbers that looks random and is the same for the same seed.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A stream of its own for each seed; seeds that lie side by side give unrelated streams.
    pub fn new(seed: u64) -> Self {
        let mut chance = Self(seed ^ 0x6A09_E667_F3BC_C908);
        let start = chance.draw();
        Self(start)
    }

    /// The next number, any of 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound.max(1)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// True in `per_million` of a million cases.
    pub fn happens(&mut self, per_million: u32) -> bool {
        self.below(1_000_000) < u64::from(per_million)
    }

    /// True once in `times`, on average; never for 0.
    pub fn once_in(&mut self, times: u64) -> bool {
        times > 0 && self.below(times) == 0
    }

    /// One of `choices`, which are not none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// The wait for the next of events that come at random, `mean` apart on average (a Poisson process).
    pub fn wait(&mut self, mean: Micros) -> Micros {
        // The natural logarithm in fixed point would be exact everywhere; f64's is the same on all targets we build for.
        let uniform = (self.draw() >> 11) as f64 / (1u64 << 53) as f64;
        (-(1.0 - uniform).ln() * mean as f64) as Micros
    }
}

/// Spreads a number over all 64 bits: the hash that routers and scripts share.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_luck_and_other_seed_other_luck() {
        let luck = |seed| {
            let mut chance = Chance::new(seed);
            (0..8).map(|_| chance.draw()).collect::<Vec<_>>()
        };
        assert_eq!(luck(7), luck(7));
        assert_ne!(luck(7), luck(8));
    }

    #[test]
    fn shares_are_about_right() {
        let mut chance = Chance::new(1);
        let count = (0..100_000).filter(|_| chance.happens(10_000)).count();
        assert!((900..1100).contains(&count), "{count}");
        let mean = (0..100_000).map(|_| chance.wait(1000)).sum::<u64>() / 100_000;
        assert!((980..1020).contains(&mean), "{mean}");
        assert!((0..1000).all(|_| (3..=5).contains(&chance.between(3, 5))));
    }
}
