//! How to use the simulator, step by step; read this first.
//!
//! A world is plain data. A simulation lives through one history of it. What it came to is counted.

use outlive_core::Pool;
use outlive_fault::Micros;
use outlive_sim::promises::Watch;
use outlive_sim::simulation::{Outcome, Simulation};
use outlive_sim::world::{Arrivals, How, Load, MS, SEC, Whom, World};

/// One caller, a request about every 10 ms, for a second.
fn one_caller() -> World {
    let load = Load { arrivals: Arrivals::Closed(1, 10 * MS), until: SEC, ..World::default().load };
    World { load, ..World::default() }
}

fn live(world: &World, seed: u64) -> Outcome {
    let pool = Pool::new(world.limits.clone(), seed);
    Simulation::new(world, pool, seed, Some(Watch::new(&world.limits, seed))).run()
}

/// First: nothing goes wrong. One dial of two round trips, then every request is answered.
#[test]
fn a_good_day() {
    let outcome = live(&one_caller(), 1);
    let tally = outcome.tally;
    assert_eq!((tally.ok, tally.lost(), tally.dials, tally.probes), (tally.requests, 0, 1, 0));
    assert!(tally.requests > 50, "{tally:?}");
    assert_eq!(outcome.broken, None);
}

/// Then one thing goes wrong: the connection's packets vanish. The request that is under way is lost, and the next one goes
/// elsewhere.
#[test]
fn one_cut() {
    let world = one_caller().cut(&[500 * MS], Whom::Busiest, How::Blackhole(Micros::MAX));
    let tally = live(&world, 1).tally;
    assert_eq!((tally.cuts, tally.in_flight, tally.lost()), (1, 1, 1));
    assert_eq!((tally.suspicions, tally.false_suspicions, tally.dials), (1, 0, 2));
}

/// If that request may be sent again, nothing is lost.
#[test]
fn one_cut_and_a_rescue() {
    let mut world = one_caller().cut(&[500 * MS], Whom::Busiest, How::Blackhole(Micros::MAX));
    world.load.repeatable = 1_000_000;
    let tally = live(&world, 1).tally;
    assert_eq!((tally.cuts, tally.lost(), tally.extra()), (1, 0, 1));
}

/// What was said and decided can be read, and replayed.
#[test]
fn the_history_is_a_trace() {
    let world = one_caller().cut(&[500 * MS], Whom::Busiest, How::Blackhole(Micros::MAX));
    let trace = live(&world, 1).watch.expect("it was watched").trace("one cut");
    let text = trace.to_string();
    for line in ["< dial c1", "> connected c1 x100", "< probe c1", "< suspect c1", "< dial c2"] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    assert_eq!(trace.check(), Ok(()));
    let read: outlive_core::trace::Trace = text.parse().expect("what was written can be read");
    assert_eq!(read.lines, trace.lines);
}

/// The same seed gives the same history, to the microsecond; another seed gives another.
#[test]
fn a_seed_is_a_history() {
    let mut world = one_caller().cut(&[300 * MS, 600 * MS], Whom::Any, How::Stall);
    world.path.jitter = MS;
    world.path.loss = 20_000;
    let facts = |seed| live(&world, seed).watch.expect("it was watched").facts;
    assert_eq!(facts(3), facts(3));
    assert_ne!(facts(3), facts(4));
}
