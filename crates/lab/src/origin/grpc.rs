//! The other origin: gRPC's own server, a program of its own behind the proxy.
//!
//! Its policy against PINGs is what is wanted, so it is the real one and nothing of it is modelled here. It is
//! `origins/grpc/server.py` at the project's root, run by the Python that `origins/grpc/make` sets up.
//!
//! Invariant: dropping it kills the program.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{process::ChildStdout, time::timeout};

use crate::{
    contestant::{
        PATIENCE,
        lines::Lines,
        process::{Process, Streams},
    },
    manifest::{Entry, Protocol},
    plan::{Method, Plan},
    record::{Record, writer::Recorder},
    wires::Wires,
};

/// Where `origins/grpc/make` puts its Python, below Cargo's target directory.
const PYTHON: &str = "origins/grpc/bin/python";
/// Where the server's text is, below the project's root.
const SERVER: &str = "origins/grpc/server.py";

/// Where its parts are.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    python: PathBuf,
    server: PathBuf,
    dir: PathBuf,
}

impl Program {
    pub(crate) fn at(root: &Path, target: &Path) -> Self {
        Self { python: target.join(PYTHON), server: root.join(SERVER), dir: root.to_owned() }
    }

    /// Why it can't be an origin here, for this contestant.
    pub(crate) fn obstacle(&self, entry: &Entry) -> Option<String> {
        if !self.python.is_file() || !self.server.is_file() {
            return Some(
                "needs a gRPC server: run origins/grpc/make (Python 3 and network access)".to_owned(),
            );
        }
        if entry.protocol == Protocol::H1 {
            return Some("a gRPC server speaks HTTP/2 only".to_owned());
        }
        entry
            .tls_only
            .then(|| "the gRPC server speaks plaintext, and this client HTTP/2 over TLS only".to_owned())
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn start(&self, plan: &Plan) -> io::Result<Server> {
        let words = [&self.python, &self.server].map(|path| path.display().to_string());
        let command = [&words[..], &[plan.origin.takes_ms.to_string()]].concat();
        let (mut process, Streams { stdin, stdout }) = Process::start(&command, &self.dir, &[])?;
        let mut stdout = Lines::new(stdout);
        let first = timeout(PATIENCE, stdout.next()).await??;
        let port = first.as_deref().and_then(|line| line.strip_prefix("port ")?.parse().ok());
        match port {
            Some(port) => Ok(Server { _process: process, _stdin: stdin, stdout, port }),
            None => {
                process.kill();
                let words = process.last_words().await.join("\n");
                Err(io::Error::other(format!("the gRPC server did not start: {words}")))
            }
        }
    }
}

/// A gRPC server that listens.
pub(crate) struct Server {
    _process: Process,
    /// It ends when this does.
    _stdin: tokio::process::ChildStdin,
    stdout: Lines<ChildStdout>,
    port: u16,
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Records the requests that it says it saw, until it ends or this is dropped.
    pub(crate) async fn run(mut self, wires: Arc<Wires>, recorder: Recorder) {
        while let Ok(Some(line)) = self.stdout.next().await {
            let Some((request, port)) = seen(&line) else { continue };
            if let Some(wire) = wires.by_port(port) {
                recorder.write(Record::Seen { at: recorder.now(), request, wire, method: Method::Post });
            }
        }
    }
}

/// `seen <id> <port>`
fn seen(line: &str) -> Option<(u64, u16)> {
    let (request, port) = line.strip_prefix("seen ")?.split_once(' ')?;
    Some((request.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Program, seen};
    use crate::manifest::Entry;

    #[test]
    fn what_it_saw() {
        assert_eq!(seen("seen 7 40000"), Some((7, 40_000)));
        for rubbish in ["", "seen", "seen 7", "seen 7 99999", "saw 7 1"] {
            assert_eq!(seen(rubbish), None, "{rubbish}");
        }
    }

    #[test]
    fn without_its_python_there_is_none() {
        let nowhere = Program::at(Path::new("/nowhere"), Path::new("/nowhere"));
        let entry = "name = 'a'\nclient = 'a'\nprotocol = 'h2'\nabout = ''\nrun = ['a']";
        let entry: Entry = toml::from_str(entry).unwrap();
        assert!(nowhere.obstacle(&entry).unwrap().contains("origins/grpc/make"));
    }
}
