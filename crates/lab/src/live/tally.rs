//! What a page shows of one contestant: records in, a view out.
//!
//! Invariant: pure, and of bounded size: `HISTORY` ticks, `SHOWN` wires in a view, of those that have ended only the young.
//! Next: `hub.rs`, which feeds it; `record/mod.rs`, what it eats.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::deed::Deed;
use crate::record::{Outcome, Record, Side, Status, WireId};

/// Ticks that are kept for pages that open later: a minute, at `hub::TICK`.
pub(super) const HISTORY: usize = 600;

/// More wires than this are counted, not shown: a client that dials without end must not fill the page.
pub(super) const SHOWN: usize = 12;

/// How long a wire is shown after its end, µs: long enough to be read.
const FAREWELL: u64 = 3_000_000;

/// One contestant so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    stage: Stage,
    version: String,
    /// Why it does not run.
    reason: String,
    answered: u64,
    lost: u64,
    tick: Tick,
    history: VecDeque<Tick>,
    wires: BTreeMap<WireId, Wire>,
    strike: Option<Strike>,
}

/// How far a contestant is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    #[default]
    Starting,
    Running,
    Skipped,
    Ended,
}

/// What happened within one tick: answered, lost, and what a hand did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tick(u64, u64, Mark);

/// What a hand did within a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
enum Mark {
    #[default]
    Nothing,
    Struck,
    Restored,
}

impl From<Mark> for u8 {
    fn from(mark: Mark) -> u8 {
        mark as u8
    }
}

#[derive(Debug)]
struct Wire {
    state: State,
    /// Requests that came to the origin by it.
    seen: u64,
    /// What it is made to wait, while it is.
    delay_ms: u64,
    over: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Dialling,
    Live,
    Late,
    Cut,
    /// Silent towards the origin only.
    StallUp,
    /// Silent towards the contestant only.
    StallDown,
    /// The contestant has closed it.
    Left,
    /// The origin has.
    Ended,
}

/// The last time that a wire was cut, stalled or delayed, and what it cost.
#[derive(Debug)]
struct Strike {
    at: u64,
    wire: WireId,
    deed: Deed,
    lost: u64,
    last_lost: u64,
    restored: Option<u64>,
}

/// What is told of a contestant at each tick.
#[derive(Debug, Serialize)]
pub(super) struct View {
    stage: Stage,
    version: String,
    reason: String,
    answered: u64,
    lost: u64,
    tick: Tick,
    wires: Vec<WireView>,
    /// Wires there was no room for.
    more_wires: usize,
    strike: Option<StrikeView>,
}

#[derive(Debug, Serialize)]
struct WireView {
    wire: WireId,
    state: State,
    seen: u64,
    delay_ms: u64,
}

/// Times are milliseconds, counted back from now or on from the strike.
#[derive(Debug, Serialize)]
struct StrikeView {
    wire: WireId,
    deed: Deed,
    ago_ms: u64,
    lost: u64,
    /// From the strike to the end of the last request that was lost since.
    lost_for_ms: u64,
    restored_ago_ms: Option<u64>,
}

impl Tally {
    /// Something happened.
    pub(super) fn see(&mut self, record: Record) {
        match record {
            Record::Ready { version, .. } => self.version = short(&version, 80),
            Record::Warm { .. } => self.stage = Stage::Running,
            Record::Opened { wire, .. } => {
                let new = Wire { state: State::Dialling, seen: 0, delay_ms: 0, over: None };
                self.wires.insert(wire, new);
            }
            Record::Dialled { wire, .. } => {
                // It may have been cut in the middle of its handshake.
                let dialling = self.wires.get_mut(&wire).filter(|wire| wire.state == State::Dialling);
                dialling.into_iter().for_each(|wire| wire.state = State::Live);
            }
            Record::Closed { at, wire, by } => {
                if let Some(wire) = self.wires.get_mut(&wire) {
                    wire.state = if by == Side::Client { State::Left } else { State::Ended };
                    wire.over = Some(at);
                }
            }
            Record::Seen { wire, .. } => {
                self.wires.get_mut(&wire).into_iter().for_each(|wire| wire.seen += 1);
            }
            Record::Request { done, outcome, .. } => self.request(done, outcome),
            Record::End { status, reason, .. } => {
                self.stage = if status == Status::Skipped { Stage::Skipped } else { Stage::Ended };
                self.reason = short(&reason.unwrap_or_default(), 2_000);
            }
            // The rest is for reports.
            _ => {}
        }
    }

    fn request(&mut self, at: u64, outcome: Outcome) {
        if outcome == Outcome::Ok {
            self.answered += 1;
            self.tick.0 += 1;
            return;
        }
        self.lost += 1;
        self.tick.1 += 1;
        if let Some(strike) = &mut self.strike {
            strike.lost += 1;
            strike.last_lost = at;
        }
    }

    /// A hand did this to a wire that is live.
    pub(super) fn struck(&mut self, at: u64, id: WireId, deed: Deed) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        (wire.state, wire.delay_ms) = match deed {
            Deed::Cut => (State::Cut, 0),
            Deed::StallUp => (State::StallUp, 0),
            Deed::StallDown => (State::StallDown, 0),
            Deed::Delay { ms } => (State::Late, ms),
            Deed::Restore => (State::Live, 0),
        };
        if deed == Deed::Restore {
            self.tick.2 = Mark::Restored;
            let this = self.strike.as_mut().filter(|strike| strike.wire == id);
            this.into_iter().for_each(|strike| strike.restored = Some(at));
        } else {
            self.tick.2 = Mark::Struck;
            self.strike = Some(Strike { at, wire: id, deed, lost: 0, last_lost: at, restored: None });
        }
    }

    /// A tick is over; what is returned shows it.
    pub(super) fn tick(&mut self, now: u64) -> View {
        self.wires.retain(|_, wire| wire.over.is_none_or(|over| now.saturating_sub(over) < FAREWELL));
        let view = self.view(now);
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(std::mem::take(&mut self.tick));
        view
    }

    /// The ticks so far, the oldest first.
    pub(super) fn history(&self) -> Vec<Tick> {
        self.history.iter().copied().collect()
    }

    /// What there is to see, the unfinished tick among it.
    pub(super) fn view(&self, now: u64) -> View {
        // Those that are open come first into a list that is too short for all.
        let (open, over): (Vec<_>, Vec<_>) = self.wires.iter().partition(|(_, wire)| wire.over.is_none());
        let mut wires: Vec<_> = open.into_iter().chain(over).map(|(id, wire)| wire.view(*id)).collect();
        let more_wires = wires.len().saturating_sub(SHOWN);
        wires.truncate(SHOWN);
        View {
            stage: self.stage,
            version: self.version.clone(),
            reason: self.reason.clone(),
            answered: self.answered,
            lost: self.lost,
            tick: self.tick,
            wires,
            more_wires,
            strike: self.strike.as_ref().map(|strike| strike.view(now)),
        }
    }
}

/// A contestant's words, of which it may have many: they are told ten times a second.
fn short(words: &str, most: usize) -> String {
    words.chars().take(most).collect()
}

impl Wire {
    fn view(&self, wire: WireId) -> WireView {
        WireView { wire, state: self.state, seen: self.seen, delay_ms: self.delay_ms }
    }
}

impl Strike {
    fn view(&self, now: u64) -> StrikeView {
        let since = |then: u64| now.saturating_sub(then) / 1000;
        StrikeView {
            wire: self.wire,
            deed: self.deed,
            ago_ms: since(self.at),
            lost: self.lost,
            lost_for_ms: self.last_lost.saturating_sub(self.at) / 1000,
            restored_ago_ms: self.restored.map(since),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FAREWELL, HISTORY, SHOWN, Tally};
    use crate::{
        live::deed::Deed,
        plan::Method,
        record::{Outcome, Record, Side},
    };

    fn request(done: u64, outcome: Outcome) -> Record {
        Record::Request { request: 0, due: None, go: 0, done, outcome, took: 0, detail: String::new() }
    }

    /// One wire that has answered twice.
    fn running() -> Tally {
        let mut tally = Tally::default();
        for record in [
            Record::Ready { at: 0, version: "fake 1.0".into() },
            Record::Opened { at: 1, wire: 1 },
            Record::Dialled { at: 2, wire: 1 },
            Record::Warm { at: 3, requests: 10 },
            Record::Seen { at: 4, request: 0, wire: 1, method: Method::Get },
            request(5, Outcome::Ok),
            request(6, Outcome::Ok),
        ] {
            tally.see(record);
        }
        tally
    }

    fn view(tally: &mut Tally, now: u64) -> Value {
        serde_json::to_value(tally.tick(now)).unwrap()
    }

    #[test]
    fn a_contestant_at_work() {
        let expected = json!({
            "stage": "running", "version": "fake 1.0", "reason": "", "answered": 2, "lost": 0, "tick": [2, 0, 0],
            "wires": [{ "wire": 1, "state": "live", "seen": 1, "delay_ms": 0 }], "more_wires": 0, "strike": null,
        });
        assert_eq!(view(&mut running(), 100), expected);
    }

    #[test]
    fn what_a_cut_costs_until_it_is_undone_and_after() {
        let mut tally = running();
        tally.struck(1_000_000, 1, Deed::Cut);
        tally.see(request(1_200_000, Outcome::Timeout));
        tally.see(request(1_500_000, Outcome::Error));
        let seen = view(&mut tally, 2_000_000);
        assert_eq!(seen["wires"][0]["state"], "cut");
        assert_eq!((&seen["tick"], &seen["lost"]), (&json!([2, 2, 1]), &json!(2)));
        let strike = json!({ "wire": 1, "deed": { "do": "cut" }, "ago_ms": 1000, "lost": 2, "lost_for_ms": 500,
            "restored_ago_ms": null });
        assert_eq!(seen["strike"], strike);
        tally.struck(3_000_000, 1, Deed::Restore);
        tally.see(request(3_100_000, Outcome::Timeout));
        let seen = view(&mut tally, 4_000_000);
        assert_eq!(seen["wires"][0]["state"], "live");
        assert_eq!((&seen["tick"], &seen["strike"]["lost"]), (&json!([0, 1, 2]), &json!(3)));
        assert_eq!(seen["strike"]["restored_ago_ms"], 1000);
    }

    #[test]
    fn a_wire_that_has_ended_is_shown_for_a_while() {
        let mut tally = running();
        tally.struck(10, 1, Deed::Delay { ms: 60 });
        assert_eq!(view(&mut tally, 11)["wires"][0]["delay_ms"], 60);
        tally.see(Record::Closed { at: 20, wire: 1, by: Side::Client });
        assert_eq!(view(&mut tally, 30)["wires"][0]["state"], "left");
        assert_eq!(view(&mut tally, 20 + FAREWELL)["wires"], json!([]));
    }

    #[test]
    fn nothing_grows_without_a_limit() {
        let mut tally = running();
        for wire in 2..100 {
            tally.see(Record::Opened { at: wire, wire });
        }
        for now in 0..2 * HISTORY as u64 {
            tally.tick(now);
        }
        let seen = view(&mut tally, 1000);
        assert_eq!(seen["wires"].as_array().unwrap().len(), SHOWN);
        assert_eq!(seen["more_wires"], 99 - SHOWN);
        assert_eq!(tally.history().len(), HISTORY);
    }
}
