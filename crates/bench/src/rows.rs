//! What is measured: the rows of the report.
//!
//! Invariant: in one row all contestants have the same server and the same work, and all but ours the same windows, which stay
//! as they are: ours begin at 512 KiB a stream and grow with what the path carries.

use serde::{Deserialize, Serialize};

/// Flow-control windows of HTTP/2 that every client is given but outlive, which chooses its own: a race of fixed windows would
/// tell nothing about clients.
pub(crate) const STREAM_WINDOW: u32 = 2 << 20;
pub(crate) const CONNECTION_WINDOW: u32 = 8 << 20;
/// log2 of them, as nghttp2's programs want them.
pub(crate) const STREAM_WINDOW_BITS: u32 = STREAM_WINDOW.ilog2();
pub(crate) const CONNECTION_WINDOW_BITS: u32 = CONNECTION_WINDOW.ilog2();

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wire {
    Http1,
    /// HTTP/2 over plain TCP, with prior knowledge.
    H2c,
    /// HTTP/2 over TLS.
    H2,
}

/// What a client has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "work")]
pub(crate) enum Work {
    /// GETs of 128 bytes, so many at a time, spread over the origins.
    Small {
        concurrency: usize,
        origins: usize,
    },
    /// So many streams, together the whole size.
    Download {
        streams: usize,
    },
    Upload {
        streams: usize,
    },
    /// Memory of so many connections that do nothing.
    Idle {
        idle: usize,
    },
    /// Memory of so many requests that wait for their answers, 100 per connection.
    InFlight {
        requests: usize,
    },
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) wire: Wire,
    pub(crate) work: Work,
    pub(crate) threads: usize,
    /// Connections per origin. Clients that can't have several of HTTP/2 are given as many clients.
    pub(crate) connections: usize,
    /// Added to the path, in milliseconds of round trip.
    pub(crate) delay_ms: u64,
}

const SMALL: Row = Row {
    name: "",
    title: "",
    wire: Wire::H2c,
    work: Work::Small { concurrency: 64, origins: 1 },
    threads: 1,
    connections: 1,
    delay_ms: 0,
};

const fn origins(name: &'static str, title: &'static str, origins: usize) -> Row {
    Row { name, title, work: Work::Small { concurrency: 64, origins }, ..SMALL }
}

const ONE: Work = Work::Small { concurrency: 1, origins: 1 };

pub(crate) const ROWS: [Row; 19] = [
    Row { name: "h2c-64", title: "HTTP/2, clear, 1 connection, 64 GETs at a time", ..SMALL },
    Row { name: "h2c-1", title: "HTTP/2, clear, one GET at a time", work: ONE, ..SMALL },
    Row { name: "tls-64", title: "HTTP/2, TLS, 1 connection, 64 GETs at a time", wire: Wire::H2, ..SMALL },
    Row { name: "tls-1", title: "HTTP/2, TLS, one GET at a time", wire: Wire::H2, work: ONE, ..SMALL },
    Row { name: "h1-64", title: "HTTP/1.1, 64 connections, 64 GETs at a time", wire: Wire::Http1, ..SMALL },
    Row {
        name: "download-1",
        title: "download, HTTP/2, clear, 1 stream",
        work: Work::Download { streams: 1 },
        ..SMALL
    },
    Row {
        name: "download-16",
        title: "download, HTTP/2, clear, 16 streams",
        work: Work::Download { streams: 16 },
        ..SMALL
    },
    Row {
        name: "upload-1",
        title: "upload, HTTP/2, clear, 1 stream",
        work: Work::Upload { streams: 1 },
        ..SMALL
    },
    Row {
        name: "upload-16",
        title: "upload, HTTP/2, clear, 16 streams",
        work: Work::Upload { streams: 16 },
        ..SMALL
    },
    Row {
        name: "download-delay",
        title: "download of a sixteenth, HTTP/2, clear, 1 stream, 50 ms of added round trip",
        work: Work::Download { streams: 1 },
        delay_ms: 50,
        ..SMALL
    },
    origins("origins-1", "1 origin, HTTP/2, clear, 64 GETs at a time", 1),
    origins("origins-10", "10 origins, HTTP/2, clear, 64 GETs at a time", 10),
    origins("origins-100", "100 origins, HTTP/2, clear, 64 GETs at a time", 100),
    origins("origins-1000", "1,000 origins, HTTP/2, clear, 64 GETs at a time", 1_000),
    origins("origins-10000", "10,000 origins, HTTP/2, clear, 64 GETs at a time", 10_000),
    Row {
        name: "memory-idle",
        title: "memory of an idle connection, HTTP/2, clear (of 1,000)",
        work: Work::Idle { idle: 1_000 },
        ..SMALL
    },
    Row {
        name: "memory-in-flight",
        title: "memory of a request in flight, HTTP/2, clear (of 10,000 on 100 connections)",
        work: Work::InFlight { requests: 10_000 },
        ..SMALL
    },
    Row {
        name: "threads-1",
        title: "HTTP/2, clear, 2 connections, 64 GETs at a time, 1 thread",
        connections: 2,
        ..SMALL
    },
    Row {
        name: "threads-2",
        title: "HTTP/2, clear, 2 connections, 64 GETs at a time, 2 threads",
        connections: 2,
        threads: 2,
        ..SMALL
    },
];

impl Work {
    /// How many origins it needs.
    pub(crate) fn origins(self) -> usize {
        match self {
            Self::Small { origins, .. } => origins,
            Self::Download { .. } | Self::Upload { .. } => 1,
            Self::Idle { idle } => idle + 1,
            Self::InFlight { requests } => requests.div_ceil(100),
        }
    }

    /// How many requests are under way at once.
    pub(crate) fn concurrency(self) -> usize {
        match self {
            Self::Small { concurrency, .. } => concurrency,
            Self::Download { streams } | Self::Upload { streams } => streams,
            Self::Idle { .. } => 64,
            Self::InFlight { requests } => requests,
        }
    }

    /// Whether bytes count, and not requests.
    pub(crate) fn is_bulk(self) -> bool {
        matches!(self, Self::Download { .. } | Self::Upload { .. })
    }

    pub(crate) fn is_memory(self) -> bool {
        matches!(self, Self::Idle { .. } | Self::InFlight { .. })
    }
}

impl Row {
    /// A row's name, or the beginning of several.
    pub(crate) fn is_meant_by(&self, name: &str) -> bool {
        self.name == name || (self.name.starts_with(name) && ROWS.iter().all(|row| row.name != name))
    }

    /// Bytes of each request of a bulk row.
    pub(crate) fn bytes_each(&self, size: u64) -> u64 {
        let size = if self.delay_ms > 0 { size / 16 } else { size };
        size / self.work.concurrency() as u64
    }
}
