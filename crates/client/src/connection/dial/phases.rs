//! How long a dial may take, as a whole and in each of its phases.
//!
//! Invariant: every wait of a dial is [`Stopwatch::within`] a phase, so that none is without end and an error says
//! which took too long. Next: [`super`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::DialError;
use crate::error::Phase;

/// The limits. A phase without its own has what is left of the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phases {
    /// Connecting, the proxy and TLS together; the resolution, which is shared by many dials, for itself.
    pub(crate) whole: Duration,
    pub(crate) resolve: Option<Duration>,
    pub(crate) connect: Option<Duration>,
    pub(crate) proxy: Option<Duration>,
    pub(crate) tls: Option<Duration>,
}

impl Phases {
    pub(crate) fn new(whole: Duration) -> Self {
        Self { whole, resolve: None, connect: None, proxy: None, tls: None }
    }

    fn own(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Resolve => self.resolve,
            Phase::Connect => self.connect,
            Phase::Proxy => self.proxy,
            Phase::Tls => self.tls,
            Phase::Connection | Phase::Response | Phase::Body => None,
        }
    }
}

/// How far a dial has come, as an index into [`WAY`]: for whoever gives it up before it ends by itself.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicUsize);

const WAY: [Phase; 4] = [Phase::Resolve, Phase::Connect, Phase::Proxy, Phase::Tls];

impl Progress {
    fn enter(&self, phase: Phase) {
        if let Some(place) = WAY.iter().position(|known| *known == phase) {
            self.0.store(place, Relaxed);
        }
    }

    /// The phase of the one that has come furthest.
    pub(crate) fn furthest<'a>(all: impl Iterator<Item = &'a Self>) -> Phase {
        all.map(|progress| progress.0.load(Relaxed))
            .max()
            .and_then(|place| WAY.get(place).copied())
            .unwrap_or(Phase::Connect)
    }
}

/// The limits of one dial, or of one resolution.
pub(crate) struct Stopwatch {
    begun: Instant,
    phases: Phases,
    progress: Arc<Progress>,
}

impl Stopwatch {
    pub(crate) fn start(phases: Phases, progress: Arc<Progress>) -> Self {
        Self { begun: Instant::now(), phases, progress }
    }

    pub(crate) async fn within<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        self.progress.enter(phase);
        let left = self.phases.whole.saturating_sub(self.begun.elapsed());
        let own = self.phases.own(phase);
        let done = timeout(own.map_or(left, |own| own.min(left)), work).await;
        let limit = own.filter(|own| *own <= left).unwrap_or(self.phases.whole);
        done.unwrap_or_else(|_| Err(DialError::timeout(phase, limit)))
    }
}
