//! A running contestant, as the experiment sees it: requests in, outcomes out, and every way to break the protocol.
//!
//! Invariant: nothing here waits without a limit. A contestant that says nothing, reads nothing or never exits becomes
//! a `Breach`, and its process is killed when the `Contestant` is dropped.
//! Next: `process.rs` (the child), `line.rs` (the grammar), `../experiment.rs` (the user of all this).

mod breach;
pub(crate) mod build;
pub(crate) mod guard;
mod line;
pub(crate) mod lines;
pub(crate) mod process;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::Path,
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt as _,
    process::{ChildStdin, ChildStdout},
    time::{Instant, timeout, timeout_at},
};

pub(crate) use self::{breach::Breach, line::Done};
use self::{
    lines::Lines,
    process::{Process, Streams},
};
use crate::{
    manifest::Entry,
    plan::Method,
    record::{RequestId, WARM_UP},
};

/// From the start to `ready`, and for a `go` to be read. A cold start on a busy machine takes a second or two (a virtual
/// machine, an interpreter); the rest is doubt.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// From the end of its input to its exit. The protocol says "at once".
const FAREWELL: Duration = Duration::from_secs(5);

/// A client program that takes requests.
#[derive(Debug)]
pub(crate) struct Contestant {
    process: Process,
    stdin: Option<ChildStdin>,
    stdout: Lines<ChildStdout>,
    /// What it said while the lab was still writing.
    heard: VecDeque<String>,
    /// Requests under way, and when their `done` is overdue.
    open: BTreeMap<RequestId, Instant>,
    /// The last request of each kind, to tell an answer given twice from one to a question never asked. Numbers go up
    /// within a kind, so there is no need to keep all of a day's.
    asked: BTreeMap<RequestId, RequestId>,
}

impl Contestant {
    /// Starts the program. What it says comes later, so that a start that fails can still give its last words.
    pub(crate) fn start(entry: &Entry, authority: &Path, scheme: &str) -> Result<Self, Breach> {
        let env = [
            ("NETSPLIT_CA", authority.display().to_string()),
            ("NETSPLIT_PROTOCOL", entry.protocol.to_string()),
            ("NETSPLIT_SCHEME", scheme.to_owned()),
        ];
        let (process, Streams { stdin, stdout }) =
            Process::start(&entry.run, &entry.dir, &env).map_err(Breach::Start)?;
        Ok(Self {
            process,
            stdin: Some(stdin),
            stdout: Lines::new(stdout),
            heard: VecDeque::new(),
            open: BTreeMap::new(),
            asked: BTreeMap::new(),
        })
    }

    /// Waits for the first line. Returns the client and version it names.
    pub(crate) async fn ready(&mut self) -> Result<String, Breach> {
        let first = timeout(PATIENCE, self.stdout.next()).await.map_err(|_| Breach::NotReady(PATIENCE))?;
        let line = self.line(first).await?;
        line::ready(&line)
            .map(str::to_owned)
            .ok_or(Breach::Rubbish { line, expected: "ready <client and version>" })
    }

    /// Its process, for who wants to look at it from outside.
    pub(crate) fn process(&self) -> Option<u32> {
        self.process.id()
    }

    /// Writes a `go`. The request is under way when this returns.
    pub(crate) async fn go(
        &mut self,
        request: RequestId,
        method: Method,
        url: &str,
        limit: Duration,
    ) -> Result<(), Breach> {
        let line = format!("go {request} {method} {url} {}\n", limit.as_millis());
        self.open.insert(request, Instant::now() + limit + grace(limit));
        self.asked.insert(kind(request), request);
        match timeout(PATIENCE, self.write(line.as_bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.death().await),
            Err(_) => Err(Breach::Deaf(PATIENCE)),
        }
    }

    /// Writes, and listens meanwhile: a contestant may well write its answers before it reads on, and two full pipes
    /// would wait for each other.
    async fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let mut written = std::pin::pin!(stdin.write_all(line));
        loop {
            // More than one line per open request is a breach already; there is no need to hold all of it.
            let listening = self.heard.len() <= self.open.len();
            tokio::select! {
                // Almost always the pipe has room, and the other branch is not even looked at.
                biased;
                result = &mut written => return result,
                next = self.stdout.next(), if listening => match next? {
                    Some(line) => self.heard.push_back(line),
                    None => return Err(io::ErrorKind::BrokenPipe.into()),
                },
            }
        }
    }

    /// Waits for the next `done`. At least one request must be under way. Dropping a pending `answer` loses nothing.
    pub(crate) async fn answer(&mut self) -> Result<Done, Breach> {
        let Some((&oldest, &due)) = self.open.first_key_value() else { return Err(Breach::Idle) };
        let overdue = || Breach::Hangs { request: oldest };
        // A stream of other answers must not hide that one is missing: `timeout_at` alone would prefer them.
        if Instant::now() > due {
            return Err(overdue());
        }
        if let Some(line) = self.heard.pop_front() {
            return self.understand(line);
        }
        let next = timeout_at(due, self.stdout.next()).await.map_err(|_| overdue())?;
        let line = self.line(next).await?;
        self.understand(line)
    }

    /// Ends its input and waits for its exit. It must have nothing more to say.
    pub(crate) async fn farewell(&mut self) -> Result<(), Breach> {
        self.stdin = None;
        if let Some(line) = self.heard.pop_front() {
            return Err(self.understand(line).err().unwrap_or(Breach::Idle));
        }
        let due = Instant::now() + FAREWELL;
        match timeout_at(due, self.stdout.next()).await {
            Err(_) => return Err(Breach::Lingers(FAREWELL)),
            Ok(Ok(None)) => {}
            Ok(next) => {
                let line = self.line(next).await?;
                return Err(self.understand(line).err().unwrap_or(Breach::Idle));
            }
        }
        match timeout_at(due, self.process.exited()).await {
            Err(_) => Err(Breach::Lingers(FAREWELL)),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(status) => Err(Breach::BadExit(exit(status))),
        }
    }

    /// Kills it if need be, and returns the last lines of its standard error.
    pub(crate) async fn last_words(&mut self) -> Vec<String> {
        self.process.kill();
        self.process.last_words().await
    }

    async fn line(&mut self, next: io::Result<Option<String>>) -> Result<String, Breach> {
        match next {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(self.death().await),
            Err(error) => Err(Breach::Unreadable(error)),
        }
    }

    fn understand(&mut self, line: String) -> Result<Done, Breach> {
        let Some(done) = line::done(&line) else {
            return Err(Breach::Rubbish { line, expected: "done <id> <ok|timeout|error> <µs> [detail]" });
        };
        match self.open.remove(&done.request) {
            Some(_) => Ok(done),
            None if self.asked.get(&kind(done.request)).is_some_and(|last| done.request <= *last) => {
                Err(Breach::Twice { line })
            }
            None => Err(Breach::Unasked { line }),
        }
    }

    /// Its standard output ended or its input is closed: says how it exited, or that it has not.
    async fn death(&mut self) -> Breach {
        match timeout(FAREWELL, self.process.exited()).await {
            Ok(status) => Breach::Died(exit(status)),
            Err(_) => Breach::Mute,
        }
    }
}

/// Counted, of the warm-up, or a stream: these begin at multiples of [`WARM_UP`].
fn kind(request: RequestId) -> RequestId {
    request / WARM_UP
}

/// How long after its timeout a request's `done` may come. Generous: a late `done` is visible in the latencies, and
/// only one that never comes is meant here.
fn grace(limit: Duration) -> Duration {
    Duration::from_secs(5) + (limit * 10).min(Duration::from_secs(10))
}

fn exit(status: io::Result<std::process::ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
