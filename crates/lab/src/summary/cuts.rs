//! What each cut cost.
//!
//! Which requests were on the wire when it was cut? Only the client knows, and the lab does not ask it. The origin
//! knows by which wires a request came in, so of the requests under way at that moment those are counted that
//!
//! - came in by the wire that was cut (before the cut), or
//! - never came in at all, or
//! - came in only by wires that were dialled after the cut. When it struck, such a request was waiting for an answer
//!   on the old wire or in the client's queue; that it went elsewhere later (a rescue) is what the client did about it.
//!
//! Not counted are those that came in by another wire that was open already: they were carried past the cut.
//! A request whose answer was on its way to the lab at that moment still counts as under way.
//!
//! Invariant: only cuts that hit a live wire are looked at, in the order in which they struck.

use std::collections::HashSet;

use super::{stats, turn::Turn};
use crate::record::{Outcome, RequestId};

/// Requests that may have been on the wires that were cut, all cuts together.
pub(super) fn in_flight(turn: &Turn<'_>) -> u64 {
    let mut count = 0;
    for cut in turn.hits() {
        let on_it = |request: &&u64| {
            let Some(wires) = turn.seen.get(request) else { return true };
            let younger = |wire| turn.opened.get(wire).is_some_and(|&opened| opened > cut.at);
            wires.iter().any(|wire| cut.wires.contains(wire)) || wires.iter().all(younger)
        };
        count += cut.outstanding.iter().filter(on_it).count() as u64;
    }
    count
}

/// Attempts beyond the first of each request, as far as the origin's side can tell: those that it saw, and those that a
/// cut wire swallowed. Of the latter only such are known as were under way when a wire was cut and came in by a younger one
/// later; what was sent into a dead wire afterwards, nobody but the client has seen.
pub(super) fn extra_attempts(turn: &Turn<'_>) -> u64 {
    let seen: u64 = turn.seen.values().map(|wires| wires.len() as u64 - 1).sum();
    let mut swallowed: HashSet<&RequestId> = HashSet::new();
    for cut in turn.hits() {
        swallowed.extend(cut.outstanding.iter().filter(|&request| {
            let younger = |wire| turn.opened.get(wire).is_some_and(|&opened| opened > cut.at);
            turn.seen.get(request).is_some_and(|wires| wires.iter().all(younger))
        }));
    }
    seen + swallowed.len() as u64
}

/// Failures between each cut and the next.
pub(super) fn failures(turn: &Turn<'_>) -> Vec<u64> {
    let struck: Vec<u64> = turn.hits().map(|cut| cut.at).collect();
    let mut failures = vec![0; struck.len()];
    for request in turn.requests.iter().filter(|r| r.outcome != Outcome::Ok) {
        // The first cut is later than this end: then no cut is to blame.
        if let Some(last) = struck.partition_point(|&at| at <= request.done).checked_sub(1) {
            failures[last] += 1;
        }
    }
    failures
}

/// From each cut to the end of the first success that started after it.
pub(super) fn recovery_ms(turn: &Turn<'_>) -> Vec<Option<f64>> {
    let mut successes: Vec<(u64, u64)> =
        turn.requests.iter().filter(|r| r.outcome == Outcome::Ok).map(|r| (r.go, r.done)).collect();
    successes.sort_unstable();
    // The earliest end from here to the last: a later start may end first.
    let mut earliest = u64::MAX;
    for (_, done) in successes.iter_mut().rev() {
        earliest = earliest.min(*done);
        *done = earliest;
    }
    let recovery = |at| {
        let first = successes.partition_point(|&(go, _)| go <= at);
        let &(_, done) = successes.get(first)?;
        Some(stats::round((done - at) as f64 / 1000.0))
    };
    turn.hits().map(|cut| recovery(cut.at)).collect()
}
