//! HTTP/1.1 over TLS, one connection, one request at a time: just enough to be a fair contestant.
//!
//! Invariant: a connection that timed out or failed is not used again, unless the client is stubborn. Stubborn is what
//! HTTP/2 pools are in the issue: whatever happens, it keeps its one connection.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// The client, and its connection if it has one.
pub(crate) struct Client {
    stubborn: bool,
    tls: Arc<ClientConfig>,
    connection: Option<Tls>,
}

impl Client {
    pub(crate) fn new(stubborn: bool) -> Self {
        assert_eq!(std::env::var("NETSPLIT_PROTOCOL").as_deref(), Ok("h1"));
        let path = std::env::var_os("NETSPLIT_CA").expect("NETSPLIT_CA");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(path).expect("a PEM file")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { stubborn, tls: Arc::new(tls), connection: None }
    }

    /// The outcome, in the protocol's words.
    pub(crate) fn request(&mut self, method: &str, url: &str, limit: Duration) -> &'static str {
        let due = Instant::now() + limit;
        let address = url.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
        let (address, path) = address.expect("an https URL");
        let result = self.exchange(method, (address, path), due);
        if result.is_err() && !self.stubborn {
            self.connection = None;
        }
        match result {
            Ok(()) => "ok",
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                "timeout"
            }
            Err(_) => "error the exchange failed",
        }
    }

    fn exchange(&mut self, method: &str, to: (&str, &str), due: Instant) -> io::Result<()> {
        let (address, path) = to;
        if self.connection.is_none() {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
            let session = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
            self.connection = Some(StreamOwned::new(session, stream));
        }
        let Some(connection) = &mut self.connection else { return Err(io::ErrorKind::NotConnected.into()) };
        let request = format!("{method} /{path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
        wait_until(due, connection)?;
        connection.write_all(request.as_bytes())?;
        let mut response = Vec::new();
        while !is_whole(&response) {
            wait_until(due, connection)?;
            let mut chunk = [0; 1024];
            match connection.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => response.extend_from_slice(&chunk[..n]),
            }
        }
        if response.starts_with(b"HTTP/1.1 200 ") { Ok(()) } else { Err(io::Error::other("not 200")) }
    }
}

/// Lets the socket wait until then and no longer.
fn wait_until(due: Instant, connection: &Tls) -> io::Result<()> {
    let left = due.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    connection.sock.set_read_timeout(Some(left))
}

fn is_whole(response: &[u8]) -> bool {
    let text = String::from_utf8_lossy(response).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() >= length)
}
