//! The addresses of the origin's next hop: resolved once for all who wait, told to the pool, asked for again.
//!
//! The pool chooses an address per dial from those that it was told, in the order of preference; it dials without one
//! as long as it knows none. Such a dial waits here for the resolution and ends with it: it is told to have failed,
//! after the addresses were told, if there are any, so that all of them are there for the dials that take its place.
//! Invariants: one resolution at a time; no dial whose address is known waits for one; the pool is told of new
//! addresses before it is told which ones have vanished, so it never runs out of them. Next: [`crate::connection`],
//! which dials.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use outlive_core::{AddressId, ConnectionId, Event, Time};

use super::ledger::Ledger;
use super::{Dial, Origin, WeakOrigin};
use crate::connection::{Connection, DialError, Step, Stopwatch, Whereabouts, orders};
use crate::error::Phase;
use crate::seeing::Event as Watched;
use crate::settings::RESOLUTION_REST;

/// What is known of the next hop's addresses.
pub(super) struct Addresses {
    whereabouts: Whereabouts,
    /// Those that the pool was told of.
    known: Vec<Known>,
    next: u64,
    /// Dials under way, and where to.
    under_way: Vec<(ConnectionId, AddressId)>,
    /// Dials that have failed, when all addresses had: told when the resolution ends, for what it brings may be reachable.
    failed: Vec<ConnectionId>,
    resolution: Resolution,
    /// Dials that have no address yet.
    waiting: Vec<ConnectionId>,
    /// When a resolution last ended, however it did.
    asked: Option<Time>,
    /// An answer older than this is asked for again.
    age: Duration,
}

struct Known {
    id: AddressId,
    address: SocketAddr,
    /// Its last dial failed.
    failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Resolution {
    None,
    UnderWay,
}

impl Addresses {
    pub(super) fn new(whereabouts: Whereabouts, age: Duration) -> Self {
        Self {
            whereabouts,
            known: Vec::new(),
            next: 0,
            under_way: Vec::new(),
            failed: Vec::new(),
            resolution: Resolution::None,
            waiting: Vec::new(),
            asked: None,
            age,
        }
    }

    fn get(&self, id: AddressId) -> Option<SocketAddr> {
        self.known.iter().find(|known| known.id == id).map(|known| known.address)
    }

    /// A dial is over.
    pub(super) fn dialled(&mut self, connection: ConnectionId, failed: bool) {
        let Some(at) = self.under_way.iter().position(|(dial, _)| *dial == connection) else { return };
        let (_, id) = self.under_way.swap_remove(at);
        self.under_way.shrink_to_fit(); // Dials are rare, and origins may be many.
        if let Some(known) = self.known.iter_mut().find(|known| known.id == id) {
            known.failed = failed;
        }
    }

    /// A dial, or the connection it became, is of no concern any more.
    pub(super) fn called_off(&mut self, connection: ConnectionId) {
        self.under_way.retain(|(dial, _)| *dial != connection);
        self.under_way.shrink_to_fit();
    }

    /// Whether what is known has proven worthless, and something better may be on its way.
    fn is_hoping(&self) -> bool {
        self.resolution == Resolution::UnderWay
            && !self.known.is_empty()
            && self.known.iter().all(|known| known.failed)
    }

    /// Whether to ask again for what was asked longer ago than `age`.
    fn is_due(&self, now: Time, age: Duration) -> bool {
        let is_old = |asked| u128::from(now.since(asked).as_micros()) >= age.as_micros();
        self.whereabouts == Whereabouts::Named
            && self.resolution == Resolution::None
            && self.asked.is_none_or(is_old)
    }
}

impl Ledger {
    pub(super) fn dial(&mut self, connection: ConnectionId, id: Option<AddressId>) {
        let (orders, inbox) = orders();
        let progress = Arc::default();
        let entry = Connection::dialling(orders, Arc::clone(&progress), self.now);
        self.connections.insert(connection, Box::new(entry));

        let address = match self.addresses.whereabouts {
            Whereabouts::At(address) => Some(address),
            Whereabouts::Elsewhere => None,
            Whereabouts::Named => {
                let address = id.and_then(|id| self.addresses.get(id));
                let Some(address) = address else {
                    self.addresses.waiting.push(connection);
                    return self.resolve_if_older(Duration::ZERO);
                };
                self.resolve_if_older(self.addresses.age);
                self.addresses.under_way.extend(id.map(|id| (connection, id)));
                Some(address)
            }
        };
        self.dial_starts(connection, address);
        self.aftermath.tasks().dials.push(Dial { connection, address, progress, orders: inbox });
    }

    /// What was a wish until here is a dial, for those who watch too: it goes somewhere, or fails for having nowhere to go.
    fn dial_starts(&mut self, connection: ConnectionId, address: Option<SocketAddr>) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            entry.starts(address);
            self.watch.note(|| Watched::DialStarted { connection: connection.0 });
        }
    }

    /// A dial failed: its address may not be the name's any more.
    pub(super) fn doubt_addresses(&mut self, connection: ConnectionId) {
        self.addresses.dialled(connection, true);
        if !self.addresses.known.is_empty() {
            self.resolve_if_older(self.addresses.age.min(RESOLUTION_REST));
        }
        if self.addresses.is_hoping() {
            self.addresses.failed.push(connection);
        } else {
            self.record(Event::DialFailed { connection });
        }
    }

    fn resolve_if_older(&mut self, age: Duration) {
        if self.addresses.is_due(self.now, age) {
            self.addresses.resolution = Resolution::UnderWay;
            self.aftermath.tasks().resolve = true;
        }
    }

    /// The resolution ended. Its addresses are in the order of preference.
    fn resolved(&mut self, outcome: Result<Vec<SocketAddr>, DialError>) {
        self.addresses.resolution = Resolution::None;
        self.addresses.asked = Some(self.now);
        let waiting = std::mem::take(&mut self.addresses.waiting);
        match outcome {
            Ok(found) => {
                self.tell_addresses(&found);
                // Only now, so that the pool has all addresses to choose from for those it dials instead.
                for connection in waiting {
                    if self.connections.remove(&connection).is_some() {
                        self.record(Event::DialFailed { connection });
                    }
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for connection in waiting {
                    self.dial_starts(connection, None);
                    self.dial_failed(connection, Arc::clone(&error));
                }
            }
        }
        for connection in std::mem::take(&mut self.addresses.failed) {
            self.record(Event::DialFailed { connection });
        }
    }

    fn tell_addresses(&mut self, found: &[SocketAddr]) {
        let more = found.len().saturating_sub(self.addresses.known.len());
        self.addresses.known.reserve_exact(more); // Most names have few.
        for address in found {
            if self.addresses.known.iter().all(|known| known.address != *address) {
                let id = AddressId(self.addresses.next);
                self.addresses.next += 1;
                self.addresses.known.push(Known { id, address: *address, failed: false });
                self.record(Event::Address { address: id, known: true });
            }
        }
        // One at a time: the pool may dial any that it was not told of yet.
        while let Some(at) = self.addresses.known.iter().position(|known| !found.contains(&known.address)) {
            let id = self.addresses.known.remove(at).id;
            self.record(Event::Address { address: id, known: false });
        }
    }
}

/// The task of one resolution.
pub(super) async fn resolve(end: End) {
    let Some(origin) = end.0.upgrade() else { return };
    let (name, settings) = (origin.name.clone(), Arc::clone(&origin.settings));
    let (host, port) = origin.route.next_hop(&name);
    let host: Box<str> = host.into();
    drop(origin);
    let found = async {
        let found = settings.names.look_up(&host, port, |address| settings.tcp.reach(address)).await;
        found.map_err(|error| DialError::because(Step::Resolve, error))
    };
    let outcome = Stopwatch::start(settings.phases, Arc::default()).within(Phase::Resolve, found).await;
    end.tell(outcome);
}

/// Tells the origin that its resolution ended, whatever ended it (a panic or a runtime that shuts down included).
pub(super) struct End(WeakOrigin);

impl End {
    pub(super) fn of(origin: WeakOrigin) -> Self {
        Self(origin)
    }

    fn tell(mut self, outcome: Result<Vec<SocketAddr>, DialError>) {
        if let Some(origin) = std::mem::take(&mut self.0).upgrade() {
            Origin::with(&origin, |ledger| ledger.resolved(outcome));
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(origin) = self.0.upgrade() {
            Origin::with(&origin, |ledger| ledger.resolved(Err(DialError::called_off())));
        }
    }
}
