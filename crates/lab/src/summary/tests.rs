//! Figures from made-up records: small stories, told record by record.

use super::{Row, Summary, row};
use crate::{
    fault::Fault,
    manifest::Protocol,
    plan::{Method, Overrides, Plan},
    record::{Lateness, Outcome, Record, RequestId, Side, Status, WireId},
    scenario,
};

fn plan() -> Plan {
    let changed = Overrides { requests: Some(8), unplug_interval: Some(4), ..Overrides::default() };
    changed.apply(scenario::plan("quick").unwrap())
}

fn told(story: &[Record]) -> Row {
    let begin = Record::Begin {
        at: 0,
        contestant: "c-h2".into(),
        client: "c".into(),
        protocol: Protocol::H2,
        about: String::new(),
    };
    row(&plan(), &[&[begin], story].concat()).unwrap()
}

fn summary(story: &[Record]) -> Summary {
    told(story).summary
}

fn warm(at: u64) -> Record {
    Record::Warm { at, requests: 1 }
}

fn opened(at: u64, wire: WireId) -> Record {
    Record::Opened { at, wire }
}

fn seen(request: RequestId, wire: WireId) -> Record {
    Record::Seen { at: 0, request, wire, method: Method::Get }
}

fn cut(at: u64, wire: Option<WireId>, outstanding: &[RequestId]) -> Record {
    let request = outstanding.last().copied().unwrap_or(0);
    Record::Cut {
        at,
        request,
        wires: wire.into_iter().collect(),
        fault: Fault::Stall,
        outstanding: outstanding.to_vec(),
    }
}

fn ended(request: RequestId, go: u64, done: u64, outcome: Outcome) -> Record {
    Record::Request { request, due: None, go, done, outcome, took: done - go, detail: String::new() }
}

fn ok(request: RequestId, go: u64, done: u64) -> Record {
    ended(request, go, done, Outcome::Ok)
}

fn lost(request: RequestId, go: u64, done: u64) -> Record {
    ended(request, go, done, Outcome::Timeout)
}

#[test]
fn a_pool_that_loses_one_request_to_a_cut() {
    let summary = summary(&[
        opened(5, 1),
        warm(10),
        seen(0, 1),
        ok(0, 1_000, 2_000),
        cut(3_010, Some(1), &[1]),
        lost(1, 3_000, 13_000),
        opened(13_100, 2),
        seen(2, 2),
        ok(2, 13_050, 15_010),
        Record::End { at: 16_000, status: Status::Ran, reason: None },
        opened(17_000, 3),
    ]);
    assert_eq!((summary.cuts, summary.cuts_planned), (Some(1), Some(2)));
    assert_eq!((summary.failures, summary.timeouts, summary.errors), (Some(1), Some(1), Some(0)));
    assert_eq!((summary.in_flight_at_cuts, summary.magnification), (Some(1), Some(1.0)));
    assert_eq!(summary.failures_per_cut, [1]);
    assert_eq!(
        (summary.dials, summary.dials_in_warm_up),
        (Some(2), Some(1)),
        "what comes after the end is not counted"
    );
    assert_eq!((summary.recovery_ms, summary.recovery_ms_median), (vec![Some(12.0)], Some(12.0)));
    assert_eq!(summary.wall_s, Some(0.014));
    assert_eq!((summary.p50_us, summary.p99_us), (Some(1_960), Some(10_000)));
}

#[test]
fn a_pool_that_never_recovers() {
    let story = [
        opened(5, 1),
        warm(10),
        cut(3_010, Some(1), &[0]),
        lost(0, 3_000, 13_000),
        lost(1, 13_100, 23_000),
        cut(23_110, None, &[2]),
        lost(2, 23_100, 33_000),
    ];
    let Row { summary, course, .. } = told(&story);
    assert_eq!((summary.cuts, summary.failures), (Some(1), Some(3)));
    assert_eq!(summary.magnification, Some(3.0));
    assert_eq!((summary.longest_run, summary.failures_per_cut), (Some(3), vec![3]));
    assert_eq!((summary.recovery_ms, summary.recovery_ms_median), (vec![None], None));
    assert_eq!(course.cuts, [(0, true), (2, false)]);
    assert_eq!(
        course.outcomes[..4],
        [Some(Outcome::Timeout), Some(Outcome::Timeout), Some(Outcome::Timeout), None]
    );
}

#[test]
fn which_requests_were_on_the_wire() {
    // 1 came in by the wire that was cut, 2 never, 3 by another that was there, 4 by one that was dialled for it, 5
    // by one of each.
    let story = [
        opened(1, 1),
        opened(2, 2),
        warm(10),
        cut(100, Some(1), &[1, 2, 3, 4, 5]),
        opened(150, 3),
        seen(1, 1),
        seen(3, 2),
        seen(4, 3),
        seen(5, 2),
        seen(5, 3),
        ok(3, 50, 200),
    ];
    assert_eq!(summary(&story).in_flight_at_cuts, Some(3), "1, 2 and 4");
}

#[test]
fn nothing_in_flight_is_no_magnification() {
    let story = [opened(1, 1), opened(2, 2), warm(10), seen(0, 2), cut(100, Some(1), &[0]), ok(0, 90, 200)];
    let summary = summary(&story);
    assert_eq!((summary.cuts, summary.in_flight_at_cuts, summary.magnification), (Some(1), Some(0), None));
    assert_eq!(summary.recovery_ms, [None], "no request started after the cut");
}

#[test]
fn many_workers_end_out_of_order() {
    let story = [
        warm(10),
        cut(100, Some(1), &[0, 1]),
        lost(1, 60, 150),
        ok(3, 160, 400),
        // Started later than 3, ended earlier: this is the recovery.
        ok(4, 200, 300),
        lost(0, 50, 500),
        lost(2, 120, 600),
    ];
    let summary = summary(&story);
    assert_eq!(summary.recovery_ms, [Some(0.2)]);
    assert_eq!(summary.longest_run, Some(2), "0 and 2, in the order in which they ended");
    assert_eq!(summary.wall_s, Some(0.001));
}

#[test]
fn what_did_not_happen_is_not_zero() {
    let reason = Some("needs go, which is not on PATH".to_owned());
    let summary = summary(&[Record::End { at: 1, status: Status::Skipped, reason: reason.clone() }]);
    assert_eq!((summary.status, summary.reason), (Status::Skipped, reason));
    assert_eq!((summary.requests, summary.failures, summary.dials), (0, None, None));
    assert_eq!((summary.cuts, summary.wall_s, summary.p99_us), (None, None, None));
    assert_eq!((summary.workers, summary.cuts_planned), (1, Some(2)), "the plan is known all the same");
}

#[test]
fn a_record_that_breaks_off_says_so() {
    let summary_of = |story: &[Record]| summary(story);
    let broken = summary_of(&[warm(1), ok(0, 2, 3)]);
    assert_eq!((broken.status, broken.failures), (Status::Stopped, Some(0)));
    let stopped = summary_of(&[warm(1), Record::Stopped { at: 9, by: "SIGINT".into() }]);
    assert_eq!(stopped.reason.as_deref(), Some("SIGINT"));
}

fn dialled(at: u64, wire: WireId) -> Record {
    Record::Dialled { at, wire }
}

fn closed(at: u64, wire: WireId, by: Side) -> Record {
    Record::Closed { at, wire, by }
}

fn over(at: u64) -> Record {
    let lateness = Lateness { p99_us: 900, max_us: 1_000, steal_per_mille: None };
    Record::Over { at, pings: 5, resets: 6, lateness, offered: None }
}

#[test]
fn what_came_twice() {
    let posted = |request, wire| Record::Seen { at: 0, request, wire, method: Method::Post };
    let summary = summary(&[
        opened(1, 1),
        warm(10),
        // 0 is under way when the wire is cut, and comes in by a younger one; 1 comes twice, 2 three times.
        cut(100, Some(1), &[0]),
        opened(150, 2),
        seen(0, 2),
        seen(1, 1),
        seen(1, 2),
        posted(2, 1),
        posted(2, 2),
        posted(2, 2),
        ok(0, 90, 200),
    ]);
    assert_eq!((summary.seen_twice, summary.posts_seen_twice), (Some(2), Some(1)));
    assert_eq!((summary.extra_attempts, summary.extra_per_cut), (Some(4), Some(4.0)));
}

#[test]
fn dials_under_way() {
    let summary = summary(&[
        opened(1, 1),
        dialled(5, 1),
        warm(10),
        opened(20, 2),
        opened(21, 3),
        dialled(25, 3),
        // This one takes the place of the one that ends at the same moment; 2 is given up.
        opened(25, 4),
        closed(30, 2, Side::Client),
        ok(0, 11, 40),
    ]);
    assert_eq!((summary.dials, summary.most_dials), (Some(4), Some(2)));
}

#[test]
fn who_closed_and_when_it_counts() {
    let summary = summary(&[
        opened(1, 1),
        closed(2, 1, Side::Client),
        warm(10),
        opened(20, 2),
        closed(30, 2, Side::Client),
        opened(31, 3),
        closed(32, 3, Side::Origin),
        ok(0, 11, 40),
        opened(41, 4),
        over(50),
        closed(60, 4, Side::Client),
    ]);
    assert_eq!(summary.closed_by_it, Some(1), "not the one of the warm-up, nor the one after the end");
    assert_eq!((summary.pings, summary.resets, summary.late_max_us), (Some(5), Some(6), Some(1_000)));
    assert_eq!(summary.steal_per_mille, None);
}

#[test]
fn memory_and_goaways() {
    let memory = |resident_kib| Record::Memory { at: 0, resident_kib, peak_kib: 9_999 };
    let goaway = |code, words: &str| Record::Goaway { at: 0, wire: 1, code, words: words.into() };
    let summary = summary(&[
        warm(10),
        memory(1_000),
        memory(5_000),
        memory(2_000),
        goaway(11, "too_many_pings"),
        goaway(0, ""),
        goaway(11, "too_many_pings"),
        ok(0, 11, 40),
    ]);
    assert_eq!((summary.memory_kib, summary.memory_growth_kib), (Some(1_000), Some(4_000)));
    assert_eq!((summary.goaways, summary.goaways_enraged), (Some(3), Some(2)));
    assert_eq!(summary.goaway_words, ["code 0", "too_many_pings"]);
}

#[test]
fn an_open_loop_counts_from_when_a_request_was_due() {
    let sent = |request, due, go, done, outcome| Record::Request {
        request,
        due: Some(due),
        go,
        done,
        outcome,
        took: done - go,
        detail: String::new(),
    };
    let lateness = Lateness::default();
    let story = [
        opened(1, 1),
        warm(10),
        sent(0, 1_000, 1_010, 1_500, Outcome::Ok),
        // The contestant held the lab up: 5 ms of a request that took 1.
        sent(1, 2_000, 7_000, 8_000, Outcome::Ok),
        sent(2, 3_000, 8_000, 18_000, Outcome::Timeout),
        Record::Over { at: 20_000, pings: 0, resets: 0, lateness, offered: Some(4) },
    ];
    let begin = Record::Begin {
        at: 0,
        contestant: "c-h2".into(),
        client: "c".into(),
        protocol: Protocol::H2,
        about: String::new(),
    };
    let changed = Overrides { rate: Some(1_000), ..Overrides::default() };
    let plan = changed.apply(scenario::plan("quick").unwrap());
    let summary = row(&plan, &[&[begin], &story[..]].concat()).unwrap().summary;
    assert_eq!((summary.offered, summary.requests, summary.sent_late), (Some(4), 3, Some(2)));
    assert_eq!((summary.p50_us, summary.p50_at_least), (Some(6_000), false));
    assert_eq!(
        (summary.p99_us, summary.p99_at_least),
        (Some(15_000), true),
        "10 ms, and 5 until it was sent"
    );
    assert_eq!(summary.lab_p50_us, Some(6_000));
}

#[test]
fn requests_are_drawn_on_the_wire_by_which_the_origin_saw_them() {
    let timeline = told(&[
        opened(5, 1),
        opened(6, 2),
        warm(10),
        seen(0, 1),
        ok(0, 1_000, 1_000),
        cut(13_000, Some(1), &[1]),
        lost(1, 12_000, 25_000),
        seen(2, 1),
        seen(2, 2),
        ok(2, 13_000, 25_000),
        closed(19_000, 1, Side::Client),
    ])
    .timeline;
    assert_eq!((timeline.lasted, timeline.cuts), (24_000, vec![(120.0, true)]));
    let lines: Vec<_> = timeline.lines.iter().map(|l| (l.wire, l.open, l.cut, l.marks.0.len())).collect();
    assert_eq!(lines, [(1, (0.0, 180.0), Some(120.0), 1), (2, (0.0, 240.0), None, 1)]);
    assert_eq!(timeline.unseen.0.keys().copied().collect::<Vec<_>>(), [239], "nobody saw 1");
    assert_eq!(timeline.all.0.values().map(|tally| tally.ok).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn of_many_wires_the_cut_ones_are_drawn_and_none_is_forgotten() {
    let mut story: Vec<Record> = (1..=40).map(|wire| opened(wire, wire)).collect();
    // One more that ended with the warm-up.
    story.extend([opened(41, 41), closed(45, 41, Side::Client)]);
    story.push(warm(50));
    story.extend((0..40).map(|request| seen(request, request + 1)));
    story.push(cut(60, Some(33), &[]));
    story.extend((0..40).map(|request| ok(request, 100, 200)));
    let timeline = told(&story).timeline;
    assert_eq!(timeline.lines.len(), 16);
    assert!(timeline.lines.iter().any(|line| line.wire == 33));
    let (left, marks) = timeline.others;
    assert_eq!((left, marks.0[&239].ok), (25, 24));
}
