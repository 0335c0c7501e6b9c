//! What answers: the origin's manners.
//!
//! Invariant: a healthy server, unless the fault script says otherwise.
//! Next: `origin/mod.rs`, which obeys it.

use serde::{Deserialize, Serialize};

/// The origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Setting {
    /// Which program it is.
    pub(crate) server: Server,
    /// HTTP/2 streams that it allows on one connection.
    pub(crate) streams: u32,
    /// What every request takes it.
    pub(crate) takes_ms: u64,
    /// Which requests it answers late, if any.
    pub(crate) slow: Option<Slow>,
    /// How long a response's body is, bytes; 0 is a few words.
    pub(crate) body: u32,
    /// Whether a response's body comes in two halves, `takes_ms` apart, instead of all of it that much later.
    pub(crate) halves: bool,
    /// The receive buffer of the proxy's sockets in bytes; 0 leaves it to the kernel.
    pub(crate) receive_buffer: u32,
}

/// Which program answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Server {
    /// hyper in the lab's own process, over TLS
    #[default]
    Hyper,
    /// gRPC's own server (grpcio), plaintext, with its default policy against PINGs
    Grpc,
}

/// Some answers come late, on a healthy wire: a client must not take that for a dead one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slow {
    /// One request in this many.
    pub(crate) every: u64,
    /// How late.
    pub(crate) by_ms: u64,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            server: Server::Hyper,
            // Go's server, the one of the issue, allows 250.
            streams: 250,
            takes_ms: 0,
            slow: None,
            body: 0,
            halves: false,
            receive_buffer: 0,
        }
    }
}

impl Setting {
    /// A body is there to be read to its end within a timeout; more than this is a download.
    pub(crate) const MOST_BODY: i64 = 64 << 20;
}

impl Slow {
    /// Whether this request's answer is late. The last one of each group of `every` is, so that of N requests
    /// exactly N / every are.
    pub(crate) fn hits(&self, request: u64) -> bool {
        request % self.every == self.every - 1
    }
}

#[cfg(test)]
mod tests {
    use super::Slow;

    #[test]
    fn one_in_a_hundred_is_slow() {
        let slow = Slow { every: 100, by_ms: 50 };
        assert_eq!((0..3000).filter(|&i| slow.hits(i)).count(), 30);
        assert!(Slow { every: 1, by_ms: 1 }.hits(0));
    }
}
