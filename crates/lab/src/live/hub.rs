//! Where contestants and pages meet: ticks for all who watch, deeds for a wire.
//!
//! Invariant: all tallies change under one lock, so a snapshot and the ticks after it fit together. Whoever watches more
//! slowly than it ticks is let go, and starts anew with a snapshot.
//! Next: `tally.rs`, what is counted; `api.rs`, who asks.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde::Serialize;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{
    deed::Deed,
    lane::Lane,
    tally::{Tally, Tick, View},
};
use crate::{
    manifest::{Entry, Protocol},
    plan::Pace,
    record::{WireId, writer::Unwritten},
};

/// How often pages are told: fast enough to look immediate. However many requests there are, there are no more events.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Pages at the same time. One is enough for a person; a browser opens no more than six connections to a host.
pub(super) const PAGES: usize = 8;

/// Ticks that may wait for a page.
const BEHIND: usize = 16;

/// The meeting place.
pub(super) struct Hub {
    /// Tells a page that the lab was started anew.
    start: String,
    pace: Pace,
    lanes: Vec<Arc<Lane>>,
    state: Mutex<State>,
}

struct State {
    ticks: u64,
    /// As many as there are lanes.
    books: Vec<Book>,
    pages: Vec<mpsc::Sender<Bytes>>,
}

struct Book {
    unwritten: Unwritten,
    tally: Tally,
}

/// All that a page needs to begin.
#[derive(Serialize)]
struct Snapshot<'a> {
    start: &'a str,
    n: u64,
    tick_ms: u128,
    pace: &'a Pace,
    contestants: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    client: &'a str,
    protocol: Protocol,
    about: &'a str,
    history: Vec<Tick>,
    now: View,
}

/// What has changed since the last one.
#[derive(Serialize)]
struct Ticked {
    n: u64,
    contestants: Vec<View>,
}

/// There is no such contestant, or no such wire that is live.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// No more pages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Hub {
    pub(super) fn new(start: String, pace: Pace, lanes: Vec<(Arc<Lane>, Unwritten)>) -> Self {
        let book = |unwritten| Book { unwritten, tally: Tally::default() };
        let (lanes, books) = lanes.into_iter().map(|(lane, unwritten)| (lane, book(unwritten))).unzip();
        Self { start, pace, lanes, state: Mutex::new(State { ticks: 0, books, pages: Vec::new() }) }
    }

    /// Ticks until it is dropped.
    pub(super) async fn run<Never>(&self, now: impl Fn() -> u64) -> Never {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.tick(now());
        }
    }

    fn tick(&self, now: u64) {
        let mut state = self.lock();
        state.ticks += 1;
        let contestants = state.books.iter_mut().map(|book| book.read().tick(now)).collect();
        let event = event("tick", &Ticked { n: state.ticks, contestants });
        state.pages.retain(|page| page.try_send(event.clone()).is_ok());
    }

    /// Does something to a live wire.
    pub(super) fn strike(&self, now: u64, name: &str, wire: WireId, deed: Deed) -> Result<(), Unknown> {
        let place = self.lanes.iter().position(|lane| lane.entry().name == name).ok_or(Unknown)?;
        let mut state = self.lock();
        // What came before the deed is counted before it.
        let tally = state.books[place].read();
        if !self.lanes[place].wires().take_in_hand(wire, deed.way()) {
            return Err(Unknown);
        }
        tally.struck(now, wire, deed);
        Ok(())
    }

    /// How everything stands, as JSON.
    pub(super) fn snapshot(&self, now: u64) -> Bytes {
        json(&self.picture(&self.lock(), now)).into()
    }

    /// Events from now on: a snapshot, and then ticks.
    pub(super) fn watch(&self, now: u64) -> Result<mpsc::Receiver<Bytes>, Full> {
        let mut state = self.lock();
        state.pages.retain(|page| !page.is_closed());
        if state.pages.len() >= PAGES {
            return Err(Full);
        }
        let (page, events) = mpsc::channel(BEHIND);
        // There is room: it is the first.
        _ = page.try_send(event("snapshot", &self.picture(&state, now)));
        state.pages.push(page);
        Ok(events)
    }

    fn picture(&self, state: &State, now: u64) -> Snapshot<'_> {
        let shown = self.lanes.iter().zip(&state.books).map(|(lane, Book { tally, .. })| {
            let Entry { name, client, protocol, about, .. } = lane.entry();
            Shown { name, client, protocol: *protocol, about, history: tally.history(), now: tally.view(now) }
        });
        let (n, tick_ms) = (state.ticks, TICK.as_millis());
        Snapshot { start: &self.start, n, tick_ms, pace: &self.pace, contestants: shown.collect() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// The tally, up to date.
    fn read(&mut self) -> &mut Tally {
        for record in self.unwritten.take() {
            self.tally.see(record);
        }
        &mut self.tally
    }
}

/// A server-sent event. JSON has no line ends in it, so one `data:` is enough.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    format!("event: {name}\ndata: {}\n\n", json(data)).into()
}

fn json(data: &impl Serialize) -> String {
    // Strings, numbers and lists of these can't fail to be written.
    serde_json::to_string(data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{BEHIND, Full, Hub, PAGES};
    use crate::plan::Pace;

    fn hub() -> Hub {
        Hub::new("0".into(), Pace::default(), Vec::new())
    }

    #[test]
    fn who_reads_too_slowly_is_let_go() {
        let hub = hub();
        let mut page = hub.watch(0).unwrap();
        (0..2 * BEHIND as u64).for_each(|now| hub.tick(now));
        let mut seen = 0;
        while page.try_recv().is_ok() {
            seen += 1;
        }
        assert_eq!(seen, BEHIND, "the snapshot and ticks, as far as there is room");
        assert!(page.is_closed() && hub.lock().pages.is_empty());
    }

    #[test]
    fn who_has_gone_leaves_room() {
        let hub = hub();
        let mut pages: Vec<_> = (0..PAGES).map(|_| hub.watch(0).unwrap()).collect();
        assert_eq!(hub.watch(0).err(), Some(Full));
        pages.pop();
        assert!(hub.watch(0).is_ok());
    }
}
