//! Scenarios from end to end, each small, with the honest client: one connection, one request at a time, never twice.

mod lab;

use lab::Lab;
use serde_json::{Value, json};

/// Timeouts are long: on a machine busy with other tests, nothing but the fault may cost a request.
const SMALL: [&str; 7] = ["--requests", "30", "--unplug-interval", "10", "--timeout", "1s", "--workers=1"];

/// The row of this scenario, and the record's lines.
fn run(scenario: &str, more: &[&str]) -> (Value, Vec<Value>) {
    let lab = Lab::with(&["honest"]);
    let finished = lab.run(&[&["run", scenario, "--json", "--out", "out"], &SMALL[..], more].concat());
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    (finished.row("honest"), lab.record())
}

fn check(scenario: &str, more: &[&str], figures: &[(&str, Value)]) -> Vec<Value> {
    let (row, record) = run(scenario, more);
    for (field, value) in figures {
        assert_eq!(&row[field], value, "{field} of {scenario}: {row}");
    }
    record
}

fn of_kind<'a>(record: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    record.iter().filter(move |line| line["kind"] == kind)
}

#[test]
fn one_direction_is_enough_to_lose_a_request() {
    for scenario in ["stall-up", "stall-down"] {
        let record = check(scenario, &["--think", "1ms"], &[("cuts", json!(3)), ("failures", json!(3))]);
        let seen = of_kind(&record, "seen").count();
        assert_eq!(
            seen,
            if scenario == "stall-up" { 27 } else { 30 },
            "{scenario}: whether the cut ones arrive"
        );
    }
}

#[test]
fn handlers_that_stall_have_seen_the_request() {
    let figures = [("cuts", json!(3)), ("failures", json!(3)), ("extra_attempts", json!(0))];
    let record = check("handlers-stall", &[], &figures);
    assert_eq!(of_kind(&record, "seen").count(), 30);
}

#[test]
fn all_are_slow_and_each_costs_http_1_a_connection() {
    // The client takes another connection after each timeout; the last request's is not replaced.
    let slow = ["--requests", "3", "--slow-every", "1", "--slow-by", "20s", "--timeout", "100ms"];
    let figures = [("failures", json!(3)), ("slow_failures", json!(3)), ("dials", json!(3))];
    check("all-slow", &[&slow[..], &["--unplug-interval", "0"]].concat(), &figures);
}

#[test]
fn one_is_late_and_then_the_path_dies() {
    // HTTP/1.1 closes what timed out, so there may be nothing to cut; what was late is told apart in any case.
    let record = check("timed-out-then-cut", &["--timeout", "300ms"], &[("slow_failures", json!(3))]);
    assert_eq!(of_kind(&record, "cut").count(), 3);
}

#[test]
fn a_connection_that_ends_is_an_error_and_no_timeout() {
    for scenario in ["reset", "fin-mid-body"] {
        let figures = [("cuts", json!(3)), ("errors", json!(3)), ("timeouts", json!(0))];
        check(scenario, &[], &figures);
    }
}

#[test]
fn posts_are_recorded_as_such() {
    let record = check("post", &[], &[("method", json!("POST")), ("posts_seen_twice", json!(0))]);
    assert!(of_kind(&record, "seen").all(|seen| seen["method"] == "POST"));
}

#[test]
fn a_dead_path_is_accepted_and_silent() {
    // All paths are dead, so nothing works any more once the first connection is cut.
    let (row, record) = run("write-blocked-for-good", &["--requests", "7", "--timeout", "100ms"]);
    assert_eq!((&row["cuts"], &row["failures"]), (&json!(1), &json!(2)), "{row}");
    assert_eq!(of_kind(&record, "doomed").count(), 1);
}

#[test]
fn a_pause_costs_nobody_who_has_patience() {
    let figures = [("cuts", json!(3)), ("failures", json!(0)), ("dials", json!(1))];
    check("paused-200ms", &["--lasts", "20ms", "--timeout", "20s"], &figures);
}

#[test]
fn time_may_be_the_stop_rule() {
    let (row, record) = run("quick", &["--duration", "1ms", "--requests", "10000000"]);
    assert_eq!(row["cuts_planned"], json!(null));
    let made = of_kind(&record, "request").count();
    assert_eq!(row["requests"], json!(made));
}

#[test]
fn memory_lateness_and_frames_are_in_the_record() {
    let (row, record) = run("quick", &[]);
    assert_eq!(of_kind(&record, "over").count(), 1);
    assert!(row["late_max_us"].is_u64(), "{row}");
    assert_eq!((&row["pings"], &row["goaways"]), (&json!(0), &json!(0)), "HTTP/1.1 has none");
    if std::path::Path::new("/proc/self/status").exists() {
        assert!(row["memory_kib"].as_u64().unwrap() > 0, "{row}");
    }
}

/// Where a namespace can be made, the packets are gone; elsewhere the row says why not.
#[test]
fn packets_are_dropped_or_the_reason_is_told() {
    let (row, _) = run("blackhole", &[]);
    match row["status"].as_str() {
        Some("ran") => assert_eq!((&row["cuts"], &row["failures"]), (&json!(3), &json!(3)), "{row}"),
        Some("skipped") => assert!(row["reason"].as_str().unwrap().contains("namespace"), "{row}"),
        _ => panic!("{row}"),
    }
}

/// The same for an address: the last request is lost with it. (Another would dial, and the fake waits for the kernel's patience.)
#[test]
fn an_address_is_lost_or_the_reason_is_told() {
    let (row, record) = run("address-lost", &["--requests", "16", "--unplug-interval", "30"]);
    match row["status"].as_str() {
        Some("ran") => {
            assert_eq!((&row["cuts"], &row["failures"]), (&json!(1), &json!(1)), "{row}");
            assert_eq!(of_kind(&record, "cut").next().unwrap()["fault"], "address-lost");
        }
        Some("skipped") => assert!(row["reason"].as_str().unwrap().contains("namespace"), "{row}"),
        _ => panic!("{row}"),
    }
}

/// Longer, but for ever: nothing fails, nobody dials, and the connection lives.
#[test]
fn a_way_that_becomes_longer_cuts_nothing() {
    let figures = [("failures", json!(0)), ("dials", json!(1)), ("closed_by_it", json!(0))];
    let record =
        check("delay-jumps", &["--requests", "12", "--unplug-interval", "20", "--timeout", "20s"], &figures);
    let took = |request: u64| {
        let mut requests = of_kind(&record, "request").filter(|line| line["request"] == request);
        requests.next().unwrap()["took"].as_u64().unwrap()
    };
    assert!(took(11) >= 310_000 && took(2) >= 10_000, "{} and {} µs", took(2), took(11));
}

/// What a NAT has forgotten is lost, and the lab sees that the client gives the connection up.
#[test]
fn a_nat_forgets_who_is_silent() {
    let more = ["--requests", "3", "--think", "1700ms", "--timeout", "1s"];
    check("nat-forgets", &more, &[("cuts", json!(0)), ("failures", json!(1)), ("closed_by_it", json!(1))]);
}

#[test]
fn without_its_tools_a_packet_scenario_is_skipped() {
    let lab = Lab::with(&["honest"]);
    let finished = lab.run_with_path("/nowhere", &["run", "loss", "--json"]);
    assert_eq!(finished.status, Some(0), "{}", finished.stderr);
    let row = finished.row("honest");
    assert_eq!(row["status"], "skipped");
    assert!(row["reason"].as_str().unwrap().contains("nft (Debian package nftables)"), "{row}");
}

#[test]
fn without_its_server_grpc_is_skipped() {
    let (row, _) = run("grpc-pings", &[]);
    assert_eq!(row["status"], "skipped");
    assert!(row["reason"].as_str().unwrap().contains("origins/grpc/make"), "{row}");
}
