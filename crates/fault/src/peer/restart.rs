//! A server that restarts: GOAWAY, a while to end what is under way, then gone; and after a while it listens again. Or
//! without any manners: gone at once.

use crate::Micros;

/// One restart.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    /// When it says GOAWAY.
    pub at: Micros,
    /// How long it then lets requests end, before it closes every connection.
    pub grace: Micros,
    /// How long after that it refuses new connections.
    pub down: Micros,
}

/// What a server does at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It serves.
    Up,
    /// It has said GOAWAY and ends what is under way; somebody else listens in its place already.
    Leaving,
    /// Every connection is closed, new ones are refused.
    Down,
}

impl Restart {
    /// How the server stands `at` a moment.
    pub fn standing(&self, at: Micros) -> Standing {
        let closes = self.at.saturating_add(self.grace);
        if (self.at..closes).contains(&at) {
            Standing::Leaving
        } else if (closes..closes.saturating_add(self.down)).contains(&at) {
            Standing::Down
        } else {
            Standing::Up
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_goes_down_and_comes_back() {
        let restart = Restart { at: 100, grace: 50, down: 10 };
        let standings = [99, 100, 149, 150, 159, 160].map(|at| restart.standing(at));
        use Standing::{Down, Leaving, Up};
        assert_eq!(standings, [Up, Leaving, Leaving, Down, Down, Up]);
    }
}
