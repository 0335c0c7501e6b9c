//! The servers: programs that nobody here wrote, each in a process of its own.
//!
//! nghttpd speaks HTTP/2, nginx HTTP/1.1. Where one is missing, `--own-server` takes ours in its place, and the report says
//! so. Invariant: a server lives as long as its value, and not longer.

pub(crate) mod own;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rcgen::{CertificateParams, KeyPair};

use crate::clients::host;
use crate::rows::{CONNECTION_WINDOW_BITS, Row, STREAM_WINDOW_BITS, Wire};

/// What servers serve, and their certificate.
pub(crate) struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    /// With a certificate, and `small`, which has 128 bytes.
    pub(crate) fn make() -> anyhow::Result<Self> {
        let site = Self { directory: tempfile::tempdir()? };
        std::fs::create_dir(site.files())?;
        std::fs::write(site.files().join("small"), [b'x'; 128])?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([host(0)])?.self_signed(&key)?;
        std::fs::write(site.certificate(), certificate.pem())?;
        std::fs::write(site.key(), key.serialize_pem())?;
        Ok(site)
    }

    /// Makes the file that a bulk row downloads.
    pub(crate) fn resize(&self, bytes: u64) -> anyhow::Result<()> {
        // Sparse: a server reads zeros from the page cache.
        Ok(File::create(self.files().join("big"))?.set_len(bytes)?)
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }
}

/// A process that ends with its value.
pub(crate) struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(quiet.spawn().with_context(|| format!("{command:?}"))?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A server, and the way to it.
pub(crate) struct Server {
    pub(crate) what: String,
    /// Where clients connect to.
    pub(crate) address: SocketAddr,
    /// The way's end first.
    _processes: Vec<Running>,
}

impl Server {
    /// Starts what this row needs. `Err` with the reason if it can't be had.
    pub(crate) fn start(row: &Row, site: &Site, own: bool) -> anyhow::Result<Self> {
        let address = free_address()?;
        let port = address.port().to_string();
        let (what, mut command) = if row.work.is_memory() {
            // The only one that can be told to hold answers back. The memory is the client's, whoever serves.
            (String::from("our own (hyper), which holds answers back"), own_server(row, site, address)?)
        } else {
            match (row.wire, version(row.wire)) {
                (Wire::H2c, Some(version)) => {
                    let mut command = nghttpd(site);
                    command.arg("--no-tls").arg(&port);
                    (version, command)
                }
                (Wire::H2, Some(version)) => {
                    let mut command = nghttpd(site);
                    command.arg(&port).args([site.key(), site.certificate()]);
                    (version, command)
                }
                (Wire::Http1, Some(version)) => (version, nginx(site, address)?),
                (_, None) if own => {
                    (String::from("our own (hyper), for want of another"), own_server(row, site, address)?)
                }
                (Wire::H2c | Wire::H2, None) => anyhow::bail!("nghttpd is not installed"),
                (Wire::Http1, None) => anyhow::bail!("nginx is not installed"),
            }
        };
        let mut processes = vec![Running::start(&mut command)?];
        await_listener(address).with_context(|| format!("{command:?} does not listen"))?;
        if row.delay_ms == 0 {
            return Ok(Self { what, address, _processes: processes });
        }
        let way = free_address()?;
        let micros = (row.delay_ms * 500).to_string();
        let mut delay = Command::new(std::env::current_exe()?);
        delay.args(["delay", &way.to_string(), &address.to_string(), &micros]);
        processes.insert(0, Running::start(&mut delay)?);
        await_listener(way)?;
        Ok(Self { what: format!("{what}, behind {} ms", row.delay_ms), address: way, _processes: processes })
    }
}

/// What serves this, if it is there: its name and version.
fn version(wire: Wire) -> Option<String> {
    let output = match wire {
        Wire::H2c | Wire::H2 => Command::new("nghttpd").arg("--version").output(),
        Wire::Http1 => Command::new("nginx").arg("-v").output(),
    };
    let output = output.ok().filter(|output| output.status.success())?;
    // nginx writes it to the other one.
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    Some(text.trim().trim_start_matches("nginx version: ").into())
}

fn nghttpd(site: &Site) -> Command {
    let mut command = Command::new("nghttpd");
    command.args(["--address", "127.0.0.1", "--htdocs"]).arg(site.files());
    command.arg(format!("--window-bits={STREAM_WINDOW_BITS}"));
    command.arg(format!("--connection-window-bits={CONNECTION_WINDOW_BITS}"));
    command
}

fn nginx(site: &Site, address: SocketAddr) -> anyhow::Result<Command> {
    let root = site.directory.path();
    let files = site.files();
    let configuration = format!(
        "daemon off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/nginx.log;
         events {{ worker_connections 1024; }}
         http {{
             access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
             sendfile on; tcp_nodelay on; open_file_cache max=16;
             client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
             uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
             server {{ listen {address}; root {files}; }}
         }}",
        root = root.display(),
        files = files.display(),
    );
    let path = root.join("nginx.conf");
    std::fs::write(&path, configuration)?;
    allow_others(root)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(root).arg("-c").arg(path).arg("-e").arg(root.join("nginx.log"));
    // A process group of its own would outlive us; without a master process there is one process to end.
    command.args(["-g", "master_process off;"]);
    Ok(command)
}

/// nginx gives up root's rights, and then has to find the files.
fn allow_others(root: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755))?)
}

fn own_server(row: &Row, site: &Site, address: SocketAddr) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve").arg(address.to_string()).arg(site.files());
    if row.wire == Wire::H2 {
        command.args([site.certificate(), site.key()]);
    }
    Ok(command)
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn await_listener(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..200 {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    anyhow::bail!("nothing listens at {address} after 5 s")
}
