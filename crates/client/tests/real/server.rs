//! Starting and ending servers that nobody here wrote: the programs in `servers/`, whose README says what they are told.
//!
//! Invariant: a server's processes end with its [`Running`], all of them; and with this program, should it be killed.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The servers, those that others need behind them among them.
pub const NAMES: [&str; 8] =
    ["net-http", "node", "hypercorn", "nghttpd", "nginx", "haproxy", "caddy", "grpc"];

/// What can stand behind others, the best first.
const BACKENDS: [&str; 3] = ["net-http", "node", "hypercorn"];

/// How client and server speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speech {
    Http1,
    Http2,
    Http1Tls,
    Http2Tls,
}

impl Speech {
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::Http1Tls, Self::Http2Tls];

    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "h1",
            Self::Http2 => "h2",
            Self::Http1Tls => "h1-tls",
            Self::Http2Tls => "h2-tls",
        }
    }

    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    pub fn scheme(self) -> &'static str {
        if matches!(self, Self::Http1Tls | Self::Http2Tls) { "https" } else { "http" }
    }
}

/// A server, a way of speaking with it, and what it can do that way.
#[derive(Clone)]
pub struct Kind {
    pub server: &'static str,
    pub speech: Speech,
    abilities: Vec<String>,
}

impl Kind {
    pub fn can(&self, what: &str) -> bool {
        self.abilities.iter().any(|ability| ability == what)
    }

    /// The kind that is to stand behind this one, if it needs any.
    pub fn backend(&self) -> Option<Option<Self>> {
        let speech = self.abilities.iter().find_map(|ability| ability.strip_prefix("backend="))?;
        let mut there = BACKENDS.iter().filter_map(|name| about(name).ok()).flatten();
        Some(there.find(|kind| kind.speech.name() == speech))
    }

    pub fn lacks_backend(&self) -> Option<&'static str> {
        self.backend()?
            .is_none()
            .then_some("none of net-http, node and hypercorn is there to stand behind it")
    }
}

/// What a server can do; or why it is not there.
pub fn about(name: &'static str) -> Result<Vec<Kind>, String> {
    let asked = program(name).arg("about").stdin(Stdio::null()).output();
    let told = asked.map_err(|error| match error.kind() {
        // An interpreter, or the folder.
        ErrorKind::NotFound => format!("{name}, or what it is written in, is not there"),
        _ => error.to_string(),
    })?;
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).trim().to_owned());
    }
    let kind = |line: &str| {
        let mut words = line.split(' ');
        let speech = words.next()?;
        let speech = Speech::ALL.into_iter().find(|known| known.name() == speech)?;
        Some(Kind { server: name, speech, abilities: words.map(str::to_owned).collect() })
    };
    Ok(String::from_utf8_lossy(&told.stdout).lines().filter_map(kind).collect())
}

fn program(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../servers").join(name))
}

/// A folder that stays.
pub fn cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real");
        fs::create_dir_all(&path).unwrap();
        path
    })
}

/// Who kills what is left when we were killed.
static LEASH: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// Puts all servers from here on on a leash.
pub fn leash() -> Leash {
    // In a group of its own: what ends us must not end it.
    let leash = program("leash").stdin(Stdio::piped()).process_group(0).spawn();
    if let Ok(mut child) = leash {
        *LEASH.lock().unwrap() = child.stdin.take();
        return Leash(Some(child));
    }
    Leash(None)
}

pub struct Leash(Option<Child>);

impl Drop for Leash {
    fn drop(&mut self) {
        LEASH.lock().unwrap().take();
        if let Some(child) = &mut self.0 {
            _ = child.wait();
        }
    }
}

/// A folder for one case, which goes when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Short: the name of a Unix socket may have 107 bytes.
        let name = format!("outlive-real-{}-{}", std::process::id(), NEXT.fetch_add(1, SeqCst));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        fs::write(path.join("both.pem"), format!("{certificate}{key}")).unwrap();
        fs::write(path.join("cert.pem"), certificate).unwrap();
        fs::write(path.join("key.pem"), key).unwrap();
        fs::write(path.join("hello"), "hello").unwrap();
        fs::write(path.join("big"), vec![b'x'; 10_000_000]).unwrap();
        fs::write(path.join("once"), "").unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// Where a server listens, and what it needs for that.
pub struct Place {
    pub kind: Kind,
    pub port: u16,
    /// Handed from one generation to the next, for those that are handed their socket.
    socket: Option<TcpListener>,
    idle: u32,
    folder: PathBuf,
    backend: Option<u16>,
}

impl Place {
    pub fn new(kind: Kind, folder: &Folder, idle: u32, backend: Option<u16>) -> Self {
        let (port, listener) = free_port();
        let socket = kind.can("stdin").then_some(listener);
        Self { kind, port, socket, idle, folder: folder.0.clone(), backend }
    }

    /// Starts a server here, and waits until it listens.
    pub async fn start(&self) -> Running {
        let mut command = program(self.kind.server);
        command.args(["run", self.kind.speech.name()]).process_group(0);
        command.env("DIR", &self.folder).env("CACHE", cache());
        command.env("PORT", self.port.to_string()).env("IDLE", self.idle.to_string());
        command.envs(self.backend.map(|port| ("BACKEND", port.to_string())));
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command.stdin(match &self.socket {
            Some(socket) => OwnedFd::from(socket.try_clone().unwrap()).into(),
            None => Stdio::null(),
        });
        let child = command.spawn().unwrap();
        if let Some(leash) = &mut *LEASH.lock().unwrap() {
            _ = writeln!(leash, "{}", child.id());
        }
        let mut running = Running { server: self.kind.server, child, folder: self.folder.clone() };
        if self.socket.is_none() {
            let address = SocketAddr::from(([127, 0, 0, 1], self.port));
            eventually(&format!("{} listens", self.kind.server), || {
                assert!(!running.has_ended(), "{} ended: {}", self.kind.server, running.log());
                TcpStream::connect(address).is_ok()
            })
            .await;
        }
        running
    }
}

/// A port below those that systems give to whoever connects, so that nobody takes it meanwhile.
fn free_port() -> (u16, TcpListener) {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let from = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (from + NEXT.fetch_add(1, SeqCst)) % 10_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return (port, listener);
        }
    }
}

/// A server's processes.
pub struct Running {
    server: &'static str,
    child: Child,
    folder: PathBuf,
}

impl Running {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it said, or the last of it.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned()
    }

    /// Makes it begin anew.
    pub fn renew(&self) {
        let renewed = program(self.server)
            .args(["renew", &self.child.id().to_string()])
            .env("DIR", &self.folder)
            .output();
        let renewed = renewed.unwrap();
        assert!(renewed.status.success(), "{}", String::from_utf8_lossy(&renewed.stderr));
    }

    /// Asks it to end once it has finished what it began.
    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // All of its processes; those that the first one began too.
        _ = kill_process_group(self.pid(), Signal::KILL);
        _ = self.child.wait();
    }
}

/// Waits until something is so; fails after thirty seconds, for servers that are built before they start.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came about that {what}");
}
