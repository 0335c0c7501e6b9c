//! A slow server: every request takes a while, and some take much longer. It is not dead, and answers PINGs at once.

use crate::{Chance, Micros};

/// How long requests take.
#[derive(Clone, Debug)]
pub struct Slow {
    usual: Micros,
    one_in: u64,
    long: Micros,
    from: Micros,
    until: Micros,
    chance: Chance,
}

impl Slow {
    /// A request takes around `usual`: half of it at least, twice at most.
    pub fn usual(usual: Micros, seed: u64) -> Self {
        Self { usual, one_in: 0, long: 0, from: 0, until: Micros::MAX, chance: Chance::new(seed) }
    }

    /// But one in `one_in` takes `long`; 0 for none.
    pub fn but_one_in(self, one_in: u64, long: Micros) -> Self {
        Self { one_in, long, ..self }
    }

    /// The long ones come only between these moments.
    pub fn between(self, from: Micros, until: Micros) -> Self {
        Self { from, until, ..self }
    }

    /// How long the request that comes `at` takes.
    pub fn takes(&mut self, at: Micros) -> Micros {
        if (self.from..self.until).contains(&at) && self.chance.once_in(self.one_in) {
            return self.long;
        }
        self.usual / 2 + self.chance.wait(self.usual / 2).min(self.usual * 3 / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_so_many_is_long_while_it_lasts() {
        let mut slow = Slow::usual(100, 1).but_one_in(10, 99_999).between(1000, 2000);
        let mut long = |at| (0..1000).filter(|_| slow.takes(at) == 99_999).count();
        assert_eq!(long(999), 0);
        assert!((70..130).contains(&long(1000)));
        assert_eq!(long(2000), 0);
    }

    #[test]
    fn usual_is_about_the_mean() {
        let mut slow = Slow::usual(1000, 1);
        let mean = (0..10_000).map(|at| slow.takes(at)).sum::<u64>() / 10_000;
        assert!((900..1050).contains(&mean), "{mean}");
        assert!((0..10_000).all(|at| slow.takes(at) <= 2000));
    }
}
