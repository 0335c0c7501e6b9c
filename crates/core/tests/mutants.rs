//! The checks are checked: for each promise a core that breaks it on purpose, and the witness must say so, by name.
//!
//! A mutant is the real pool behind something that spoils what it is told or what it decides. If a check were ever weakened
//! until it sees nothing, its mutant would live.

#[allow(unreachable_pub, dead_code)] // shared by several test programs
mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use outlive_core::{
    Action, AttemptId, CloseReason, ConnectionId, DrainReason, Event, Limits, Pool, Repeat, RequestId, Time,
};
use support::history::{Core, History, Make};
use support::world::World;

/// Histories until a mutant must have been caught.
const HISTORIES: u64 = 2_000;

/// Spoils what the pool decides on a fact.
type Spoil = fn(&mut Books, Event, &mut Vec<Action>);

/// What a mutant remembers, to spoil things well.
#[derive(Default)]
struct Books {
    out: BTreeMap<RequestId, AttemptId>,
    open: Vec<ConnectionId>,
    dialing: Vec<ConnectionId>,
    suspects: Vec<ConnectionId>,
    decisions: u64,
}

struct Mutant {
    pool: Pool,
    books: Books,
    spoil: Spoil,
    /// What it is told instead of the truth.
    told: fn(Event) -> Event,
    /// Whether it is told of a late tick as if it had been in time.
    hides_sleep: bool,
}

impl Mutant {
    fn new(limits: Limits, seed: u64) -> Self {
        Self {
            pool: Pool::new(limits, seed),
            books: Books::default(),
            spoil: |_, _, _| {},
            told: |event| event,
            hides_sleep: false,
        }
    }

    fn spoiling(limits: Limits, seed: u64, spoil: Spoil) -> Box<dyn Core> {
        Box::new(Self { spoil, ..Self::new(limits, seed) })
    }
}

impl Core for Mutant {
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        if let Some(due) = self.pool.deadline().filter(|due| self.hides_sleep && *due < now) {
            self.pool.handle(due, Event::Tick, actions);
        }
        if let Event::Connected { connection, .. } = event {
            self.books.dialing.retain(|dialing| *dialing != connection);
            self.books.open.push(connection);
        }
        self.pool.handle(now, (self.told)(event), actions);
        (self.spoil)(&mut self.books, event, actions);
        for action in actions.iter() {
            self.books.decisions += 1;
            match *action {
                Action::Send { request, attempt, .. } => _ = self.books.out.insert(request, attempt),
                Action::Dial { connection, .. } => self.books.dialing.push(connection),
                Action::Suspect { connection } => self.books.suspects.push(connection),
                Action::Clear { connection } | Action::Close { connection, .. } => {
                    self.books.suspects.retain(|suspect| *suspect != connection);
                    self.books.open.retain(|open| *open != connection);
                }
                Action::Abandon { .. }
                | Action::Probe { .. }
                | Action::Drain { .. }
                | Action::Fail { .. } => {}
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.pool.deadline()
    }

    fn in_doubt(&self, now: Time) -> Vec<ConnectionId> {
        self.pool.in_doubt(now).collect()
    }
}

/// The mutant of this promise is caught, and for breaking this promise.
#[track_caller]
fn check(promise: &str, make: Make) {
    let mut others = BTreeMap::<&str, u64>::new();
    for seed in 0..HISTORIES {
        let (world, limits) = World::new(seed);
        let mut history = History::new(make, limits, seed);
        let broken = world.live(&mut history).and_then(|()| history.replays());
        match broken {
            Err(broken) if broken.promise == promise => return,
            Err(broken) => *others.entry(broken.promise).or_default() += 1,
            Ok(()) => {}
        }
    }
    panic!("the mutant of {promise} lives through {HISTORIES} histories (other promises broken: {others:?})");
}

#[test]
fn p1_sends_on_a_suspect() {
    check("P1", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, _, actions| {
            for action in actions {
                if let (Action::Send { connection, .. }, Some(suspect)) = (action, books.suspects.last()) {
                    *connection = *suspect;
                }
            }
        })
    });
}

#[test]
fn p2_frees_a_stream_when_its_caller_gives_up() {
    check("P2", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, event, actions| {
            if let Event::Cancel { request } = event {
                if let Some(attempt) = books.out.remove(&request) {
                    actions.insert(0, Action::Abandon { attempt });
                }
            }
        })
    });
}

#[test]
fn p3_takes_one_stream_more_than_it_is_allowed() {
    check("P3", |limits, seed| {
        let told = |event| match event {
            Event::Connected { connection, streams, can_probe } => {
                Event::Connected { connection, streams: streams.saturating_add(1), can_probe }
            }
            event => event,
        };
        Box::new(Mutant { told, ..Mutant::new(limits, seed) })
    });
}

#[test]
fn p4_repeats_what_may_not_be_repeated() {
    check("P4", |limits, seed| {
        let told = |event| match event {
            Event::Request { request, deadline, .. } => {
                Event::Request { request, deadline, repeat: Repeat::OnSuspicion }
            }
            event => event,
        };
        Box::new(Mutant { told, ..Mutant::new(limits, seed) })
    });
}

#[test]
fn p5_has_no_budget() {
    check("P5", |limits, seed| Box::new(Pool::new(Limits { extra_percent: 10_000, ..limits }, seed)));
}

#[test]
fn p6_gives_dials_up_with_their_requests() {
    check("P6", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, event, actions| {
            if let (Event::Cancel { .. }, Some(connection)) = (event, books.dialing.pop()) {
                actions.push(Action::Close { connection, why: CloseReason::Surplus });
            }
        })
    });
}

#[test]
fn p7_forgets_to_tell_that_a_request_failed() {
    check("P7", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, _, actions| {
            if books.decisions % 20 == 0 {
                actions.retain(|action| !matches!(action, Action::Fail { .. }));
            }
        })
    });
}

#[test]
fn p8_takes_its_own_sleep_for_the_peers_silence() {
    check("P8", |limits, seed| Box::new(Mutant { hides_sleep: true, ..Mutant::new(limits, seed) }));
}

#[test]
fn p9_asks_twice() {
    check("P9", |limits, seed| {
        Mutant::spoiling(limits, seed, |_, _, actions| {
            if let Some(probe) = actions.iter().find(|action| matches!(action, Action::Probe { .. })).copied()
            {
                actions.push(probe);
            }
        })
    });
}

#[test]
fn p10_resets_without_pace() {
    check("P10", |limits, seed| Box::new(Pool::new(Limits { resets: 10_000, ..limits }, seed)));
}

#[test]
fn p11_has_no_limit_of_connections() {
    check("P11", |limits, seed| Box::new(Pool::new(Limits { connections: 10_000, ..limits }, seed)));
}

#[test]
fn p12_suspects_without_asking() {
    check("P12", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, _, actions| {
            if let (Some(connection), true) = (books.open.last(), books.decisions % 50 == 0) {
                actions.push(Action::Suspect { connection: *connection });
            }
        })
    });
}

#[test]
fn p13_piles_up_instead_of_spreading() {
    check("P13", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, _, actions| {
            for action in actions {
                if let (Action::Send { connection, .. }, Some(first)) = (action, books.open.first()) {
                    *connection = *first;
                }
            }
        })
    });
}

#[test]
fn p14_calls_stalled_what_it_compared_with_nothing() {
    check("P14", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, event, actions| {
            if let (Event::Cancel { .. }, [connection]) = (event, books.open.as_slice()) {
                actions.push(Action::Drain { connection: *connection, why: DrainReason::Stalled });
            }
        })
    });
}

#[test]
fn p15_clears_a_suspect_because_it_was_heard() {
    check("P15", |limits, seed| {
        Mutant::spoiling(limits, seed, |books, event, actions| {
            if let Event::Heard { connection, .. } = event {
                if books.suspects.contains(&connection) {
                    actions.insert(0, Action::Clear { connection });
                }
            }
        })
    });
}

#[test]
fn p16_decides_by_something_it_was_not_told() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    check("P16", |limits, seed| {
        let chance = CALLS.fetch_add(1, Ordering::Relaxed);
        Box::new(Pool::new(limits, seed ^ (chance % 2)))
    });
}

/// The unspoilt one lives: it is not the checking that catches the mutants.
#[test]
fn the_pool_itself_is_no_mutant() {
    for seed in 0..300 {
        let (world, limits) = World::new(seed);
        let mut history = History::new(|limits, seed| Box::new(Mutant::new(limits, seed)), limits, seed);
        assert_eq!(world.live(&mut history).and_then(|()| history.replays()), Ok(()), "seed {seed}");
    }
}
