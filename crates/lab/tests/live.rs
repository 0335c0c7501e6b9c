//! `netsplit live` over plain sockets: who is let in, what a deed does to a wire, and how it ends.
//!
//! Next: `page.rs`, the same in a browser.

mod lab;

use std::io::Write as _;

use lab::{Lab, is_gone, live::Events, wait_for};
use serde_json::json;

const WIRE: &str = "/api/contestants/fine/wires/1";
const CUT: &str = r#"{"do": "cut"}"#;

/// Timeouts are long: on a busy machine nothing but a cut may cost a request.
const SLOW: [&str; 6] = ["--request-timeout", "1s", "--think", "20ms", "--workers", "1"];

#[test]
fn the_page_and_its_files() {
    let lab = Lab::with(&["fine"]);
    let live = lab.live(&[]);
    assert!(live.address.starts_with("127.0.0.1:"), "{}", live.address);
    let page = live.get("/");
    assert_eq!(page.status, 200);
    for field in [
        "content-type: text/html",
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(page.head.contains(field), "{field}: {}", page.head);
    }
    assert!(!page.head.contains("access-control"), "{}", page.head);
    for (path, kind) in
        [("/page.js", "text/javascript"), ("/page.css", "text/css"), ("/icon.svg", "image/svg+xml")]
    {
        let file = live.get(path);
        assert!(file.status == 200 && file.head.contains(kind), "{path}: {}", file.head);
    }
    assert_eq!(live.get("/../Cargo.toml").status, 404);
    assert_eq!(live.get("/api/state").status, 200);
    assert_eq!(live.post("/", "", "").status, 405);
}

#[test]
fn a_name_that_is_not_ours_is_misdirected() {
    let lab = Lab::with(&["fine"]);
    let live = lab.live(&[]);
    let port = live.address.rsplit(':').next().unwrap();
    for host in ["rebound.example", "127.0.0.1", "127.0.0.1:1", "0.0.0.0", "[::1]", "localhost."] {
        let host = if host.contains(':') && !host.starts_with('[') {
            host.to_owned()
        } else {
            format!("{host}:{port}x")
        };
        for path in ["/", "/page.js", "/api/state", "/api/events", WIRE] {
            let answer =
                live.send(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"));
            assert_eq!(answer.status, 421, "{host} {path}");
        }
    }
    assert_eq!(live.send("GET / HTTP/1.0\r\n\r\n").status, 421, "no host");
    let absolute = "GET http://rebound.example/ HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n";
    assert_eq!(live.send(absolute).status, 421);
    let by_name = format!("GET / HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    assert_eq!(live.send(&by_name).status, 200);
}

#[test]
fn nothing_changes_for_another_site_or_without_the_token() {
    let lab = Lab::with(&["honest", "fine"]);
    let live = lab.live(&SLOW);
    let token = live.token();
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    let old = lab.live(&SLOW).token();
    assert_ne!(token, old);
    live.wait("a wire", "honest", |now| now["wires"][0]["state"] == "live");
    let path = "/api/contestants/honest/wires/1";
    for fields in [
        String::new(),
        format!("netsplit-token: {old}\r\n"),
        format!("netsplit-token: {}\r\n", token.to_uppercase()),
        format!("cookie: netsplit-token={token}\r\n"),
        format!("netsplit-token: {token}\r\norigin: http://rebound.example\r\n"),
        format!("netsplit-token: {token}\r\norigin: null\r\n"),
        format!("netsplit-token: {token}\r\nsec-fetch-site: cross-site\r\n"),
        format!("netsplit-token: {token}\r\nsec-fetch-site: same-site\r\n"),
    ] {
        let answer = live.post(path, &fields, CUT);
        assert_eq!(answer.status, 403, "{fields}: {}", answer.body);
        assert!(!answer.body.contains(&token));
    }
    assert_eq!(live.post(&format!("{path}?netsplit-token={token}"), "", CUT).status, 403);
    let elsewhere =
        "GET /api/events HTTP/1.1\r\nhost: {host}\r\nsec-fetch-site: cross-site\r\nconnection: close\r\n\r\n";
    assert_eq!(live.send(elsewhere).status, 403);
    assert_eq!(live.state("honest")["wires"][0]["state"], "live", "it is as it was");
}

#[test]
fn what_is_not_understood_is_refused() {
    let lab = Lab::with(&["fine"]);
    let live = lab.live(&[]);
    let token = format!("netsplit-token: {}\r\n", live.token());
    for (body, status) in [
        ("", 400),
        ("cut", 400),
        (r#"{"do": "explode"}"#, 400),
        (r#"{"do": "delay", "ms": 100000}"#, 400),
        (&format!(r#"{{"do": "cut{}"}}"#, "t".repeat(2000)), 413),
        // `fine` never dials.
        (CUT, 404),
    ] {
        let answer = live.post(WIRE, &token, body);
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.body.starts_with("{\"error\":"), "{}", answer.body);
    }
    let chunked = format!(
        "POST {WIRE} HTTP/1.1\r\nhost: {{host}}\r\n{token}content-type: application/json\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n\r\n800\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x800)
    );
    assert_eq!(live.send(&chunked).status, 413);
    let form = format!(
        "POST {WIRE} HTTP/1.1\r\nhost: {{host}}\r\n{token}connection: close\r\ncontent-length: 0\r\n\r\n"
    );
    assert_eq!(live.send(&form).status, 415);
    for path in
        ["/api/contestants/nobody/wires/1", "/api/contestants/fine/wires/2", "/api/contestants/fine/wires/x"]
    {
        assert_eq!(live.post(path, &token, CUT).status, 404, "{path}");
    }
    assert_eq!(live.get(WIRE).status, 405);
    let endless = format!("GET / HTTP/1.1\r\nhost: {{host}}\r\nx: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert_eq!(live.send(&endless).status, 431);
    assert_eq!(live.send("hello\r\n\r\n").status, 400);
}

#[test]
fn a_cut_costs_what_it_costs_until_it_is_restored() {
    let lab = Lab::with(&["stubborn", "honest"]);
    let live = lab.live(&["--request-timeout", "300ms", "--think", "20ms", "--workers", "1"]);
    for name in ["stubborn", "honest"] {
        live.wait("answers", name, |now| now["answered"].as_u64() > Some(3));
        assert_eq!(live.strike(name, 1, CUT), 204);
    }
    let cut = live.wait("losses", "stubborn", |now| now["strike"]["lost"].as_u64() > Some(2));
    assert_eq!((&cut["wires"][0]["state"], &cut["strike"]["deed"]), (&json!("cut"), &json!({ "do": "cut" })));
    assert_eq!(live.strike("stubborn", 1, r#"{"do": "restore"}"#), 204);
    let answered = live.state("stubborn")["answered"].as_u64();
    let well = live.wait("answers again", "stubborn", |now| now["answered"].as_u64() > answered);
    assert_eq!((&well["wires"][0]["state"], &well["wires"][0]["wire"]), (&json!("live"), &json!(1)));
    // The other one has left its wire and dialled anew.
    let lost = live.wait("a new wire", "honest", |now| {
        let wires = now["wires"].as_array().unwrap();
        wires.iter().any(|wire| wire["wire"] == 2 && wire["seen"].as_u64() > Some(0))
    });
    assert_eq!(lost["strike"]["lost"], 1);
    wait_for("the first wire's end", || (live.strike("honest", 1, CUT) == 404).then_some(()));
}

/// What tells a stall from a cut: whether the origin goes on to see the requests that are lost.
#[test]
fn a_stall_loses_one_direction_until_it_is_restored() {
    let lab = Lab::with(&["stubborn"]);
    let live = lab.live(&["--request-timeout", "300ms", "--think", "20ms", "--workers", "1"]);
    live.wait("answers", "stubborn", |now| now["answered"].as_u64() > Some(3));
    for (deed, arrive) in [("stall-down", true), ("stall-up", false)] {
        assert_eq!(live.strike("stubborn", 1, &format!(r#"{{"do": "{deed}"}}"#)), 204);
        // What was on its way is through when the first is lost.
        let now = live.wait("a loss", "stubborn", |now| now["strike"]["lost"].as_u64() > Some(0));
        assert_eq!((&now["wires"][0]["state"], &now["strike"]["deed"]["do"]), (&json!(deed), &json!(deed)));
        let (seen, answered) = (now["wires"][0]["seen"].as_u64().unwrap(), now["answered"].as_u64());
        let now = live.wait("more losses", "stubborn", |now| now["strike"]["lost"].as_u64() > Some(3));
        assert_eq!(now["answered"].as_u64(), answered, "{deed}");
        assert_eq!(now["wires"][0]["seen"].as_u64() > Some(seen), arrive, "{deed}: {now}");
        assert_eq!(live.strike("stubborn", 1, r#"{"do": "restore"}"#), 204);
        live.wait("answers again", "stubborn", |now| now["answered"].as_u64() > answered);
    }
}

#[test]
fn a_short_delay_loses_nothing() {
    let lab = Lab::with(&["honest"]);
    let live = lab.live(&["--request-timeout", "20s", "--think", "1ms", "--workers", "1"]);
    live.wait("answers", "honest", |now| now["answered"].as_u64() > Some(3));
    assert_eq!(live.strike("honest", 1, r#"{"do": "delay", "ms": 5}"#), 204);
    let answered = live.state("honest")["answered"].as_u64().unwrap();
    let late = live.wait("answers", "honest", |now| now["answered"].as_u64() > Some(answered + 2));
    assert_eq!((&late["wires"][0]["state"], &late["wires"][0]["delay_ms"]), (&json!("late"), &json!(5)));
    assert_eq!((&late["lost"], &late["strike"]["lost"]), (&json!(0), &json!(0)));
}

#[test]
fn a_delay_beyond_the_timeout_loses_until_it_is_undone() {
    let lab = Lab::with(&["stubborn"]);
    let live = lab.live(&["--request-timeout", "300ms", "--think", "20ms", "--workers", "1"]);
    live.wait("answers", "stubborn", |now| now["answered"].as_u64() > Some(3));
    assert_eq!(live.strike("stubborn", 1, r#"{"do": "delay", "ms": 1000}"#), 204);
    live.wait("losses", "stubborn", |now| now["strike"]["lost"].as_u64() > Some(0));
    assert_eq!(live.strike("stubborn", 1, r#"{"do": "restore"}"#), 204);
    let answered = live.state("stubborn")["answered"].as_u64();
    let well = live.wait("answers again", "stubborn", |now| now["answered"].as_u64() > answered);
    assert_eq!(well["wires"][0]["state"], "live");
}

#[test]
fn pages_are_told_and_there_is_an_end_to_pages() {
    let lab = Lab::with(&["honest"]);
    let live = lab.live(&SLOW);
    let mut pages: Vec<_> = (0..8).map(|_| Events::open(&live).unwrap()).collect();
    let (name, snapshot) = pages[0].next();
    assert_eq!(name, "snapshot");
    let mut last = snapshot["n"].as_u64().unwrap();
    for _ in 0..5 {
        let (name, tick) = pages[0].next();
        assert_eq!(name, "tick");
        let n = tick["n"].as_u64().unwrap();
        assert!(n == last + 1, "{n} after {last}");
        last = n;
        assert_eq!(tick["contestants"].as_array().unwrap().len(), 1);
    }
    assert_eq!(Events::open(&live).err(), Some(503));
    pages.pop();
    wait_for("room for a page", || Events::open(&live).ok());
}

#[test]
fn who_says_nothing_keeps_nobody_out() {
    let lab = Lab::with(&["fine"]);
    let live = lab.live(&[]);
    let mut idle: Vec<_> = (0..100).map(|_| live.connect()).collect();
    for socket in &mut idle {
        _ = socket.write_all(b"GET / HTTP/1.1\r\nhost:");
    }
    wait_for("a place", || (live.get("/").status == 200).then_some(()));
}

#[test]
fn a_contestant_that_breaks_the_rules_ends_alone() {
    let lab = Lab::with_manifest(
        &["dies-later", "honest"]
            .map(|name| lab::entry(name, "", &format!("run = [{:?}, {name:?}]", lab::FAKE)))
            .concat(),
    );
    let live = lab.live(&SLOW);
    let ended = live.wait("its end", "dies-later", |now| now["stage"] == "ended");
    assert!(ended["reason"].as_str().unwrap().contains("boom, in the middle"), "{ended}");
    live.wait("answers", "honest", |now| now["answered"].as_u64() > Some(3));
}

#[test]
fn ctrl_c_ends_everything() {
    let lab = Lab::with(&["has-child"]);
    let live = lab.live(&SLOW);
    let pids = ["grandchild", "contestant"].map(|name| lab.pid(name));
    let mut page = Events::open(&live).unwrap();
    page.next();
    assert_eq!(live.end(), Some(130));
    for pid in pids {
        wait_for("a process's end", || is_gone(pid).then_some(()));
    }
    assert_eq!(lab.leftovers(), [""; 0]);
}

#[test]
fn ctrl_c_ends_a_build() {
    let build = format!("build = [{:?}, \"never-ready\"]", lab::FAKE);
    let lab = Lab::with_manifest(&lab::entry("slow-build", &build, "run = [\"x\"]"));
    let running = lab.start(&["live"]);
    let pid = lab.pid("contestant");
    running.signal(rustix::process::Signal::INT);
    assert_eq!(running.finish().status, Some(130));
    wait_for("the build's end", || is_gone(pid).then_some(()));
}

#[test]
fn what_can_not_be_served_is_said() {
    let lab = Lab::with(&["fine"]);
    let live = lab.live(&[]);
    let port = live.address.rsplit(':').next().unwrap();
    let second = lab.run(&["live", "--port", port]);
    assert_eq!(second.status, Some(1));
    assert!(second.stderr.contains(&format!("can't listen on 127.0.0.1:{port}")), "{}", second.stderr);
    let unknown = lab.run(&["live", "--only", "nobody"]);
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.stderr.contains("there is no contestant `nobody`"), "{}", unknown.stderr);
}
