//! Facts: what the outside tells the pool.
//!
//! A fact says what happened, never what to do about it. Any fact may come at any time, twice, late, or about
//! something that is gone: the pool ignores what no longer means anything. Next: [`crate::Action`], the
//! pool's answers.

use crate::{AddressId, AttemptId, ConnectionId, RequestId, Span, Time};

/// Whether a request may be sent more than once (promise P4).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Repeat {
    /// Only when it provably was not processed: not idempotent, or its body can't be sent again.
    #[default]
    IfUnprocessed,
    /// Also when its connection is suspect or has failed: idempotent, and all of it can be sent again.
    OnSuspicion,
    /// Also when its answer is late on a connection that is alive. The caller has opted in.
    WhenLate,
}

/// A fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A caller wants a request sent. `deadline` is when its caller will give up, where that is known.
    Request {
        /// A name that this pool has not seen before; one that is still in use is ignored.
        request: RequestId,
        /// When the caller will give up. The pool never enforces it; it only hurries because of it.
        deadline: Option<Time>,
        /// Whether, and when, it may be sent more than once.
        repeat: Repeat,
    },
    /// The caller gave up: its timeout passed, or it dropped the response future or the response body.
    Cancel {
        /// The request; from here on the pool decides alone what becomes of its attempt.
        request: RequestId,
    },
    /// A dial succeeded.
    Connected {
        /// The connection, as [`crate::Action::Dial`] named it.
        connection: ConnectionId,
        /// How many streams it may carry at a time: the smaller of the peer's limit (as far as known yet)
        /// and the user's. 1 for HTTP/1.1.
        streams: u32,
        /// Whether proof of life can be asked for (an HTTP/2 PING).
        can_probe: bool,
    },
    /// A dial failed: no address answered, the TLS handshake failed, or the dial's own timeout passed.
    DialFailed {
        /// The connection that never was.
        connection: ConnectionId,
    },
    /// The peer announced another limit of concurrent streams (HTTP/2 `SETTINGS_MAX_CONCURRENT_STREAMS`).
    Streams {
        /// The connection.
        connection: ConnectionId,
        /// The smaller of the peer's new limit and the user's. May be 0.
        streams: u32,
    },
    /// Bytes were read from the connection, last at `at`. Handed in before a tick, not per byte. It postpones
    /// judgement and proves nothing: a path can die in one direction only.
    Heard {
        /// The connection.
        connection: ConnectionId,
        /// When the last byte was read.
        at: Time,
    },
    /// The answer to the probe came (an HTTP/2 PING ack).
    Proven {
        /// The connection.
        connection: ConnectionId,
        /// The last attempt whose head was written before the probe was: it and all attempts sent before it
        /// on this connection have arrived. `None` when the probe overtook all that is unproven.
        through: Option<AttemptId>,
    },
    /// The response head of an attempt arrived (not an informational 1xx one).
    Answered {
        /// The attempt.
        attempt: AttemptId,
    },
    /// An attempt's exchange is complete: the response body ended, and the request body too. Where nobody said before that it
    /// was answered, this says so.
    Done {
        /// The attempt.
        attempt: AttemptId,
    },
    /// An attempt failed and provably nobody processed it: never written, `REFUSED_STREAM`, or above the
    /// GOAWAY's last stream (RFC 9113 section 8.7). `again` says whether the glue still holds the request whole.
    Refused {
        /// The attempt.
        attempt: AttemptId,
        /// Whether the request can be sent again: its head is kept and its body is untouched or repeatable.
        again: bool,
    },
    /// The peer reset an attempt's stream before its response head, and found no fault with the request (`NO_ERROR`,
    /// `INTERNAL_ERROR`, `CANCEL`, say, as a server does that goes away); it may have been processed.
    Reset {
        /// The attempt.
        attempt: AttemptId,
    },
    /// An attempt failed in another way, in which it would fail again (its response can't be understood, say); it may have been
    /// processed.
    Failed {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The peer announced that it takes no new streams here (GOAWAY, `Connection: close`).
    GoAway {
        /// The connection.
        connection: ConnectionId,
        /// Whether it complained of being asked too often (`ENHANCE_YOUR_CALM`, RFC 9113 section 7).
        calm: bool,
    },
    /// The peer said for how long it keeps the connection open while nothing is under way (`Keep-Alive: timeout`). A request that is sent
    /// later meets its end.
    Keeps {
        /// The connection.
        connection: ConnectionId,
        /// How long to use it, with a margin.
        idle: Span,
    },
    /// The socket has taken no bytes for a while although there are some (`writable: false`), or does again. What is sent
    /// meanwhile only piles up.
    Writable {
        /// The connection.
        connection: ConnectionId,
        /// Whether it takes bytes.
        writable: bool,
    },
    /// What the kernel says of the transport (Linux: TCP_INFO): at the moment of a [`crate::Action::Probe`], which is what later
    /// words are held against; and before the pool judges one that was asked ([`crate::Pool::is_asked`]).
    Kernel {
        /// The connection.
        connection: ConnectionId,
        /// Segments sent and not acknowledged by the other kernel (`tcpi_unacked`).
        unacked: u32,
        /// Segments ever sent again (`tcpi_total_retrans`).
        retransmits: u32,
    },
    /// The origin's name resolves to this address, or no longer does. A pool that was told of addresses chooses one for
    /// each dial; one that was told of none leaves the choice to the glue, which tells of a dial that waits for addresses that it
    /// failed once all of them are told. Of those that were never tried it takes the one it was told of first, so tell
    /// them in the order of preference (RFC 8305 section 4).
    Address {
        /// The glue's name for it; the same address keeps the same name.
        address: AddressId,
        /// Whether it is among those that the name resolves to.
        known: bool,
    },
    /// The connection is gone: closed or reset by the peer, or broken.
    Closed {
        /// The connection.
        connection: ConnectionId,
    },
    /// Nothing but time has passed. Due at [`crate::Pool::deadline`].
    Tick,
}
