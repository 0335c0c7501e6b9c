//! The checks are checked: for every promise a pool that breaks it, and the simulation must say so.
//!
//! Each mutant is the real pool behind something that spoils what it is told, or what it decides, in one way. It must be
//! caught breaking that very promise within 2,000 worlds; the real pool is caught in none (`scenarios.rs`).

use std::collections::{BTreeMap, BTreeSet};

use outlive_core::{Action, AttemptId, ConnectionId, Event, Limits, Pool, Repeat, RequestId, Span, Time};
use outlive_sim::check::Case;
use outlive_sim::policy::Policy;

/// Worlds until which a mutant must be caught.
const WORLDS: u64 = 2_000;

/// Lives through worlds until the mutant is caught breaking `promise`.
#[track_caller]
fn check<P: Policy>(promise: &str, mutant: impl Fn(Limits, u64) -> P) {
    let mut others = BTreeMap::new();
    for seed in 0..WORLDS {
        match Case::of(seed).check_policy(seed, &mutant).broken {
            Some(broken) if broken.promise == promise => return,
            Some(broken) => *others.entry(broken.promise).or_insert(0) += 1,
            None => {}
        }
    }
    panic!("nobody noticed that {promise} is broken; these were: {others:?}");
}

/// A pool whose facts and decisions pass through a spoiler.
struct Spoilt<S> {
    pool: Pool,
    spoiler: S,
}

/// Spoils one thing. What it does not touch passes.
trait Spoiler {
    /// A fact on its way in; `None` loses it.
    fn fact(&mut self, _now: Time, event: Event) -> Option<Event> {
        Some(event)
    }

    /// Decisions on their way out.
    fn decisions(&mut self, _event: Event, _actions: &mut Vec<Action>) {}

    /// What is told beside a fact, before it.
    fn beside(&mut self, _pool: &Pool, _now: Time, _event: Event) -> Option<(Time, Event)> {
        None
    }
}

impl<S: Spoiler> Policy for Spoilt<S> {
    fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        if let Some((at, more)) = self.spoiler.beside(&self.pool, now, event) {
            self.pool.handle(at, more, actions);
        }
        if let Some(event) = self.spoiler.fact(now, event) {
            self.pool.handle(now, event, actions);
        }
        self.spoiler.decisions(event, actions);
    }

    fn deadline(&self) -> Option<Time> {
        self.pool.deadline()
    }

    fn in_doubt(&self, now: Time, doubted: &mut Vec<ConnectionId>) {
        doubted.extend(self.pool.in_doubt(now));
    }
}

fn spoilt<S: Spoiler>(spoiler: impl Fn() -> S) -> impl Fn(Limits, u64) -> Spoilt<S> {
    move |limits, seed| Spoilt { pool: Pool::new(limits, seed), spoiler: spoiler() }
}

/// A pool that was given other limits than it was asked to keep.
fn limited(change: impl Fn(&mut Limits)) -> impl Fn(Limits, u64) -> Pool {
    move |mut limits, seed| {
        change(&mut limits);
        Pool::new(limits, seed)
    }
}

#[test]
fn p1_a_suspect_gets_a_request() {
    #[derive(Default)]
    struct Misdirect(BTreeSet<ConnectionId>);
    impl Spoiler for Misdirect {
        fn decisions(&mut self, event: Event, actions: &mut Vec<Action>) {
            if let Event::Closed { connection } = event {
                self.0.remove(&connection);
            }
            for action in actions {
                match action {
                    Action::Suspect { connection } => _ = self.0.insert(*connection),
                    Action::Clear { connection } | Action::Close { connection, .. } => {
                        self.0.remove(connection);
                    }
                    Action::Send { connection, .. } => {
                        *connection = self.0.first().copied().unwrap_or(*connection);
                    }
                    _ => {}
                }
            }
        }
    }
    check("P1", spoilt(Misdirect::default));
}

#[test]
fn p2_a_stream_is_free_before_its_fate_is_known() {
    #[derive(Default)]
    struct Hurry(BTreeMap<RequestId, AttemptId>);
    impl Spoiler for Hurry {
        fn decisions(&mut self, event: Event, actions: &mut Vec<Action>) {
            for action in actions.iter() {
                if let Action::Send { request, attempt, .. } = action {
                    self.0.insert(*request, *attempt);
                }
            }
            if let Event::Cancel { request } = event {
                actions.extend(self.0.get(&request).map(|attempt| Action::Abandon { attempt: *attempt }));
            }
        }
    }
    check("P2", spoilt(Hurry::default));
}

#[test]
fn p3_more_streams_than_the_peer_allows() {
    struct Greedy;
    impl Spoiler for Greedy {
        fn fact(&mut self, _: Time, event: Event) -> Option<Event> {
            Some(match event {
                Event::Connected { connection, streams, can_probe } => {
                    Event::Connected { connection, streams: streams + 1, can_probe }
                }
                other => other,
            })
        }
    }
    check("P3", spoilt(|| Greedy));
}

#[test]
fn p4_what_must_not_be_repeated_is_repeated() {
    struct Careless;
    impl Spoiler for Careless {
        fn fact(&mut self, _: Time, event: Event) -> Option<Event> {
            Some(match event {
                Event::Request { request, deadline, .. } => {
                    Event::Request { request, deadline, repeat: Repeat::WhenLate }
                }
                other => other,
            })
        }
    }
    check("P4", spoilt(|| Careless));
}

#[test]
fn p5_extra_attempts_without_a_budget() {
    check("P5", limited(|limits| (limits.extra_percent, limits.extra_floor) = (100_000, 100_000)));
}

#[test]
fn p6_more_dials_than_are_needed() {
    struct Herd(u64);
    impl Spoiler for Herd {
        fn decisions(&mut self, event: Event, actions: &mut Vec<Action>) {
            if let Event::Request { .. } = event {
                self.0 += 1;
                actions.push(Action::Dial { connection: ConnectionId((1 << 40) + self.0), address: None });
            }
        }
    }
    check("P6", spoilt(|| Herd(0)));
}

#[test]
fn p7_a_request_is_forgotten() {
    struct Forgetful;
    impl Spoiler for Forgetful {
        fn decisions(&mut self, _: Event, actions: &mut Vec<Action>) {
            actions.retain(|action| !matches!(action, Action::Fail { .. }));
        }
    }
    check("P7", spoilt(|| Forgetful));
}

#[test]
fn p8_our_own_sleep_accuses_others() {
    struct Sleepwalker;
    impl Spoiler for Sleepwalker {
        fn beside(&mut self, pool: &Pool, now: Time, _: Event) -> Option<(Time, Event)> {
            // Told that the tick came on time, the pool can't know that nobody was there to hear the answer.
            pool.deadline().filter(|due| *due < now).map(|due| (due, Event::Tick))
        }
    }
    check("P8", spoilt(|| Sleepwalker));
}

#[test]
fn p9_two_probes_at_a_time() {
    struct Nagging;
    impl Spoiler for Nagging {
        fn decisions(&mut self, _: Event, actions: &mut Vec<Action>) {
            let probes = actions.iter().filter(|action| matches!(action, Action::Probe { .. }));
            let probes: Vec<Action> = probes.copied().collect();
            actions.extend(probes);
        }
    }
    check("P9", spoilt(|| Nagging));
}

#[test]
fn p9_probes_without_end() {
    check("P9", limited(|limits| limits.pings = 1000));
}

#[test]
fn p10_resets_storm() {
    check("P10", limited(|limits| (limits.resets, limits.reset_interval) = (100_000, Span::ZERO)));
}

#[test]
fn p11_the_queue_has_no_end() {
    check("P11", limited(|limits| limits.waiting = u32::MAX));
}

#[test]
fn p11_a_blocked_socket_is_written_to() {
    struct Pushy;
    impl Spoiler for Pushy {
        fn fact(&mut self, _: Time, event: Event) -> Option<Event> {
            Some(event).filter(|event| !matches!(event, Event::Writable { .. }))
        }
    }
    check("P11", spoilt(|| Pushy));
}

#[test]
fn p12_a_connection_is_suspected_without_having_been_asked() {
    struct Paranoid(Option<ConnectionId>);
    impl Spoiler for Paranoid {
        fn decisions(&mut self, event: Event, actions: &mut Vec<Action>) {
            match event {
                Event::Connected { connection, .. } => self.0 = Some(connection),
                Event::Cancel { .. } => {
                    actions.extend(self.0.take().map(|connection| Action::Suspect { connection }));
                }
                _ => {}
            }
        }
    }
    check("P12", spoilt(|| Paranoid(None)));
}

#[test]
fn p13_no_connection_is_kept_warm() {
    check("P13", limited(|limits| limits.connections_min = 0));
}

#[test]
fn p14_nobody_compares() {
    check("P14", limited(|limits| limits.silent_row = u32::MAX));
}

#[test]
fn p15_a_sound_is_taken_for_proof() {
    #[derive(Default)]
    struct Gullible(BTreeMap<ConnectionId, AttemptId>);
    impl Spoiler for Gullible {
        fn fact(&mut self, _: Time, event: Event) -> Option<Event> {
            Some(match event {
                Event::Heard { connection, .. } => {
                    Event::Proven { connection, through: self.0.get(&connection).copied() }
                }
                other => other,
            })
        }
        fn decisions(&mut self, _: Event, actions: &mut Vec<Action>) {
            for action in actions {
                if let Action::Send { attempt, connection, .. } = action {
                    self.0.insert(*connection, *attempt);
                }
            }
        }
    }
    check("P15", spoilt(Gullible::default));
}

#[test]
fn p16_chance_from_elsewhere() {
    check("P16", |limits, seed| Pool::new(limits, seed + 1));
}
