//! How many dials were under way at a time.
//!
//! A dial is under way from the connection's arrival at the proxy until the origin has done its part of the handshake, or
//! until one of the ends closed it. One whose path is dead stays under way until the contestant gives it up.
//!
//! Invariant: an end and a begin at the same moment do not overlap.

use super::turn::Turn;

/// The most of them, from the start of the contestant.
pub(super) fn most(turn: &Turn<'_>) -> u64 {
    let begins = turn.opened.values().map(|at| (*at, 1_i64));
    let ends =
        turn.dialled.iter().filter(|(wire, _)| turn.opened.contains_key(wire)).map(|(_, at)| (*at, -1));
    let mut changes: Vec<(u64, i64)> = begins.chain(ends).collect();
    changes.sort_unstable();
    let under_way = changes.iter().scan(0, |sum, (_, change)| {
        *sum += change;
        Some(*sum)
    });
    under_way.max().unwrap_or(0).unsigned_abs()
}
