//! The client against servers that nobody here wrote: nginx, HAProxy, Caddy, nghttpd, Go, Node, hypercorn, gRPC's C core.
//!
//! One line for each server, way of speaking and case: `ok`, `FAILED`, or `skipped` with the reason. Arguments choose: what
//! runs has all of them in its name. `server` starts them (`servers/README.md` says how, and how to install them), `load` is what
//! they are given to do. Invariant: nothing that was started outlives this program, however it ends.

#![cfg_attr(unix, expect(unreachable_pub, reason = "modules of one test program"))]

#[cfg(unix)]
mod exchanges;
#[cfg(unix)]
mod grpc;
#[cfg(unix)]
mod leaving;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod server;

#[cfg(not(unix))]
fn main() {
    println!("skipped: the servers are started by Unix means");
}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::future::Future;
    use std::panic::AssertUnwindSafe;
    use std::pin::Pin;
    use std::process::ExitCode;
    use std::time::Duration;

    use crate::load::Bench;
    use crate::server::{self, Kind};
    use crate::{exchanges, grpc, leaving};

    /// A case that has not ended by then hangs. Two hundred times what the slowest takes.
    const HANGS: Duration = Duration::from_secs(300);

    type Run = fn(Bench) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    struct Case {
        name: &'static str,
        /// What a server must be able to do for it.
        needs: &'static [&'static str],
        /// Takes minutes, and runs only when it is asked for.
        long: bool,
        run: Run,
    }

    macro_rules! case {
        ($module:ident :: $name:ident, $($needs:literal),+ $(; $long:ident)?) => {
            Case {
                name: stringify!($name),
                needs: &[$($needs),+],
                long: false $(|| { let $long = true; $long })?,
                run: |bench| Box::pin($module::$name(bench)),
            }
        };
    }

    const CASES: &[Case] = &[
        case!(exchanges::small, "hello"),
        case!(exchanges::ten_megabytes_down, "hello"),
        case!(exchanges::five_megabytes_up, "count"),
        case!(exchanges::crowd_of_200, "hello"),
        case!(exchanges::status_and_headers, "status"),
        case!(exchanges::echo, "echo"),
        case!(exchanges::conversation, "talk"),
        case!(leaving::idle_connections_close, "idle", "once"),
        case!(leaving::a_thousand_requests_each, "turns-over"),
        case!(leaving::renewed_under_load, "renews"),
        case!(leaving::replaced_under_load, "replaced"),
        case!(grpc::unary_calls, "grpc"),
        case!(grpc::an_idle_stream, "grpc"),
        case!(grpc::slow_calls, "grpc"),
        case!(grpc::slow_calls_for_a_minute, "grpc"; long),
    ];

    pub fn main() -> ExitCode {
        let mut chosen: Vec<String> = Vec::new();
        let (mut long, mut short, mut list) = (false, true, false);
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                "--ignored" => (long, short) = (true, false),
                "--include-ignored" => long = true,
                "--list" => list = true,
                option if option.starts_with('-') => {} // libtest's, which don't matter here.
                word => chosen.push(word.to_owned()),
            }
        }
        let leash = server::leash();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
        for name in server::NAMES {
            let kinds = match server::about(name) {
                Ok(kinds) => kinds,
                Err(reason) => {
                    println!("skipped: {name}: {reason}");
                    skipped += 1;
                    continue;
                }
            };
            for kind in kinds {
                for case in CASES.iter().filter(|case| if case.long { long } else { short }) {
                    let title = format!("{name} {} {}", kind.speech.name(), case.name);
                    let words: Vec<_> = title.split(' ').collect();
                    let is_chosen = |word: &String| words.contains(&word.as_str()) || title == *word;
                    if !chosen.iter().all(is_chosen) || !case.needs.iter().all(|need| kind.can(need)) {
                        continue;
                    }
                    if list {
                        println!("{title}: test");
                        continue;
                    }
                    if let Some(reason) = kind.lacks_backend() {
                        println!("skipped: {title}: {reason}");
                        skipped += 1;
                    } else if live(&runtime, kind.clone(), case) {
                        println!("ok: {title}");
                        passed += 1;
                    } else {
                        println!("FAILED: {title}");
                        failed.push(title);
                    }
                }
            }
        }
        drop(runtime);
        drop(leash);
        if list {
            return ExitCode::SUCCESS;
        }
        println!("\n{passed} ok, {} failed, {skipped} skipped", failed.len());
        failed.iter().for_each(|title| println!("FAILED: {title}"));
        if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Runs one case with a server of its own, which ends with it.
    fn live(runtime: &tokio::runtime::Runtime, kind: Kind, case: &Case) -> bool {
        let lived = std::panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let is_idle_short = case.needs.contains(&"idle");
                let bench = Bench::start(kind, if is_idle_short { 1 } else { 60 }).await;
                let witness = bench.client.clone();
                let origin = bench.uri("/").parse().unwrap();
                // In a task of its own, so that what it leaves behind when it panics is dropped while the runtime runs.
                let run = tokio::spawn(tokio::time::timeout(HANGS, (case.run)(bench)));
                let is_well = matches!(run.await, Ok(Ok(())));
                if let (false, Some(trace)) = (is_well, witness.trace(&origin)) {
                    let path = server::cache().join("failed.trace");
                    std::fs::write(&path, trace).unwrap();
                    println!("{witness:?}; what its pool saw and did is in {}", path.display());
                }
                is_well
            })
        }));
        lived.unwrap_or(false)
    }
}
