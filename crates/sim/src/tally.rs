//! What a run of a world came to, counted.

use std::collections::BTreeMap;

use outlive_fault::Micros;

/// The counts of one history.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Things that happened in the model.
    pub events: u64,
    /// Questions asked of the promises' checks.
    pub checks: u64,
    /// Virtual time until everything had ended.
    pub lasted: Micros,
    /// Requests that callers made, and how they ended.
    pub requests: u64,
    /// Answered in time, whole.
    pub ok: u64,
    /// Given up by their callers.
    pub timeouts: u64,
    /// Ended with an error, by its name.
    pub errors: BTreeMap<String, u64>,
    /// Cuts made.
    pub cuts: u64,
    /// Requests under way on what was cut, when it was cut.
    pub in_flight: u64,
    /// Dials, those that failed, and the most under way at a time.
    pub dials: u64,
    /// Of these, the ones that failed.
    pub dials_failed: u64,
    /// The most dials under way at a time.
    pub dials_at_once: u64,
    /// The most connections at a time, dials included.
    pub connections: u64,
    /// The most requests that no connection had been found for at a time.
    pub waiting: u64,
    /// Requests, after the first second, that no connection was there for at once.
    pub waited: u64,
    /// Suspicions that left no open connection to go to.
    pub stranded: u64,
    /// Sendings of requests.
    pub sends: u64,
    /// Sendings of a request that may still be processed elsewhere.
    pub risky: u64,
    /// PINGs sent.
    pub probes: u64,
    /// Streams reset.
    pub resets: u64,
    /// Connections that the policy suspected,
    pub suspicions: u64,
    /// of which the path was well.
    pub false_suspicions: u64,
    /// Connections closed for their silence,
    pub dead: u64,
    /// of which the path was well.
    pub false_dead: u64,
    /// Connections drained because what is behind them sleeps.
    pub stalled: u64,
    /// Times that a server punished the client: PINGs, resets.
    pub punished: (u64, u64),
    /// For each cut: how long until a request that started after it had succeeded.
    pub recovery: Vec<Option<Micros>>,
    /// For each cut: how long until the last request that was lost after it, and before the next cut, had ended.
    pub dark: Vec<Micros>,
    /// When each dial was started.
    pub dial_times: Vec<Micros>,
}

impl Tally {
    /// Requests that did not end well.
    pub fn lost(&self) -> u64 {
        self.requests - self.ok
    }

    /// Sendings beyond one for each request that was sent.
    pub fn extra(&self) -> u64 {
        self.risky
    }

    /// Adds what another history came to.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.checks += other.checks;
        self.lasted = self.lasted.max(other.lasted);
        self.requests += other.requests;
        self.ok += other.ok;
        self.timeouts += other.timeouts;
        for (name, count) in &other.errors {
            *self.errors.entry(name.clone()).or_default() += count;
        }
        self.cuts += other.cuts;
        self.in_flight += other.in_flight;
        self.dials += other.dials;
        self.dials_failed += other.dials_failed;
        self.dials_at_once = self.dials_at_once.max(other.dials_at_once);
        self.connections = self.connections.max(other.connections);
        self.waiting = self.waiting.max(other.waiting);
        self.waited += other.waited;
        self.stranded += other.stranded;
        self.sends += other.sends;
        self.risky += other.risky;
        self.probes += other.probes;
        self.resets += other.resets;
        self.suspicions += other.suspicions;
        self.false_suspicions += other.false_suspicions;
        self.dead += other.dead;
        self.false_dead += other.false_dead;
        self.stalled += other.stalled;
        self.punished.0 += other.punished.0;
        self.punished.1 += other.punished.1;
        self.recovery.extend_from_slice(&other.recovery);
        self.dark.extend_from_slice(&other.dark);
    }
}
