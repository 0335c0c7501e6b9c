//! What connections' tasks tell: dialled, proven, going away, ended.
//!
//! Invariant: of an attempt that nobody can have processed the pool hears `Refused` before it hears that the
//! connection is closed, so that what can be sent again is (promise P4). Next: [`crate::connection`].

use std::sync::Arc;
use std::time::Duration;

use outlive_core::{AttemptId, ConnectionId, Event as Fact, RequestId};

use super::Ledger;
use super::ledger::Out;
use crate::attempt::Fate;
use crate::connection::{Anchor, Connection, DialError, Ending, Late, Link, Orphans, http1};
use crate::error::{Cause, ErrorKind, Source};
use crate::meter::GoneAway;
use crate::reason::Reason;
use crate::seeing::Event;

impl Ledger {
    /// A dial succeeded. `false` if it was called off meanwhile.
    pub(crate) fn connected(&mut self, connection: ConnectionId, link: Link, streams: u32) -> bool {
        let Some(entry) = self.connections.get_mut(&connection) else { return false };
        let can_probe = link.can_probe();
        let took = Duration::from_micros(self.now.since(entry.since()).as_micros());
        entry.connected(link, self.now);
        if let Some(version) = entry.version() {
            let (connection, address) = (connection.0, entry.testimony(self.now).address);
            self.watch.note(|| Event::DialSucceeded { connection, took, version, address });
        }
        self.dial_error = None;
        self.addresses.dialled(connection, false);
        self.record(Fact::Connected { connection, streams, can_probe });
        true
    }

    pub(crate) fn dial_failed(&mut self, connection: ConnectionId, error: impl Into<Arc<DialError>>) {
        if let Some(entry) = self.connections.remove(&connection) {
            let error = error.into();
            let took = Duration::from_micros(self.now.since(entry.since()).as_micros());
            self.watch.note(|| {
                let (connection, error) = (connection.0, Arc::clone(&error));
                Event::DialFailed { connection, took, kind: error.kind(), error }
            });
            self.dial_error = Some(error);
            self.doubt_addresses(connection);
        }
    }

    /// The peer's limit changed; `streams` is the smaller of it and the user's.
    pub(crate) fn limited(&mut self, connection: ConnectionId, streams: u32) {
        self.record(Fact::Streams { connection, streams });
    }

    /// The socket takes no bytes although there are some, or does again.
    pub(crate) fn writable(&mut self, connection: ConnectionId, writable: bool) {
        self.record(Fact::Writable { connection, writable });
    }

    /// The answer to the probe came; it covers the streams up to `stream`.
    pub(crate) fn proven(&mut self, connection: ConnectionId, stream: u32) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            entry.proved(self.now);
            let through = entry.proven_through(stream);
            self.record(Fact::Proven { connection, through });
        }
    }

    /// GOAWAY was read: streams above its last were not and will not be processed, whatever its error code
    /// (RFC 9113 section 6.8).
    pub(crate) fn gone_away(&mut self, connection: ConnectionId, goaway: GoneAway) {
        self.record(Fact::GoAway { connection, calm: goaway.calm });
        self.refuse_above(connection, goaway.last);
    }

    /// The task of a connection is gone, whatever it was doing.
    pub(crate) fn task_ended(&mut self, connection: ConnectionId) {
        match self.connections.get(&connection).map(|entry| entry.is_dialling()) {
            Some(true) => self.dial_failed(connection, DialError::called_off()),
            Some(false) => self.ended(connection, None),
            None => {}
        }
    }

    /// HTTP/1.1's end of a connection, for its task.
    pub(crate) fn http1(&mut self, connection: ConnectionId) -> Option<&mut http1::Link> {
        self.connections.get_mut(&connection)?.http1()
    }

    /// The connection is gone: told by the owner of an attempt on it.
    pub(super) fn broke(&mut self, connection: ConnectionId, cause: Cause) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            entry.free(); // The owner has told; there is nothing to wait for.
            self.ended(connection, Some(cause));
        }
    }

    /// The connection is gone: told by its task, which may know why.
    pub(crate) fn ended(&mut self, connection: ConnectionId, cause: Option<Cause>) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        entry.left(Reason::Lost);
        match entry.end() {
            Ending::AfterItsAttempt => return self.record(Fact::GoAway { connection, calm: false }),
            Ending::Settled(attempt) => self.done(attempt),
            Ending::Unwritten { above } => {
                // Or the pool would send what is refused here on this same connection again, and it would be lost with it.
                self.record(Fact::GoAway { connection, calm: false });
                self.refuse_above(connection, above);
                self.refuse_refused(connection);
            }
            Ending::Clean => {}
        }
        // What the peer did says more than what the protocol's crate made of it.
        let offence = self.connections.get(&connection).and_then(|entry| entry.offence());
        let offence = offence.map(|offence| Cause { kind: ErrorKind::Peer, error: Arc::new(offence) });
        let cause = offence.or(cause);
        let kind = cause.as_ref().map_or(ErrorKind::Lost, |cause| cause.kind);
        self.blame(connection, kind, || cause.as_ref().map(|cause| Source::Shared(Arc::clone(&cause.error))));
        self.forget(connection);
        self.record(Fact::Closed { connection });
    }

    /// Notes what the requests on a connection suffer from.
    pub(super) fn blame(
        &mut self,
        connection: ConnectionId,
        kind: ErrorKind,
        source: impl Fn() -> Option<Source>,
    ) {
        for (attempt, out) in self.attempts.iter().filter(|(_, out)| out.connection == connection) {
            if let Some(request) =
                self.requests.get_mut(&out.request).filter(|request| request.is_out(*attempt))
            {
                request.saw(kind, source());
            }
        }
    }

    /// The connection that carries this attempt.
    pub(crate) fn carrier(&mut self, attempt: AttemptId) -> Option<&mut Connection> {
        let out = self.attempts.get(&attempt)?;
        self.connections.get_mut(&out.connection).map(|entry| &mut **entry)
    }

    /// The attempts on a connection that nobody waits for.
    pub(crate) fn orphans(&mut self, connection: ConnectionId) -> Option<&mut Orphans> {
        self.connections.get_mut(&connection)?.orphans()
    }

    /// What has become of one of these; `None` if it was let go of.
    pub(crate) fn late(&mut self, attempt: AttemptId) -> Option<Late> {
        let (_, anchor) = self.attempts.get_mut(&attempt)?.stream.as_mut()?;
        Some(anchor.late())
    }

    /// It was answered, to the end.
    pub(crate) fn answered_late(&mut self, attempt: AttemptId) {
        let now = self.now;
        let stream = self.attempts.get(&attempt).and_then(|out| Some(out.stream.as_ref()?.0));
        if let (Some(entry), Some(stream)) = (self.carrier(attempt), stream) {
            entry.proved(now);
            entry.proven_through(stream);
        }
        self.done(attempt);
    }

    /// Request and response are complete, and the connection is ready for another.
    pub(crate) fn done(&mut self, attempt: AttemptId) {
        self.finish(attempt, |_, _| Fact::Done { attempt });
    }

    pub(super) fn refused(&mut self, attempt: AttemptId) {
        self.finish(attempt, |ledger, out| {
            let again = ledger.retire(out.request, attempt, Fate::Refused);
            Fact::Refused { attempt, again }
        });
    }

    pub(super) fn reset(&mut self, attempt: AttemptId) {
        self.finish(attempt, |ledger, out| {
            ledger.retire(out.request, attempt, Fate::Failed);
            Fact::Reset { attempt }
        });
    }

    pub(crate) fn failed(&mut self, attempt: AttemptId) {
        self.finish(attempt, |ledger, out| {
            ledger.retire(out.request, attempt, Fate::Failed);
            Fact::Failed { attempt }
        });
    }

    /// The attempt needs its connection no more: frees that first, for telling may make the pool use it again.
    fn finish(&mut self, attempt: AttemptId, fact: impl FnOnce(&mut Self, &Out) -> Fact) {
        let Some(out) = self.take_out(attempt) else { return };
        let has_ended = self.connections.get_mut(&out.connection).is_some_and(|entry| entry.free());
        let fact = fact(self, &out);
        self.record(fact);
        if has_ended {
            self.ended(out.connection, None);
        }
    }

    /// Removes a connection and what is out on it.
    pub(super) fn forget(&mut self, connection: ConnectionId) -> Option<Box<Connection>> {
        let (requests, connections, now) = (&mut self.requests, &self.connections, self.now);
        self.attempts.retain(|attempt, out| {
            let stays = out.connection != connection;
            if let Some(request) = requests.get_mut(&out.request).filter(|_| !stays) {
                request.testify(connections, now);
                request.retire(*attempt, Fate::Lost);
            }
            stays
        });
        self.addresses.called_off(connection);
        let entry = self.connections.remove(&connection)?;
        self.tell_closed(connection, &entry);
        Some(entry)
    }

    /// Ends an attempt of the request, and says whether the request is still whole.
    fn retire(&mut self, request: RequestId, attempt: AttemptId, fate: Fate) -> bool {
        let Some(request) = self.requests.get_mut(&request) else { return false };
        request.testify(&self.connections, self.now);
        request.retire(attempt, fate);
        request.body.is_untouched()
    }

    /// What the peer has refused is so, also where its owner has had no time to see it before the connection ended.
    fn refuse_refused(&mut self, connection: ConnectionId) {
        self.refuse(connection, |_, anchor| anchor.is_refused());
    }

    fn refuse_above(&mut self, connection: ConnectionId, last: u32) {
        self.refuse(connection, |stream, _| stream > last);
    }

    fn refuse(&mut self, connection: ConnectionId, is_refused: impl Fn(u32, &mut Anchor) -> bool) {
        let here = self.attempts.iter_mut().filter(|(_, out)| out.connection == connection);
        let mut refused: Vec<_> = here
            .filter_map(|(attempt, out)| {
                let (stream, anchor) = out.stream.as_mut()?;
                is_refused(*stream, anchor).then_some(*attempt)
            })
            .collect();
        refused.sort_unstable(); // In the order in which they were sent, whatever the table's order.
        refused.into_iter().for_each(|attempt| self.refused(attempt));
    }
}
