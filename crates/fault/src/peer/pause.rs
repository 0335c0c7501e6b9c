//! A process that pauses: garbage collection, an overcommitted host, a laptop lid. Nothing is read, answered or noticed
//! until it goes on, and then all of it at once. For a server, and for our own process (promise P8).

use crate::{Chance, Micros};

/// Pauses at random moments.
#[derive(Clone, Debug)]
pub struct Pause {
    every: Micros,
    most: Micros,
    from: Micros,
    until: Micros,
    chance: Chance,
}

impl Pause {
    /// A process that never pauses.
    pub fn never() -> Self {
        Self::every(0, 0, 0)
    }

    /// About every `every`, a pause of up to `most`; 0 for none.
    pub fn every(every: Micros, most: Micros, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let from = if every == 0 { Micros::MAX } else { chance.wait(every) };
        Self { every, most, from, until: from, chance }.drawn()
    }

    fn drawn(mut self) -> Self {
        self.until = self.from.saturating_add(self.chance.between(1, self.most));
        self
    }

    /// When what wants to happen `at` can happen: then, or at the end of the pause. Asked in the order of time.
    pub fn awake(&mut self, at: Micros) -> Micros {
        while at >= self.until && self.from != Micros::MAX {
            self.from = self.until.saturating_add(self.chance.wait(self.every));
            *self = self.clone().drawn();
        }
        if at >= self.from { self.until } else { at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_into_a_pause_waits_for_its_end() {
        let mut pause = Pause::every(10_000, 500, 1);
        let mut paused = 0;
        for at in 0..1_000_000 {
            let awake = pause.awake(at);
            assert!(awake >= at && awake - at <= 500);
            paused += u64::from(awake > at);
        }
        assert!((10_000..40_000).contains(&paused), "{paused} µs of a million in pauses"); // about 250 in 10,250
    }

    #[test]
    fn never_is_never() {
        let mut pause = Pause::never();
        assert!([0, 1, 1_000_000_000].into_iter().all(|at| pause.awake(at) == at));
    }
}
