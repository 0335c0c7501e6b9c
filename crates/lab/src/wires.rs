//! Which wires there are, and which of them can be cut.
//!
//! The proxy's tasks, the origin and the experiment meet here: the first report what becomes of wires, the second
//! asks which wire a connection is, the third cuts.
//!
//! Invariant: a wire is *live* from the moment both its sockets are open until one end closes or it is cut. Only a
//! live wire can be cut, and only once.
//! Next: `wire.rs`, one wire's life; `experiment.rs`, which cuts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::{
    fault::Fault,
    record::{Record, WireId, writer::Recorder},
};

/// The wires of one contestant's turn.
#[derive(Debug)]
pub(crate) struct Wires {
    recorder: Recorder,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    dials: u64,
    /// The proxy dials the origin once per wire; its local port there names the wire.
    by_port: HashMap<u16, WireId>,
    /// Ordered, so that the same seed picks the same wire.
    live: BTreeMap<WireId, oneshot::Sender<Fault>>,
}

impl Wires {
    /// No wires yet.
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self { recorder, state: Mutex::default() }
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

    /// Both sockets are open: the wire is live. What is returned tells when it is cut.
    pub(crate) fn establish(&self, wire: WireId, port: u16) -> oneshot::Receiver<Fault> {
        let (cut, when_cut) = oneshot::channel();
        let mut state = self.lock();
        state.by_port.insert(port, wire);
        state.live.insert(wire, cut);
        when_cut
    }

    /// One end began to close: too late to cut it.
    pub(crate) fn closing(&self, wire: WireId) {
        self.lock().live.remove(&wire);
    }

    /// Both directions have ended.
    pub(crate) fn closed(&self, wire: WireId) {
        self.closing(wire);
        self.recorder.write(Record::Closed { at: self.recorder.now(), wire });
    }

    /// The wire whose connection to the origin comes from this port.
    pub(crate) fn by_port(&self, port: u16) -> Option<WireId> {
        self.lock().by_port.get(&port).copied()
    }

    /// Cuts one live wire, if there is one.
    pub(crate) fn cut_one(&self, rng: &mut fastrand::Rng, fault: Fault) -> Option<WireId> {
        let mut state = self.lock();
        let live: Vec<WireId> = state.live.keys().copied().collect();
        let wire = *rng.choice(&live)?;
        let cut = state.live.remove(&wire)?;
        // An error would mean that the wire has just ended by itself, and then it was not cut.
        cut.send(fault).ok().map(|()| wire)
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
