//! The simulation: one thread, virtual time, a policy whose decisions are carried out in a modelled world.
//!
//! ```text
//! agenda ──▶ Simulation ──▶ callers   start, give up          client.rs, callers.rs
//!   ▲           │    ▲
//!   │           ▼    │ facts, decisions
//!   │         policy ┘                  ◀── watch: promises are checked on every fact and decision
//!   │           │
//!   └── pipes ◀─┴──▶ servers            pipe.rs (TCP), network.rs (paths and their faults), server.rs
//! ```
//!
//! Everything that differs between two histories of one world comes from the seed.

mod agenda;
mod callers;
mod client;
mod cuts;
mod network;
mod pipe;
mod server;
mod wire;

use outlive_core::{Action, AttemptId, ConnectionId, Event, IdMap, Time};
use outlive_fault::peer::{Pause, Slow};
use outlive_fault::{Chance, Direction, Micros};

use self::agenda::{Happening, WireId};
use self::callers::Callers;
use self::network::Network;
use self::wire::Wire;
use crate::policy::Policy;
use crate::promises::{Broken, Watch};
use crate::tally::Tally;
use crate::world::{MS, World};

/// Happenings in one history, at most: a policy that needs more goes round in circles.
const HAPPENINGS: u64 = 200_000_000;

/// One history of one world under one policy.
pub struct Simulation<'w, P> {
    world: &'w World,
    policy: P,
    net: Network,
    chance: Chance,
    wires: Vec<Wire>,
    by_connection: IdMap<ConnectionId, WireId>,
    attempts: IdMap<AttemptId, client::Attempt>,
    callers: Callers,
    slow: Slow,
    server_pause: Pause,
    own_pause: Pause,
    /// When our own process is awake again.
    asleep_until: Micros,
    /// Connections that were there when the servers said GOAWAY.
    leaving: Vec<WireId>,
    cut_moments: Vec<Micros>,
    tally: Tally,
    watch: Option<Watch>,
    broken: Option<Broken>,
    actions: Vec<Action>,
    doubted: Vec<ConnectionId>,
}

/// What a history came to.
#[derive(Debug)]
pub struct Outcome {
    /// Its counts.
    pub tally: Tally,
    /// The first promise that was broken, and how.
    pub broken: Option<Broken>,
    /// What was watched, if it was.
    pub watch: Option<Watch>,
}

impl<'w, P: Policy> Simulation<'w, P> {
    /// A world before anything has happened. With a `watch`, promises are checked all along.
    pub fn new(world: &'w World, policy: P, seed: u64, watch: Option<Watch>) -> Self {
        let server = &world.server;
        let pause = |script: Option<(Micros, Micros)>, salt| {
            script.map_or_else(Pause::never, |(every, most)| Pause::every(every, most, seed ^ salt))
        };
        let slow = Slow::usual(server.usual, seed)
            .but_one_in(server.slow.0, server.slow.1)
            .between(server.slow_between.0, server.slow_between.1);
        Self {
            policy,
            net: Network::new(&world.path, world.addresses, seed),
            chance: Chance::new(seed),
            wires: Vec::new(),
            by_connection: IdMap::default(),
            attempts: IdMap::default(),
            callers: Callers::default(),
            slow,
            server_pause: pause(server.pause, 1),
            own_pause: pause(world.own_pause, 2),
            asleep_until: 0,
            leaving: Vec::new(),
            cut_moments: Vec::new(),
            tally: Tally::default(),
            watch,
            broken: None,
            actions: Vec::new(),
            doubted: Vec::new(),
            world,
        }
    }

    /// Lives through it, until every request has ended.
    pub fn run(mut self) -> Outcome {
        self.plan_world();
        while self.broken.is_none() && self.tally.events < HAPPENINGS && !self.is_over() {
            self.step();
        }
        self.finish()
    }

    fn plan_world(&mut self) {
        for (place, cut) in self.world.cuts.iter().enumerate() {
            self.net.agenda.plan(cut.at, Happening::Cut(place as u32));
        }
        if let Some(restart) = self.world.server.restart {
            self.net.agenda.plan(restart.at, Happening::Leave);
            self.net.agenda.plan(restart.at + restart.grace, Happening::Shut);
        }
        if self.world.addresses > 1 {
            for address in 0..u64::from(self.world.addresses) {
                let address = outlive_core::AddressId(address);
                self.tell(Event::Address { address, known: true });
            }
        }
        self.plan_callers();
    }

    fn is_over(&self) -> bool {
        self.net.now > self.world.load.until && self.callers.unfinished() == 0
    }

    /// The next thing that happens: something planned, or a tick that the policy asked for. Timers tick in whole
    /// milliseconds, as tokio's do.
    fn step(&mut self) {
        self.tally.events += 1;
        let due = self.policy.deadline().filter(|due| *due < Time::NEVER);
        let due = due
            .map(|due| due.as_micros().div_ceil(MS) * MS)
            .map(|due| due.max(self.net.now).max(self.asleep_until));
        let next = self.net.agenda.next_at();
        match (due, next) {
            (Some(due), next) if next.is_none_or(|next| due < next) => {
                self.net.now = due;
                if self.is_awake() {
                    self.tick();
                }
            }
            (_, Some(_)) => {
                let Some((at, what)) = self.net.agenda.next() else { return };
                self.net.now = self.net.now.max(at);
                self.happen(what);
            }
            (_, None) => self.hang(),
        }
    }

    /// P7: nothing is planned any more, and callers still wait.
    fn hang(&mut self) {
        let waiting = self.callers.unfinished();
        self.broken = Some(Broken { promise: "P7", how: format!("{waiting} requests never end") });
    }

    /// Whether our own process is running. When it is not, `asleep_until` says for how long.
    fn is_awake(&mut self) -> bool {
        let awake = self.own_pause.awake(self.net.now);
        self.asleep_until = self.asleep_until.max(awake);
        awake <= self.net.now
    }

    fn happen(&mut self, what: Happening) {
        let is_ours = match what {
            Happening::Read(_, Direction::Back)
            | Happening::Blocked(_)
            | Happening::Room(_)
            | Happening::DialEnds(_)
            | Happening::GiveUp(_)
            | Happening::Start(_) => true,
            Happening::Read(_, Direction::Out)
            | Happening::Arrive(..)
            | Happening::Resend(..)
            | Happening::Answer(..)
            | Happening::Part(..)
            | Happening::Break(_)
            | Happening::Cut(_)
            | Happening::Leave
            | Happening::Shut => false,
        };
        if is_ours && !self.is_awake() {
            return self.net.agenda.plan(self.asleep_until, what);
        }
        match what {
            Happening::Arrive(wire, way, number) => self.arrive(wire, way, number),
            Happening::Resend(wire, way, timer) => self.resend(wire, way, timer),
            Happening::Read(wire, Direction::Out) => self.server_reads(wire),
            Happening::Read(wire, Direction::Back) => self.client_reads(wire),
            Happening::Answer(wire, attempt) => self.answer(wire, attempt),
            Happening::Part(wire, attempt, left) => self.part(wire, attempt, left),
            Happening::Blocked(wire) => self.blocked(wire),
            Happening::Room(wire) => self.room(wire),
            Happening::Break(wire) => self.lose_connection(wire),
            Happening::DialEnds(wire) => self.dial_ends(wire),
            Happening::GiveUp(request) => self.give_up(request),
            Happening::Start(worker) => self.start(worker),
            Happening::Cut(place) => self.cut(place),
            Happening::Leave => self.leave(),
            Happening::Shut => self.shut(),
        }
    }

    /// A segment arrives; the process there reads what it completes, now or when it wakes.
    fn arrive(&mut self, wire: WireId, way: Direction, number: u32) {
        let pipe = self.wires[wire as usize].pipe(way);
        let waiting = pipe.inbox.len();
        let frames = pipe.arrive(number, &mut self.net);
        self.plan_room(wire);
        let awake = match way {
            Direction::Out => self.server_pause.awake(self.net.now),
            Direction::Back => self.net.now, // our own pause is asked when it comes to reading
        };
        for place in 0..frames {
            if waiting == 0 && place == 0 && awake == self.net.now {
                self.happen(Happening::Read(wire, way));
            } else {
                self.net.agenda.plan(awake, Happening::Read(wire, way));
            }
        }
    }

    fn resend(&mut self, id: WireId, way: Direction, timer: u32) {
        let wire = &mut self.wires[id as usize];
        if wire.stage != wire::Stage::Gone {
            wire.pipe(way).resend(timer, &mut self.net);
        }
        self.plan_room(id);
    }

    fn finish(mut self) -> Outcome {
        self.tally.lasted = self.net.now;
        if let (None, Some(watch)) = (&self.broken, &self.watch) {
            self.broken = watch.at_the_end(&self.tally, self.world);
        }
        self.tally.checks = self.watch.as_ref().map_or(0, |watch| watch.checks);
        Outcome { tally: self.tally, broken: self.broken, watch: self.watch }
    }
}
