//! A server by hand, frame by frame, for what no decent server does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use outlive::{Client, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A frame as it was read.
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const PRIORITY: u8 = 2;
pub const PUSH_PROMISE: u8 = 5;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// A field that is not indexed (RFC 7541 section 6.2.2); name and value shorter than 127 bytes.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    assert!(name.len() < 127 && value.len() < 127);
    [&[0, name.len() as u8], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
}

/// `:status 200` and these fields; the stream goes on.
pub fn head(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    let fields: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
    frame(HEADERS, 0x4, stream, &[&[0x88], &fields[..]].concat())
}

/// DATA, the last of its stream if `end`.
pub fn data(stream: u32, content: &[u8], end: bool) -> Vec<u8> {
    frame(DATA, u8::from(end), stream, content)
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// `:status 200` and nothing else, the end of the stream.
pub fn ok(stream: u32) -> Vec<u8> {
    frame(HEADERS, 0x5, stream, &[0x88])
}

pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// HTTP/2 without TLS, answered by a function: the number of the connection and a frame in, frames out. `None`
/// closes the connection.
pub struct Raw {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
}

impl Raw {
    pub async fn answering<F>(answer: F) -> Self
    where
        F: Fn(usize, Frame) -> Option<Vec<u8>> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (number, answer) = (count.fetch_add(1, SeqCst), Arc::clone(&answer));
                tcp.set_nodelay(true).unwrap();
                tokio::spawn(async move { converse(tcp, Pongs::All, |frame| answer(number, frame)).await });
            }
        });
        Self { address, connections }
    }

    pub fn client(&self) -> Client {
        Client::builder().protocol(Protocol::Http2).build()
    }

    pub fn uri(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// Which PINGs are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pongs {
    All,
    None,
}

pub async fn converse(
    mut tcp: impl AsyncRead + AsyncWrite + Unpin,
    pongs: Pongs,
    answer: impl Fn(Frame) -> Option<Vec<u8>>,
) -> Option<()> {
    tcp.read_exact(&mut [0; 24]).await.ok()?;
    tcp.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    loop {
        let mut head = [0; 9];
        tcp.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        tcp.read_exact(&mut payload).await.ok()?;
        let read = Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
        };
        if read.kind == SETTINGS && read.flags == 0 {
            tcp.write_all(&frame(SETTINGS, 1, 0, &[])).await.ok()?;
        } else if read.kind == PING && read.flags == 0 {
            if pongs == Pongs::All {
                tcp.write_all(&frame(PING, 1, 0, &payload)).await.ok()?;
            }
        } else {
            let bytes = answer(read)?;
            tcp.write_all(&bytes).await.ok()?;
        }
    }
}
