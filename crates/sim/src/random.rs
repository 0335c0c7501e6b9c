//! Worlds made up by chance: any path, any server, any load, and faults composed as they come.

use outlive_fault::peer::Restart;
use outlive_fault::{Chance, Micros};

use crate::world::{Arrivals, Cut, How, Load, MS, SEC, Server, Way, Whom, World};

/// The world of this seed.
pub fn world(seed: u64) -> World {
    let mut chance = Chance::new(seed ^ 0x0DD5);
    let rtt = chance.one_of(&[200, 2 * MS, 10 * MS, 40 * MS, 150 * MS]);
    let usual = chance.one_of(&[200, 2 * MS, 20 * MS, 200 * MS]);
    let until = chance.between(2, 4) * SEC;
    let mut world = World {
        path: path(&mut chance, rtt),
        server: server(&mut chance, usual, until),
        addresses: chance.one_of(&[1, 1, 1, 2, 4]),
        load: load(&mut chance, rtt + usual, until),
        cuts: Vec::new(),
        own_pause: chance
            .once_in(4)
            .then(|| (chance.between(1, 3) * SEC, chance.one_of(&[20, 200, 2000]) * MS)),
        dial_timeout: chance.one_of(&[1, 5]) * SEC,
        ..World::default()
    };
    // HTTP/1.1 has no PING: a body that breaks off in silence ends by its caller's timeout only.
    world.load.head_only &= world.server.streams.is_some();
    for _ in 0..chance.below(4) {
        let cut = cut(&mut chance, until, world.addresses, world.server.streams.is_some());
        world.cuts.push(cut);
    }
    if chance.once_in(3) {
        world.limits.connections_min = chance.between(1, 3) as u32;
    }
    if chance.once_in(4) {
        world.limits.connections = chance.between(2, 20) as u32;
    }
    if chance.once_in(4) {
        world.limits.streams_expected = Some(world.server.streams.unwrap_or(1));
    }
    if chance.once_in(8) {
        world.limits.waiting = chance.between(1, 20) as u32;
    }
    world
}

fn path(chance: &mut Chance, rtt: Micros) -> Way {
    Way {
        rtt,
        jitter: chance.one_of(&[0, 0, rtt / 10, rtt / 3]),
        loss: chance.one_of(&[0, 0, 0, 1_000, 10_000, 50_000]),
        narrow: chance.once_in(5).then_some(20_000_000),
        nat: chance.once_in(6).then_some(SEC),
    }
}

fn server(chance: &mut Chance, usual: Micros, until: Micros) -> Server {
    let restart = chance.once_in(6).then(|| Restart {
        at: chance.between(SEC, until),
        grace: chance.one_of(&[0, 100 * MS, SEC]),
        down: chance.one_of(&[0, 300 * MS]),
    });
    Server {
        streams: chance.one_of(&[None, Some(1), Some(10), Some(100), Some(100), Some(1000)]),
        usual,
        slow: chance.one_of(&[(0, 0), (0, 0), (100, 30 * usual), (10, 10 * usual), (1, 20 * usual)]),
        slow_between: (until / 3, until / 2),
        pause: chance.once_in(4).then(|| (SEC, chance.one_of(&[20, 300]) * MS)),
        restart,
        parts: chance.one_of(&[0, 0, 0, 2, 20]),
        part_every: chance.one_of(&[100, 5 * MS]),
        parts_one_in: chance.one_of(&[4, 20]),
    }
}

fn load(chance: &mut Chance, round: Micros, until: Micros) -> Load {
    let workers = chance.one_of(&[1, 2, 8, 30]);
    let think = (round * u64::from(workers) / 2).max(5 * MS);
    let arrivals = match chance.once_in(3) {
        true => Arrivals::Open(think.clamp(5 * MS, 20 * MS)),
        false => Arrivals::Closed(workers, think),
    };
    Load {
        arrivals,
        until,
        timeout: Some(round * chance.one_of(&[2, 5, 20, 100]) + 5 * MS),
        head_only: chance.once_in(3),
        says_deadline: chance.once_in(2),
        repeatable: chance.one_of(&[0, 500_000, 1_000_000]),
        when_late: chance.once_in(4),
        bytes: chance.one_of(&[200, 200, 200, 10_000, 100_000]),
        quiet: chance.once_in(6).then_some((2 * SEC, 1200 * MS)),
    }
}

fn cut(chance: &mut Chance, until: Micros, addresses: u32, http2: bool) -> Cut {
    let at = chance.between(200 * MS, until);
    let gone = How::Blackhole(Micros::MAX);
    let back = at + chance.between(100 * MS, 3 * SEC);
    let (whom, how) = match chance.below(9) {
        0 => (Whom::Busiest, gone),
        1 => (Whom::Any, gone),
        2 => (Whom::All, chance.one_of(&[gone, How::Stall])),
        3 => (Whom::Busiest, How::Stall),
        4 => (Whom::Busiest, chance.one_of(&[How::LoseOut, How::LoseBack])),
        5 => (Whom::Paths(1, 2), How::Blackhole(back)),
        6 => (Whom::Address(chance.below(u64::from(addresses)) as u32), How::Blackhole(back)),
        7 if http2 => (Whom::Busiest, How::Sleep),
        _ => (Whom::All, How::Flap(chance.between(50, 500) * MS, SEC, back)),
    };
    Cut { at, whom, how }
}
