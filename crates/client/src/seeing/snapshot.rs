//! A snapshot of the pool: plain numbers, taken under each origin's lock in turn.
//!
//! Invariant: it is a copy; holding one holds nothing else. Next: [`crate::Client::pool`].

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::Version;

use crate::kernel::{Kernel, Silence};
use crate::name::OriginName;
use crate::reason::Reason;

/// All connections of a client at one moment. [`Display`](fmt::Display) shows a table, feature `serde` serializes it (lengths of
/// time in seconds).
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// The origins that the client has used and not forgotten, by name.
    pub origins: Vec<OriginSnapshot>,
}

/// One origin at one moment.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OriginSnapshot {
    /// Its name.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::text"))]
    pub origin: OriginName,
    /// Requests that have not ended: waiting, out, or with a response's body under way.
    pub requests: usize,
    /// Those of them that wait for a connection.
    pub waiting: usize,
    /// Its connections, oldest first.
    pub connections: Vec<ConnectionSnapshot>,
}

/// One connection at one moment.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ConnectionSnapshot {
    /// Its name: unique within its origin, the same from dial to close.
    pub connection: u64,
    /// The other end, once it was reached.
    pub address: Option<SocketAddr>,
    /// The version of HTTP it speaks, once it is open.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::version"))]
    pub version: Option<Version>,
    /// Whether it takes requests.
    pub state: State,
    /// What its silence means.
    pub health: Health,
    /// How long it has been dialled, open, or suspect: the last of these to begin.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::seconds"))]
    pub since: Duration,
    /// How long it has been open, or dialled if it is not open yet.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::seconds"))]
    pub age: Duration,
    /// Why it takes no requests, if it takes none.
    pub reason: Option<Reason>,
    /// How many requests it may carry at a time; 0 while it is being dialled.
    pub streams: u32,
    /// How many it carries, given-up ones included.
    pub in_use: u32,
    /// How many of these nobody waits for any more.
    pub given_up: u32,
    /// How many requests were sent on it so far.
    pub requests: u64,
    /// How long ago it last proved that it is alive, if it ever did.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::maybe_seconds"))]
    pub last_proven: Option<Duration>,
    /// How long ago a byte was last read, if one ever was.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::maybe_seconds"))]
    pub last_heard: Option<Duration>,
    /// The smoothed round-trip time, measured with probes; `None` where none was needed.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::maybe_seconds"))]
    pub rtt: Option<Duration>,
    /// Bytes read, after decryption.
    pub bytes_in: u64,
    /// Bytes written, before encryption.
    pub bytes_out: u64,
    /// What its silence is put down to, where it was left for it and the kernel knows.
    pub silence: Option<Silence>,
    /// What the kernel knows, asked for this snapshot (Linux; not of what a proxy, a Unix socket or a hook carries).
    pub kernel: Option<Kernel>,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum State {
    /// It is being opened.
    Dialling,
    /// It takes requests.
    Open,
    /// It takes requests until its successor is there: it is old.
    Retiring,
    /// It takes no new requests; those under way go on.
    Draining,
}

/// What a connection's silence means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Health {
    /// Nothing speaks against it.
    Alive,
    /// It owes an answer and was asked for proof of life.
    Asked,
    /// It gave none in time, and takes no requests.
    Suspect,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dialling => "dialling",
            Self::Open => "open",
            Self::Retiring => "retiring",
            Self::Draining => "draining",
        }
    }
}

impl Health {
    fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Asked => "asked",
            Self::Suspect => "suspect",
        }
    }
}

impl From<outlive_core::Life> for State {
    fn from(life: outlive_core::Life) -> Self {
        match life {
            outlive_core::Life::Dialing => Self::Dialling,
            outlive_core::Life::Open => Self::Open,
            outlive_core::Life::Retiring => Self::Retiring,
            outlive_core::Life::Draining => Self::Draining,
        }
    }
}

impl From<outlive_core::Health> for Health {
    fn from(health: outlive_core::Health) -> Self {
        match health {
            outlive_core::Health::Alive => Self::Alive,
            outlive_core::Health::Asked => Self::Asked,
            outlive_core::Health::Suspect => Self::Suspect,
        }
    }
}

/// The columns of the table; those that are numbers stand to the right.
const COLUMNS: [&str; 17] = [
    "id", "address", "version", "state", "health", "since", "age", "streams", "given up", "proven", "rtt",
    "in", "out", "unacked", "resent", "last ack", "why",
];

impl fmt::Display for PoolSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, origin) in self.origins.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            origin.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for OriginSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, requests, waiting, connections } = self;
        writeln!(f, "{origin}: {requests} requests, {waiting} waiting, {} connections", connections.len())?;
        if connections.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = connections.iter().map(ConnectionSnapshot::row).collect();
        let width =
            |column: usize| rows.iter().map(|row| row[column].len()).chain([COLUMNS[column].len()]).max();
        let widths: Vec<_> = (0..COLUMNS.len()).map(|column| width(column).unwrap_or(0)).collect();
        let heads = COLUMNS.map(str::to_owned);
        for row in std::iter::once(&heads).chain(&rows) {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

impl ConnectionSnapshot {
    fn row(&self) -> [String; COLUMNS.len()] {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [
            self.connection.to_string(),
            or_dash(self.address.map(|address| address.to_string())),
            or_dash(self.version.map(|version| format!("{version:?}"))),
            self.state.as_str().to_owned(),
            self.health.as_str().to_owned(),
            brief(self.since),
            brief(self.age),
            format!("{}/{}", self.in_use, self.streams),
            self.given_up.to_string(),
            or_dash(self.last_proven.map(brief)),
            or_dash(self.rtt.map(brief)),
            self.bytes_in.to_string(),
            self.bytes_out.to_string(),
            or_dash(self.kernel.map(|kernel| kernel.unacked.to_string())),
            or_dash(self.kernel.map(|kernel| kernel.retransmits.to_string())),
            or_dash(self.kernel.map(|kernel| brief(kernel.last_ack))),
            or_dash(self.reason.map(|reason| match self.silence {
                Some(silence) => format!("{reason}, {silence}"),
                None => reason.to_string(),
            })),
        ]
    }
}

/// Two or three digits and a unit.
fn brief(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ 0..1_000 => format!("{micros}us"),
        micros @ 1_000..1_000_000 => format!("{}ms", micros / 1_000),
        micros => format!("{}s", micros / 1_000_000),
    }
}

#[cfg(feature = "serde")]
mod serialize {
    use super::*;
    use serde::Serializer;

    pub(super) fn text<S: Serializer>(text: &impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(text)
    }

    pub(super) fn version<S: Serializer>(version: &Option<Version>, to: S) -> Result<S::Ok, S::Error> {
        match version {
            Some(version) => to.collect_str(&format_args!("{version:?}")),
            None => to.serialize_none(),
        }
    }

    pub(super) fn seconds<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn maybe_seconds<S: Serializer>(
        duration: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => to.serialize_some(&duration.as_secs_f64()),
            None => to.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> PoolSnapshot {
        let kernel = Kernel {
            unacked: 2,
            retransmits: 1,
            timeouts: 0,
            rtt: Duration::from_micros(700),
            last_ack: Duration::from_millis(404),
            held_back: false,
        };
        let connection = ConnectionSnapshot {
            connection: 7,
            address: Some("192.0.2.1:443".parse().unwrap()),
            version: Some(Version::HTTP_2),
            state: State::Open,
            health: Health::Suspect,
            since: Duration::from_millis(250),
            age: Duration::from_secs(90),
            reason: Some(Reason::Silent),
            streams: 100,
            in_use: 3,
            given_up: 1,
            requests: 1000,
            last_proven: Some(Duration::from_millis(400)),
            last_heard: None,
            rtt: Some(Duration::from_micros(750)),
            bytes_in: 123_456,
            bytes_out: 7_890,
            silence: Some(Silence::PathDead),
            kernel: Some(kernel),
        };
        let origin = OriginName::of(&"https://example.com".parse().unwrap()).unwrap();
        let origin = OriginSnapshot { origin, requests: 2, waiting: 0, connections: vec![connection] };
        PoolSnapshot { origins: vec![origin] }
    }

    #[test]
    fn a_table() {
        let table = "\
https://example.com:443: 2 requests, 0 waiting, 1 connections
  id  address        version   state  health   since  age  streams  given up  proven  rtt    in      out   unacked  resent  last ack  why
  7   192.0.2.1:443  HTTP/2.0  open   suspect  250ms  90s  3/100    1         400ms   750us  123456  7890  2        1       404ms     silent, path_dead
";
        assert_eq!(snapshot().to_string(), table);
    }

    #[cfg(feature = "json")]
    #[test]
    fn as_json() {
        let json = serde_json::to_value(snapshot()).unwrap();
        let connection = &json["origins"][0]["connections"][0];
        assert_eq!(json["origins"][0]["origin"], "https://example.com:443");
        assert_eq!((&connection["version"], &connection["health"]), (&"HTTP/2.0".into(), &"suspect".into()));
        assert_eq!((&connection["reason"], &connection["since"]), (&"silent".into(), &0.25.into()));
        assert_eq!(
            (&connection["silence"], &connection["kernel"]["rtt"]),
            (&"path_dead".into(), &0.0007.into())
        );
        assert!(connection["last_heard"].is_null());
    }
}
