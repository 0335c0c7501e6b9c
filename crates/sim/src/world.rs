//! A world as plain data: the path, the server, the callers, and what goes wrong when.
//!
//! [`World::default`] is a good day: one address 2 ms away, an HTTP/2 server that answers within a few milliseconds, eight
//! callers, nothing wrong. A scenario says only what differs. The seed is not part of it: one world has many histories.

use outlive_core::Limits;
use outlive_fault::Micros;
use outlive_fault::peer::Restart;

/// Microseconds in a millisecond.
pub const MS: Micros = 1_000;
/// Microseconds in a second.
pub const SEC: Micros = 1_000_000;

/// Everything that is given.
#[derive(Clone, Debug)]
pub struct World {
    /// The path.
    pub path: Way,
    /// Every address is served by one of these.
    pub server: Server,
    /// Addresses of the origin. The pool is told of them if there is more than one.
    pub addresses: u32,
    /// Who asks for what.
    pub load: Load,
    /// What is cut, and when.
    pub cuts: Vec<Cut>,
    /// Our own process pauses about every so often, for so long at most.
    pub own_pause: Option<(Micros, Micros)>,
    /// A dial that takes longer has failed.
    pub dial_timeout: Micros,
    /// The limits that our pool is given.
    pub limits: Limits,
}

/// The way between the client and each address.
#[derive(Clone, Debug)]
pub struct Way {
    /// There and back.
    pub rtt: Micros,
    /// Added by chance each way, at most.
    pub jitter: Micros,
    /// Lost at random, of a million.
    pub loss: u32,
    /// Bytes a second, if that matters.
    pub narrow: Option<u64>,
    /// Flows idle for longer are forgotten.
    pub nat: Option<Micros>,
}

/// How a server behaves.
#[derive(Clone, Debug)]
pub struct Server {
    /// Streams it allows on a connection; `None` for HTTP/1.1.
    pub streams: Option<u32>,
    /// What a request usually takes.
    pub usual: Micros,
    /// One in so many (0 for none) takes so long,
    pub slow: (u64, Micros),
    /// between these moments.
    pub slow_between: (Micros, Micros),
    /// It pauses about every so often, for so long at most.
    pub pause: Option<(Micros, Micros)>,
    /// It restarts.
    pub restart: Option<Restart>,
    /// A response body comes in so many parts of 16 KiB (0: with the head),
    pub parts: u32,
    /// one in so much time.
    pub part_every: Micros,
    /// Only one in so many responses has such a body; the others come whole, with the head.
    pub parts_one_in: u64,
}

/// How requests come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrivals {
    /// So many callers, each with one request at a time, thinking for so long in between.
    Closed(u32, Micros),
    /// At random, so far apart on average, whatever becomes of the earlier ones.
    Open(Micros),
}

/// What callers want.
#[derive(Clone, Debug)]
pub struct Load {
    /// How requests come.
    pub arrivals: Arrivals,
    /// No request starts after this.
    pub until: Micros,
    /// A caller gives up after this.
    pub timeout: Option<Micros>,
    /// Whether that is over once the response's head is there: then bodies may take as long as they like.
    pub head_only: bool,
    /// Whether the pool is told of the timeout beforehand.
    pub says_deadline: bool,
    /// So many of a million requests may be sent again,
    pub repeatable: u32,
    /// and those also when they are merely late.
    pub when_late: bool,
    /// The size of a request.
    pub bytes: u32,
    /// Nobody asks anything at the end of every so much time, for so long.
    pub quiet: Option<(Micros, Micros)>,
}

/// Something is cut.
#[derive(Clone, Debug)]
pub struct Cut {
    /// When.
    pub at: Micros,
    /// What it hits.
    pub whom: Whom,
    /// What becomes of that.
    pub how: How,
}

/// What a cut hits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whom {
    /// The open connection with the most requests on it.
    Busiest,
    /// An open connection by chance.
    Any,
    /// All open connections. New ones work.
    All,
    /// So many of so many equal paths, by a hash of the flow: old connections and new ones.
    Paths(u64, u64),
    /// All that goes to one address, old connections and new ones.
    Address(u32),
}

/// What becomes of what is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// Nothing arrives, either way. For paths and addresses: up to this moment.
    Blackhole(Micros),
    /// What the client sends is lost.
    LoseOut,
    /// What the server sends is lost.
    LoseBack,
    /// Held by a middlebox that goes on acknowledging.
    Stall,
    /// The path and its HTTP/2 are well, but what is behind them answers no request of these connections any more.
    Sleep,
    /// Down for so long, up for so long, again and again until a moment. Always hits everything.
    Flap(Micros, Micros, Micros),
    /// Nothing is done: only marks the moment, for a fault that comes by itself.
    Mark,
}

impl Default for World {
    fn default() -> Self {
        Self {
            path: Way { rtt: 2 * MS, jitter: 0, loss: 0, narrow: None, nat: None },
            server: Server {
                streams: Some(100),
                usual: 2 * MS,
                slow: (0, 0),
                slow_between: (0, Micros::MAX),
                pause: None,
                restart: None,
                parts: 0,
                part_every: 0,
                parts_one_in: 1,
            },
            addresses: 1,
            load: Load {
                arrivals: Arrivals::Closed(8, 10 * MS),
                until: 10 * SEC,
                timeout: Some(250 * MS),
                head_only: false,
                says_deadline: true,
                repeatable: 0,
                when_late: false,
                bytes: 200,
                quiet: None,
            },
            cuts: Vec::new(),
            own_pause: None,
            dial_timeout: 5 * SEC,
            limits: Limits::default(),
        }
    }
}

impl World {
    /// A cut at each of these moments.
    pub fn cut(mut self, moments: &[Micros], whom: Whom, how: How) -> Self {
        self.cuts.extend(moments.iter().map(|at| Cut { at: *at, whom, how }));
        self
    }
}
