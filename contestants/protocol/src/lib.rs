//! The contestants' line protocol, for those written in Rust.
//!
//! A contestant says how its client is made and how it does one request (the [`Contestant`] trait); [`run`] does the
//! rest: it reads `go` lines, starts every request at once in a task of its own, and writes `done` lines. What the
//! lines mean is told in `contestants/README.md`.
//!
//! Invariant: every `go` is answered by exactly one `done`, or the process ends with a message and a status that is
//! not 0. Next: `line.rs` for the lines, `input.rs` and `output.rs` for the two streams, `setup.rs` for what a client
//! is made from, `outcome.rs` for what becomes of a request.

mod input;
mod line;
mod outcome;
mod output;
mod setup;
mod version;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

pub use line::Request;
pub use outcome::Outcome;
pub use setup::{Protocol, Scheme, Setup};
pub use version::version_in;

/// Any error, as the parts of a contestant hand it up.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A client under test: made once, then asked for many requests at the same time.
pub trait Contestant: Sized + Send + Sync + 'static {
    /// The client's crate.
    const CLIENT: &'static str;

    /// The client's version, looked up in the `Cargo.lock` of this project's workspace.
    fn version() -> Result<&'static str, BoxError> {
        version::locked(Self::CLIENT)
    }

    /// Makes the one client of the run. Called inside the tokio runtime.
    fn new(setup: &Setup) -> Result<Self, BoxError>;

    /// Does one request: to the end of its body, or until its timeout passes and it is given up, in the way that the
    /// client's users do it.
    fn request(&self, request: Request) -> impl Future<Output = Outcome> + Send;
}

/// The `main` of a contestant: serves the protocol on the standard streams until the lab closes them.
pub fn run<C: Contestant>() -> ExitCode {
    match serve::<C>() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("contestant {}: {error}", C::CLIENT);
            ExitCode::FAILURE
        }
    }
}

fn serve<C: Contestant>() -> Result<(), BoxError> {
    exit_on_panic();
    // The runtime of `#[tokio::main]`, which is what a client's users have.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let version = C::version()?;
    let setup = Setup::from_env()?;
    let contestant = {
        let _inside = runtime.enter();
        Arc::new(C::new(&setup)?)
    };
    let done = output::start(&format!("ready {} {version}\n", C::CLIENT));
    let read = input::each_request(std::io::stdin().lock(), |request| {
        let (contestant, done) = (contestant.clone(), done.clone());
        runtime.spawn(async move {
            let id = request.id;
            let start = Instant::now();
            let outcome = contestant.request(request).await;
            done.write(line::done(id, &outcome, start.elapsed()));
        });
    });
    // At once: a runtime that is dropped waits for its blocking threads (a DNS lookup, say).
    runtime.shutdown_background();
    read
}

/// A request whose task panics would never be answered, and the lab would wait for it; so a panic ends the process.
fn exit_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(101);
    }));
}
