//! Which wires there are, and which of them can be cut.
//!
//! The proxy's tasks, the origin and the experiment meet here: the first report what becomes of wires, the second
//! asks which wire a connection is and how it is to behave on it, the third cuts. In `live` a hand does, and undoes.
//!
//! Invariant: a wire is *live* from the moment both its sockets are open until one end closes or it is cut. Only a
//! live wire can be cut, and only once; a pause, or a way that becomes longer, cuts nothing.
//! Next: `wire.rs`, one wire's life; `cutter.rs`, which cuts.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use outlive_fault::{Direction, Flow, path::Ecmp};
use tokio::sync::{oneshot, watch};

pub(crate) use self::{
    gate::{Gate, Standing},
    road::Ride,
    way::{Look, Way},
};
use crate::{
    fault::{Fault, Whose},
    frames::Frame,
    late::Late,
    plan::{Paths, Plan, Server, Which},
    record::{Record, Side, WireId, writer::Recorder},
    stage,
};

use self::road::Road;

mod gate;
mod road;
mod way;

/// The wires of one contestant's turn.
#[derive(Debug)]
pub(crate) struct Wires {
    recorder: Recorder,
    state: Mutex<State>,
    gate: watch::Sender<Standing>,
    /// Which new connections have a dead path, once that is in force.
    ecmp: Option<Ecmp>,
    in_force: AtomicBool,
    /// What all bytes take time on, if they do.
    road: Option<Arc<Road>>,
    in_clear: bool,
    /// Whether each wire has a way of its own, which can change.
    by_hand: bool,
    pings: AtomicU64,
    resets: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    dials: u64,
    /// The proxy dials the origin once per wire; its local port there names the wire.
    by_port: HashMap<u16, WireId>,
    /// Ordered, so that the same seed picks the same wire.
    live: BTreeMap<WireId, Live>,
}

#[derive(Debug)]
struct Live {
    cut: oneshot::Sender<Fault>,
    /// The contestant's port, by which the firewall knows the connection.
    port: u16,
    /// Whether it dialled the first of the origin's addresses.
    to_first: bool,
    manners: watch::Sender<Manners>,
    way: watch::Sender<Way>,
    /// Requests at the origin, and when (in requests) the last one came.
    open: u64,
    last: u64,
}

/// How the origin is to behave on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manners {
    /// As a healthy server does.
    #[default]
    Good,
    /// Its handlers answer no more.
    Silent,
    /// It takes no new requests and ends when it has answered the old ones.
    Leaving,
}

/// What was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Victims {
    pub(crate) wires: Vec<WireId>,
    /// The contestant's ports.
    pub(crate) ports: Vec<u16>,
}

impl Wires {
    /// No wires yet.
    pub(crate) fn new(plan: &Plan, recorder: Recorder) -> Self {
        let script = &plan.script;
        let on_accept = script.paths.filter(|_| !script.packets);
        Self {
            recorder,
            state: Mutex::default(),
            gate: watch::Sender::new(Standing::Up),
            ecmp: on_accept.map(|Paths { dead, of }| Ecmp::new(of, dead, 0, u64::MAX, plan.seed)),
            in_force: AtomicBool::new(false),
            road: script.takes_time().then(|| Arc::new(Road::of(plan))),
            in_clear: plan.origin.server == Server::Grpc,
            by_hand: false,
            pings: AtomicU64::new(0),
            resets: AtomicU64::new(0),
        }
    }

    /// No wires yet; each will have a way of its own, for [`Self::take_in_hand`]. That costs every byte a queue, so what is
    /// measured goes without.
    pub(crate) fn by_hand(plan: &Plan, recorder: Recorder) -> Self {
        Self { by_hand: true, ..Self::new(plan, recorder) }
    }

    /// The contestant dialled.
    pub(crate) fn open(&self) -> WireId {
        let mut state = self.lock();
        state.dials += 1;
        let wire = state.dials;
        drop(state);
        self.recorder.write(Record::Opened { at: self.recorder.now(), wire });
        wire
    }

    /// Dead paths are dead from now on.
    pub(crate) fn arm(&self) {
        self.in_force.store(true, Ordering::Relaxed);
    }

    /// Whether a new connection from this port goes by a dead path. Says so in the record.
    pub(crate) fn is_doomed(&self, wire: WireId, port: u16) -> bool {
        let ecmp = self.ecmp.as_ref().filter(|_| self.in_force.load(Ordering::Relaxed));
        let doomed = ecmp.is_some_and(|ecmp| ecmp.is_doomed(Flow(port.into())));
        if doomed {
            self.recorder.write(Record::Doomed { at: self.recorder.now(), wire });
        }
        doomed
    }

    /// Both sockets are open: the wire is live. What is returned tells when it is cut.
    ///
    /// `near` are the contestant's port and the address that it dialled, `far` is the proxy's port towards the origin.
    pub(crate) fn establish(
        &self,
        wire: WireId,
        (near, dialled): (u16, SocketAddr),
        far: u16,
    ) -> oneshot::Receiver<Fault> {
        let (cut, when_cut) = oneshot::channel();
        let mut state = self.lock();
        state.by_port.insert(far, wire);
        let (manners, way) = (watch::Sender::new(Manners::Good), watch::Sender::new(Way::Open));
        let to_first = dialled.ip() == stage::ADDRESSES[0];
        state.live.insert(wire, Live { cut, port: near, to_first, manners, way, open: 0, last: 0 });
        when_cut
    }

    /// The origin has done its part of the dial. What is returned tells it how to behave from now on.
    pub(crate) fn dialled(&self, wire: WireId) -> watch::Receiver<Manners> {
        self.recorder.write(Record::Dialled { at: self.recorder.now(), wire });
        let state = self.lock();
        match state.live.get(&wire) {
            Some(live) => live.manners.subscribe(),
            None => watch::Sender::new(Manners::Good).subscribe(),
        }
    }

    /// One end began to close: too late to cut it.
    pub(crate) fn closing(&self, wire: WireId) {
        self.lock().live.remove(&wire);
    }

    /// Both directions have ended, or the contestant has closed a wire that was cut.
    pub(crate) fn closed(&self, wire: WireId, by: Side) {
        self.closing(wire);
        self.recorder.write(Record::Closed { at: self.recorder.now(), wire, by });
    }

    /// The wire whose connection to the origin comes from this port.
    pub(crate) fn by_port(&self, port: u16) -> Option<WireId> {
        self.lock().by_port.get(&port).copied()
    }

    /// A request has come to the origin by this wire, or is over there.
    pub(crate) fn busy(&self, wire: WireId, request: Option<u64>) {
        let mut state = self.lock();
        let Some(live) = state.live.get_mut(&wire) else { return };
        match request {
            Some(request) => (live.open, live.last) = (live.open + 1, request.max(live.last)),
            None => live.open = live.open.saturating_sub(1),
        }
    }

    /// A frame passed by.
    pub(crate) fn frame(&self, wire: WireId, frame: Frame) {
        match frame {
            Frame::Ping => _ = self.pings.fetch_add(1, Ordering::Relaxed),
            Frame::Reset => _ = self.resets.fetch_add(1, Ordering::Relaxed),
            Frame::Goaway { code, words } => {
                self.recorder.write(Record::Goaway { at: self.recorder.now(), wire, code, words });
            }
        }
    }

    /// PINGs and resets of the contestant so far.
    pub(crate) fn frames(&self) -> (u64, u64) {
        (self.pings.load(Ordering::Relaxed), self.resets.load(Ordering::Relaxed))
    }

    /// What holds back all bytes while the proxy pauses.
    pub(crate) fn gate(&self) -> Gate {
        Gate::new(self.gate.subscribe())
    }

    /// The proxy pauses, refuses, or serves again.
    pub(crate) fn stand(&self, standing: Standing) {
        self.gate.send_replace(standing);
    }

    /// How the proxy stands.
    pub(crate) fn standing(&self) -> Standing {
        *self.gate.borrow()
    }

    /// Changes what a live wire lets pass, and says whether there is such a wire.
    pub(crate) fn take_in_hand(&self, wire: WireId, way: Way) -> bool {
        let state = self.lock();
        let live = state.live.get(&wire).filter(|_| self.by_hand);
        live.is_some_and(|live| {
            live.way.send_replace(way);
            true
        })
    }

    /// Whether what wires carry can be read: no TLS.
    pub(crate) fn in_clear(&self) -> bool {
        self.in_clear
    }

    /// What makes this direction of this wire late, if anything does or can.
    pub(crate) fn late(&self, wire: WireId, from: Side) -> Option<Late> {
        let by_hand = self.by_hand.then(|| self.lock().live.get(&wire).map(|live| live.way.subscribe()));
        let direction = if from == Side::Client { Direction::Out } else { Direction::Back };
        let look = by_hand.flatten().map(|way| Look::new(way, direction));
        if self.road.is_none() && look.is_none() {
            return None;
        }
        let ride = self.road.as_ref().map(|road| road.ride(wire, direction));
        Some(Late::new(ride, direction, look))
    }

    /// Every way takes longer from now on, by what the plan says.
    pub(crate) fn lengthen(&self) {
        if let Some(road) = &self.road {
            road.lengthen();
        }
    }

    /// Cuts live wires, if there are any. What the firewall or the proxy does is left to the caller.
    pub(crate) fn cut(&self, rng: &mut fastrand::Rng, fault: Fault, which: Which) -> Victims {
        let mut state = self.lock();
        let can_be_hit = |(_, live): &(&WireId, &Live)| live.to_first || fault != Fault::AddressLost;
        let live = state.live.iter().filter(can_be_hit).map(|(wire, _)| *wire);
        // Who loses an address loses all connections to it.
        let which = if fault == Fault::AddressLost { Which::All } else { which };
        let chosen: Vec<WireId> = match which {
            Which::All => live.collect(),
            Which::Random => rng.choice(live.collect::<Vec<_>>()).into_iter().collect(),
            Which::Busiest => {
                let busy = |(_, live): &(&WireId, &Live)| (live.open, live.last);
                state.live.iter().max_by_key(busy).map(|(wire, _)| *wire).into_iter().collect()
            }
        };
        let mut victims = Victims::default();
        for wire in chosen {
            let port = state.live.get(&wire).map(|live| live.port);
            if state.strike(wire, fault) {
                victims.wires.push(wire);
                victims.ports.extend(port);
            }
        }
        victims
    }

    /// How often the contestant dialled.
    #[cfg(test)]
    pub(crate) fn dials(&self) -> u64 {
        self.lock().dials
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; a poisoned one would still hold whole values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Says whether it hit.
    fn strike(&mut self, wire: WireId, fault: Fault) -> bool {
        if fault.cuts_nothing() {
            return self.live.contains_key(&wire);
        }
        let Some(live) = self.live.remove(&wire) else { return false };
        match fault.whose() {
            // An error would mean that the wire has just ended by itself, and then it was not cut.
            Whose::Wire | Whose::Proxy => live.cut.send(fault).is_ok(),
            Whose::Origin => {
                let manners = if fault == Fault::Goaway { Manners::Leaving } else { Manners::Silent };
                live.manners.send_replace(manners);
                true
            }
            Whose::Firewall => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Manners, Victims, Wires};
    use crate::{
        clock::Clock,
        fault::Fault,
        plan::{Paths, Which},
        record::writer,
        scenario,
    };

    /// Three live wires, whose contestant's ports are 11 to 13.
    fn three(paths: Option<Paths>) -> Wires {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, _writer) = writer::create(&dir.path().join("record"), Clock::start()).unwrap();
        let mut plan = scenario::plan("quick").unwrap();
        plan.script.paths = paths;
        let wires = Wires::new(&plan, recorder);
        for port in 11..14 {
            // Nobody waits to be told, so these can't be cut by a fault of their own; others don't ask them.
            let wire = wires.open();
            drop(wires.establish(wire, (port, ([127, 0, 0, (port - 10) as u8], 443).into()), port + 10));
        }
        wires
    }

    fn cut(wires: &Wires, fault: Fault, which: Which) -> Victims {
        wires.cut(&mut fastrand::Rng::with_seed(1), fault, which)
    }

    #[test]
    fn the_busiest_is_the_one_with_the_most_requests_and_then_the_last_used() {
        let wires = three(None);
        for (wire, request) in [(1, Some(0)), (2, Some(1)), (2, Some(2)), (3, Some(3)), (2, None), (2, None)]
        {
            wires.busy(wire, request);
        }
        let victims = [(); 4].map(|()| cut(&wires, Fault::Blackhole, Which::Busiest));
        assert_eq!(
            victims[0],
            Victims { wires: vec![3], ports: vec![13] },
            "one request, like 1, but a later one"
        );
        assert_eq!(victims[1..].iter().flat_map(|victims| victims.wires.clone()).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn all_are_all() {
        let wires = three(None);
        assert_eq!(cut(&wires, Fault::Pause, Which::All).wires, [1, 2, 3], "a pause leaves them live");
        assert_eq!(cut(&wires, Fault::Longer, Which::All).wires, [1, 2, 3], "so does a longer way");
        assert_eq!(cut(&wires, Fault::Blackhole, Which::All).wires, [1, 2, 3]);
        assert_eq!(cut(&wires, Fault::Blackhole, Which::All), Victims::default());
    }

    #[test]
    fn an_address_is_lost_with_its_connections() {
        let wires = three(None);
        assert_eq!(cut(&wires, Fault::AddressLost, Which::All), Victims { wires: vec![1], ports: vec![11] });
        assert_eq!(cut(&wires, Fault::AddressLost, Which::All), Victims::default());
    }

    #[test]
    fn an_end_that_came_first_is_no_cut() {
        assert_eq!(cut(&three(None), Fault::Stall, Which::All), Victims::default());
    }

    #[test]
    fn the_origin_is_told_how_to_behave() {
        let wires = three(None);
        let manners = wires.dialled(2);
        assert_eq!(*manners.borrow(), Manners::Good);
        cut(&wires, Fault::HandlersStall, Which::All);
        assert_eq!(*manners.borrow(), Manners::Silent);
    }

    #[test]
    fn half_of_the_ports_are_doomed_once_it_is_in_force() {
        let wires = three(Some(Paths { dead: 1, of: 2 }));
        let doomed = || (1..=1000).filter(|&port| wires.is_doomed(1, port)).count();
        assert_eq!(doomed(), 0);
        wires.arm();
        assert!((400..600).contains(&doomed()), "{}", doomed());
        assert_eq!(doomed(), doomed(), "a port is doomed or not");
    }
}
