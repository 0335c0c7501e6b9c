//! A contestant for the lab's own tests: an honest client of a few lines, and one way to break each rule of the
//! protocol. Its first argument says which.
//!
//! Invariant: each behaviour breaks one rule and keeps the others, so that a test sees what the lab says to that one.
//! Next: `client.rs`, the honest client; `../misbehaviour.rs` and `../experiment.rs`, which use all this.

mod client;

use std::{
    io::{self, BufRead as _, Write as _},
    process::{Command, exit},
    time::{Duration, Instant},
};

use client::Client;

fn main() {
    let behaviour = std::env::args().nth(1).unwrap_or_default();
    write_pid("contestant", std::process::id());
    match behaviour.as_str() {
        "dies" => {
            eprintln!("boom: no such thing as a socket");
            exit(3);
        }
        "never-ready" | "never-ready-either" => {
            write_pid(&behaviour.replace("never-ready", "stuck"), std::process::id());
            forever();
        }
        "rubbish" => say("hello, I am a client"),
        "endless-line" => loop {
            let _ = io::stdout().write_all(&[b'x'; 4096]);
        },
        _ => {}
    }
    if behaviour == "has-child" {
        // Not waited for: the lab is to end it.
        #[allow(clippy::zombie_processes)]
        let child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        write_pid("grandchild", child.id());
    }
    say("ready fake 1.0");
    let mut client = Client::new(behaviour == "stubborn");
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        let ["go", id, method, url, timeout] = words[..] else { panic!("the lab said `{line}`") };
        let limit = Duration::from_millis(timeout.parse().expect("a timeout"));
        if behaviour == "hangs-cold" {
            write_pid("cold", std::process::id());
            forever();
        }
        // The warm-up is over: what breaks the rules does so in the middle.
        if id == "2" {
            misbehave(&behaviour, id);
        }
        let start = Instant::now();
        let outcome = match behaviour.as_str() {
            "honest" | "stubborn" => client.request(method, url, limit),
            "cold" => "error nobody there",
            _ => "ok",
        };
        let (outcome, detail) = outcome.split_once(' ').unwrap_or((outcome, ""));
        say(format!("done {id} {outcome} {} {detail}", start.elapsed().as_micros()).trim_end());
    }
    match behaviour.as_str() {
        "lingers" => {
            write_pid("lingering", std::process::id());
            forever();
        }
        "bad-exit" => exit(4),
        "last-word" => say("done 0 ok 1"),
        _ => {}
    }
}

fn misbehave(behaviour: &str, id: &str) {
    match behaviour {
        "dies-later" => {
            eprintln!("boom, in the middle");
            exit(3);
        }
        "hangs" | "has-child" => forever(),
        "rubbish-later" => say("panic: \u{1b}[31mred\u{1b}[0m"),
        "twice" => say(&format!("done {id} ok 1")),
        "unasked" => say("done 987654 ok 1"),
        "floods" => loop {
            say("done 0 ok 1");
        },
        _ => {}
    }
}

/// Prints a line. A lab that has hung up ends the program, as an honest contestant would.
fn say(line: &str) {
    if writeln!(io::stdout(), "{line}").is_err() {
        exit(0);
    }
}

/// Not even the end of its input stops it.
fn forever() -> ! {
    loop {
        std::thread::park();
    }
}

fn write_pid(name: &str, pid: u32) {
    // Written whole under another name first: the test waits for the file to be there. And under a name of its own, for two labs
    // of one project may start the same fake at the same time.
    let part = format!("{name}.{}.tmp", std::process::id());
    std::fs::write(&part, pid.to_string()).expect("a pid file");
    std::fs::rename(part, format!("{name}.pid")).expect("a pid file");
}
