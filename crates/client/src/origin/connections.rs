//! What connections' tasks tell: dialled, proven, going away, ended.
//!
//! Invariant: of an attempt that nobody can have processed the pool hears `Refused` before it hears that the
//! connection is closed, so that what can be sent again is (promise P4). Next: [`crate::connection`].

use std::sync::Arc;

use outlive_core::{AttemptId, ConnectionId, Event, RequestId};

use super::Ledger;
use super::ledger::Out;
use crate::connection::{Connection, DialError, Ending, Link, http1};
use crate::error::{Cause, ErrorKind, Fate, Source};

impl Ledger {
    /// A dial succeeded. `false` if it was called off meanwhile.
    pub(crate) fn connected(&mut self, connection: ConnectionId, link: Link, streams: u32) -> bool {
        let Some(entry) = self.connections.get_mut(&connection) else { return false };
        let can_probe = link.can_probe();
        entry.connected(link, self.now);
        self.dial_error = None;
        self.record(Event::Connected { connection, streams, can_probe });
        true
    }

    pub(crate) fn dial_failed(&mut self, connection: ConnectionId, error: impl Into<Arc<DialError>>) {
        if self.connections.remove(&connection).is_some() {
            self.dial_error = Some(error.into());
            self.doubt_addresses();
            self.record(Event::DialFailed { connection });
        }
    }

    /// The peer's limit changed; `streams` is the smaller of it and the user's.
    pub(crate) fn limited(&mut self, connection: ConnectionId, streams: u32) {
        self.record(Event::Streams { connection, streams });
    }

    /// The answer to the probe came; it covers the streams up to `stream`.
    pub(crate) fn proven(&mut self, connection: ConnectionId, stream: u32) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            let through = entry.proven_through(stream);
            self.record(Event::Proven { connection, through });
        }
    }

    /// GOAWAY was read: streams above `last` were not and will not be processed.
    pub(crate) fn gone_away(&mut self, connection: ConnectionId, last: u32) {
        self.record(Event::GoAway { connection, calm: false });
        self.refuse_above(connection, last);
    }

    /// The task of a connection is gone, whatever it was doing.
    pub(crate) fn task_ended(&mut self, connection: ConnectionId) {
        match self.connections.get(&connection).map(Connection::is_dialling) {
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
        match entry.end() {
            Ending::AfterItsAttempt => return self.record(Event::GoAway { connection, calm: false }),
            Ending::Settled(attempt) => self.done(attempt),
            Ending::Unwritten { above } => {
                // Or the pool would send what is refused here on this same connection again, and it would be lost with it.
                self.record(Event::GoAway { connection, calm: false });
                self.refuse_above(connection, above);
            }
            Ending::Clean => {}
        }
        let kind = cause.as_ref().map_or(ErrorKind::Lost, |cause| cause.kind);
        self.blame(connection, kind, || cause.as_ref().map(|cause| Source::Shared(Arc::clone(&cause.error))));
        self.forget(connection);
        self.record(Event::Closed { connection });
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

    /// Request and response are complete, and the connection is ready for another.
    pub(crate) fn done(&mut self, attempt: AttemptId) {
        self.finish(attempt, |_, _| Event::Done { attempt });
    }

    pub(super) fn refused(&mut self, attempt: AttemptId) {
        self.finish(attempt, |ledger, out| {
            let again = ledger.retire(out.request, attempt, Fate::Refused);
            Event::Refused { attempt, again }
        });
    }

    pub(super) fn failed(&mut self, attempt: AttemptId) {
        self.finish(attempt, |ledger, out| {
            ledger.retire(out.request, attempt, Fate::Failed);
            Event::Failed { attempt }
        });
    }

    /// The attempt needs its connection no more: frees that first, for telling may make the pool use it again.
    fn finish(&mut self, attempt: AttemptId, fact: impl FnOnce(&mut Self, &Out) -> Event) {
        let Some(out) = self.attempts.remove(&attempt) else { return };
        let has_ended = self.connections.get_mut(&out.connection).is_some_and(Connection::free);
        let fact = fact(self, &out);
        self.record(fact);
        if has_ended {
            self.ended(out.connection, None);
        }
    }

    /// Removes a connection and what is out on it.
    pub(super) fn forget(&mut self, connection: ConnectionId) -> Option<Connection> {
        let requests = &mut self.requests;
        self.attempts.retain(|attempt, out| {
            let stays = out.connection != connection;
            if let Some(request) = requests.get_mut(&out.request).filter(|_| !stays) {
                request.retire(*attempt, Fate::Lost);
            }
            stays
        });
        self.connections.remove(&connection)
    }

    /// Ends an attempt of the request, and says whether the request is still whole.
    fn retire(&mut self, request: RequestId, attempt: AttemptId, fate: Fate) -> bool {
        let Some(request) = self.requests.get_mut(&request) else { return false };
        request.retire(attempt, fate);
        request.body.is_untouched()
    }

    fn refuse_above(&mut self, connection: ConnectionId, last: u32) {
        let above = |stream: &Option<(u32, _)>| stream.as_ref().is_some_and(|(stream, _)| *stream > last);
        let mut refused: Vec<_> = (self.attempts.iter())
            .filter(|(_, out)| out.connection == connection && above(&out.stream))
            .map(|(attempt, _)| *attempt)
            .collect();
        refused.sort_unstable(); // In the order in which they were sent, whatever the table's order.
        refused.into_iter().for_each(|attempt| self.refused(attempt));
    }
}
