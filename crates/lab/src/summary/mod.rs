//! From records to figures: a pure function.
//!
//! The figures, and what exactly they mean:
//!
//! - `cuts`: cuts that hit a live wire. `cuts_planned`: those the plan had in store for the whole run.
//! - `failures`: counted requests whose `done` was not `ok`; `timeouts` and `errors` are its two parts.
//! - `slow_failures`: those of them that the origin was told to answer later than the timeout; no cut is to blame for them.
//! - `in_flight_at_cuts`: requests under way when a wire was cut that may have been on it (`cuts.rs` says which).
//! - `magnification`: `failures` but for `slow_failures`, divided by `in_flight_at_cuts`; null when nothing was in flight. A pool that loses no more than
//!   the cut itself costs has at most 1.
//! - `longest_run`: the most failures in a row, in the order in which requests ended.
//! - `failures_per_cut`: failures from each cut to the next, by when they ended.
//! - `dials`: all wires of the contestant, from its start; `dials_in_warm_up` of them before the counting began.
//! - `recovery_ms`: from each cut to the end of the first `ok` of a request that started after it; null where none
//!   came. `recovery_ms_median`: their median, a null counted as later than all others.
//! - `p50_us`, `p99_us`: latency of all counted requests by the contestant's clock, in an open loop from when they were due.
//!   Failures are in as censored (`latency.rs`): `p50_at_least` and `p99_at_least` tell when the true figure may be higher.
//!   `lab_*`: the same from `go` written (open loop: due) to `done` read.
//! - `rate`: requests a second that become due in an open loop, 0 in the closed one. `offered`: those that had become due,
//!   whether they were sent (`requests`) or not; `sent_late`: those of them that were sent more than 2 ms after they were due.
//! - `extra_attempts`: attempts beyond the first of each request, as far as the origin's side can tell (`cuts.rs`);
//!   `extra_per_cut`: those, divided by `cuts`. `seen_twice`: requests that the origin saw more than once; `posts_seen_twice`:
//!   those of them that came as POST, and so may not be repeated.
//! - `most_dials`: the most dials under way at a time (`dials.rs`). `closed_by_it`: connections that the contestant closed
//!   while it counted.
//! - `memory_kib`: main memory when the counting began; `memory_growth_kib`: the most it took later, beyond that.
//! - `pings`, `resets`: HTTP/2 PINGs and RST_STREAMs of the contestant, from its start. `goaways`: those the origin sent;
//!   `goaways_enraged`: those of them that punish (code 11, ENHANCE_YOUR_CALM), and `goaway_words`: what they said, each once.
//! - `late_p99_us`, `late_max_us`: how late the lab's own heartbeat came; `steal_per_mille`: processor time that the machine's
//!   host kept.
//! - `wall_s`: from the first counted `go` to the last `done`.
//!
//! Invariant: the same records give the same figures; nothing else is looked at.
//! Next: `turn.rs` sorts the records, `cuts.rs` looks around each cut, `../report/` draws the result.

mod cuts;
mod dials;
mod latency;
mod stats;
#[cfg(test)]
mod tests;
mod timeline;
mod turn;

use serde::Serialize;

pub(crate) use self::{
    latency::{Bin, Latency},
    timeline::{COLUMNS, Marks, Tally, Timeline},
};
use self::{
    latency::{Percentile, Waits},
    turn::{Request, Turn},
};
use crate::{
    manifest::Protocol,
    plan::{Method, Plan, Slow},
    record::{Outcome, Record, RequestId, Status},
};

/// What one contestant's turn came to. Figures are `None` when no counted request ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // The module's own text above defines each.
pub(crate) struct Summary {
    pub(crate) contestant: String,
    pub(crate) client: String,
    pub(crate) protocol: Protocol,
    pub(crate) version: Option<String>,
    pub(crate) plan: String,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) requests: u64,
    pub(crate) method: Method,
    pub(crate) workers: u32,
    pub(crate) rate: u32,
    pub(crate) timeout_ms: u64,
    pub(crate) unplug_interval: u64,
    pub(crate) seed: u64,
    pub(crate) streams: u32,
    pub(crate) slow: Option<Slow>,
    /// `None` where the time decides.
    pub(crate) cuts_planned: Option<u64>,
    pub(crate) cuts: Option<u64>,
    pub(crate) failures: Option<u64>,
    pub(crate) timeouts: Option<u64>,
    pub(crate) errors: Option<u64>,
    pub(crate) slow_failures: Option<u64>,
    pub(crate) in_flight_at_cuts: Option<u64>,
    pub(crate) magnification: Option<f64>,
    pub(crate) longest_run: Option<u64>,
    pub(crate) failures_per_cut: Vec<u64>,
    pub(crate) dials: Option<u64>,
    pub(crate) dials_in_warm_up: Option<u64>,
    pub(crate) recovery_ms_median: Option<f64>,
    pub(crate) recovery_ms: Vec<Option<f64>>,
    pub(crate) wall_s: Option<f64>,
    pub(crate) p50_us: Option<u64>,
    pub(crate) p50_at_least: bool,
    pub(crate) p99_us: Option<u64>,
    pub(crate) p99_at_least: bool,
    pub(crate) lab_p50_us: Option<u64>,
    pub(crate) lab_p99_us: Option<u64>,
    pub(crate) offered: Option<u64>,
    pub(crate) sent_late: Option<u64>,
    pub(crate) extra_attempts: Option<u64>,
    pub(crate) extra_per_cut: Option<f64>,
    pub(crate) seen_twice: Option<u64>,
    pub(crate) posts_seen_twice: Option<u64>,
    pub(crate) most_dials: Option<u64>,
    pub(crate) closed_by_it: Option<u64>,
    pub(crate) memory_kib: Option<u64>,
    pub(crate) memory_growth_kib: Option<u64>,
    pub(crate) pings: Option<u64>,
    pub(crate) resets: Option<u64>,
    pub(crate) goaways: Option<u64>,
    pub(crate) goaways_enraged: Option<u64>,
    pub(crate) goaway_words: Vec<String>,
    pub(crate) late_p99_us: Option<u64>,
    pub(crate) late_max_us: Option<u64>,
    pub(crate) steal_per_mille: Option<u64>,
}

/// How each request ended, in the order of their numbers; what the picture is drawn from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Course {
    /// `None` for a request that has no end in the record.
    pub(crate) outcomes: Vec<Option<Outcome>>,
    /// At which requests a cut was due, and whether it hit a live wire.
    pub(crate) cuts: Vec<(RequestId, bool)>,
}

/// One contestant's line in a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The figures.
    pub(crate) summary: Summary,
    /// The picture.
    pub(crate) course: Course,
    /// The page's pictures.
    pub(crate) timeline: Timeline,
    /// And its distribution.
    pub(crate) latency: Latency,
}

/// A whole record, as a report shows it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// What was to be done.
    pub(crate) plan: Plan,
    /// When it began, UTC.
    pub(crate) started: String,
    /// The lab's version.
    pub(crate) lab: String,
    /// Processors.
    pub(crate) cores: usize,
    /// What stopped it early.
    pub(crate) stopped: Option<String>,
    /// The contestants whose turn began, in order.
    pub(crate) rows: Vec<Row>,
}

impl Run {
    /// Requests of a whole turn: as planned, or the most that were made where the time decides.
    pub(crate) fn requests(&self) -> u64 {
        let made = || self.rows.iter().map(|row| row.course.outcomes.len() as u64).max().unwrap_or(0);
        self.plan.requests_planned().unwrap_or_else(made)
    }
}

/// Everything a record says; `None` when it does not even have a head.
pub(crate) fn run(records: &[Record]) -> Option<Run> {
    let Record::Run { lab, started, cores, plan, .. } = records.first()? else { return None };
    let stopped = records.iter().find_map(|record| match record {
        Record::Stopped { by, .. } => Some(by.clone()),
        _ => None,
    });
    let begins = |record: &Record| matches!(record, Record::Begin { .. });
    let rows = records.chunk_by(|_, next| !begins(next)).filter_map(|turn| row(plan, turn)).collect();
    Some(Run {
        plan: Plan::clone(plan),
        started: started.clone(),
        lab: lab.clone(),
        cores: *cores,
        stopped,
        rows,
    })
}

/// One contestant's turn; `None` when these records hold none.
pub(crate) fn row(plan: &Plan, records: &[Record]) -> Option<Row> {
    let turn = Turn::sort(records)?;
    let course = turn.course(plan.requests_planned());
    let waits = Waits::of(&turn.requests, plan.pace.timeout_ms, |request| request.took + request.held_up());
    let (timeline, latency) = (timeline::timeline(&turn), waits.digest());
    Some(Row { summary: summarize(plan, &turn, &waits), course, timeline, latency })
}

fn summarize(plan: &Plan, turn: &Turn<'_>, waits: &Waits) -> Summary {
    let requests = turn.requests.len() as u64;
    // Without a request there is nothing to report, and a 0 would look like a good figure.
    let given = |figure: u64| (requests > 0).then_some(figure);
    let count = |wanted| turn.requests.iter().filter(|r| r.outcome == wanted).count() as u64;
    let (timeouts, errors) = (count(Outcome::Timeout), count(Outcome::Error));
    let failures = timeouts + errors;
    let lost = turn.requests.iter().filter(|r| r.outcome != Outcome::Ok);
    let slow_failures = lost.filter(|r| plan.takes_ms(r.number) >= plan.pace.timeout_ms).count() as u64;
    let in_flight = cuts::in_flight(turn);
    let cuts = turn.hits().count() as u64;
    let extra_attempts = cuts::extra_attempts(turn);
    let twice = || turn.seen.iter().filter(|(_, wires)| wires.len() > 1).map(|(request, _)| request);
    let recovery = cuts::recovery_ms(turn);
    let over = turn.over;
    let by_lab =
        Waits::of(&turn.requests, plan.pace.timeout_ms, |r| r.done.saturating_sub(r.due.unwrap_or(r.go)));
    let us = |percentile: Option<Percentile>| percentile.map(|percentile| percentile.us);
    let at_least = |percentile: Option<Percentile>| percentile.is_some_and(|percentile| percentile.at_least);
    let (p50, p99) = (waits.percentile(50.0), waits.percentile(99.0));
    let wall = turn.requests.iter().map(|r| r.go).min().zip(turn.requests.iter().map(|r| r.done).max());
    Summary {
        contestant: turn.contestant.to_owned(),
        client: turn.client.to_owned(),
        protocol: turn.protocol,
        version: turn.version.map(str::to_owned),
        plan: plan.name.clone(),
        status: turn.status,
        reason: turn.reason.clone(),
        requests,
        method: plan.pace.method,
        workers: plan.pace.workers,
        rate: plan.pace.rate,
        timeout_ms: plan.pace.timeout_ms,
        unplug_interval: plan.script.every,
        seed: plan.seed,
        streams: plan.origin.streams,
        slow: plan.origin.slow,
        cuts_planned: plan.cuts_planned(),
        cuts: given(cuts),
        failures: given(failures),
        timeouts: given(timeouts),
        errors: given(errors),
        slow_failures: given(slow_failures),
        in_flight_at_cuts: given(in_flight),
        magnification: (in_flight > 0)
            .then(|| stats::round((failures - slow_failures) as f64 / in_flight as f64)),
        longest_run: given(stats::longest_run(turn.requests.iter().map(|r| r.outcome != Outcome::Ok))),
        failures_per_cut: cuts::failures(turn),
        dials: given(turn.opened.len() as u64),
        dials_in_warm_up: given(turn.opened.values().filter(|&&at| at < turn.warm_at).count() as u64),
        recovery_ms_median: stats::median(&recovery),
        recovery_ms: recovery,
        wall_s: wall.map(|(first, last)| stats::round(last.saturating_sub(first) as f64 / 1e6)),
        p50_us: us(p50),
        p50_at_least: at_least(p50),
        p99_us: us(p99),
        p99_at_least: at_least(p99),
        lab_p50_us: us(by_lab.percentile(50.0)),
        lab_p99_us: us(by_lab.percentile(99.0)),
        offered: over.and_then(|over| over.offered),
        sent_late: (plan.pace.rate > 0).then_some(late_sends(turn)),
        extra_attempts: given(extra_attempts),
        extra_per_cut: (cuts > 0).then(|| stats::round(extra_attempts as f64 / cuts as f64)),
        seen_twice: given(twice().count() as u64),
        posts_seen_twice: given(twice().filter(|request| turn.posts.contains(request)).count() as u64),
        most_dials: given(dials::most(turn)),
        closed_by_it: given(turn.closed_by_it),
        memory_kib: turn.memory.first().copied(),
        memory_growth_kib: turn
            .memory
            .first()
            .zip(turn.memory.iter().max())
            .map(|(first, most)| most - first),
        pings: over.map(|over| over.pings),
        resets: over.map(|over| over.resets),
        goaways: given(turn.goaways.len() as u64),
        goaways_enraged: given(
            turn.goaways.iter().filter(|(code, _)| *code == ENHANCE_YOUR_CALM).count() as u64
        ),
        goaway_words: goaway_words(turn),
        late_p99_us: over.map(|over| over.lateness.p99_us),
        late_max_us: over.map(|over| over.lateness.max_us),
        steal_per_mille: over.and_then(|over| over.lateness.steal_per_mille),
    }
}

/// What the lab's timers can't do better is not late: they count whole milliseconds.
const LATE_US: u64 = 2_000;

fn late_sends(turn: &Turn<'_>) -> u64 {
    turn.requests.iter().map(Request::held_up).filter(|held_up| *held_up > LATE_US).count() as u64
}

/// RFC 9113, section 7.
const ENHANCE_YOUR_CALM: u32 = 11;

/// Each once, with its code where it has no words.
fn goaway_words(turn: &Turn<'_>) -> Vec<String> {
    let said = |&(code, words): &(u32, &str)| match words {
        "" => format!("code {code}"),
        words => words.to_owned(),
    };
    turn.goaways.iter().map(said).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
