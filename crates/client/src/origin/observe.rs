//! What is told to an observer, put into words under the lock and told after it.
//!
//! Invariant: a request's story ends once, whoever tells it: the error that its caller gets, its completion, or its
//! being given up. Next: [`crate::Event`].

use std::time::Duration;

use http::HeaderMap;
use outlive_core::{AttemptId, ConnectionId, RequestId, Time};

use super::Origin;
use super::ledger::{Ledger, Out};
use super::request::Request;
use crate::attempt::Testimony;
use crate::connection::Connection;
use crate::error::Error;
use crate::head::Head;
use crate::reason::Reason;
use crate::seeing::{Course, Event, How, Standing};

fn length(from: Time, to: Time) -> Duration {
    Duration::from_micros(to.since(from).as_micros())
}

impl Request {
    fn course(&self, id: RequestId, now: Time) -> Course {
        let (status, version) = self.answer.unzip();
        Course {
            request: id.0,
            method: self.head.method().clone(),
            uri: self.head.uri().clone(),
            took: length(self.opened, now),
            attempts: self.sent,
            status,
            version,
        }
    }
}

impl Origin {
    /// Has the observer add its fields to a request that is about to be opened. Called without the lock.
    pub(crate) fn propagate(&self, id: RequestId, head: &mut Head) {
        let Some(observer) = &self.settings.observer else { return };
        let course = Course {
            request: id.0,
            method: head.method().clone(),
            uri: head.uri().clone(),
            took: Duration::ZERO,
            attempts: 0,
            status: None,
            version: None,
        };
        let mut fields = HeaderMap::new();
        observer.propagate(&self.name, &course, &mut fields);
        head.add(fields);
    }
}

/// Requests.
impl Ledger {
    pub(super) fn tell_started(&mut self, id: RequestId) {
        if !self.watch.is_observed() {
            return;
        }
        if let Some(request) = self.requests.get(&id) {
            self.watch.note(|| Event::RequestStarted { course: request.course(id, self.now) });
        }
    }

    pub(super) fn tell_sent(&mut self, id: RequestId, connection: ConnectionId) {
        if !self.watch.is_observed() {
            return;
        }
        let Some(request) = self.requests.get(&id) else { return };
        self.watch.note(|| Event::RequestSent {
            course: request.course(id, self.now),
            connection: connection.0,
            how: match (request.sent, request.outs().count()) {
                (0 | 1, _) => How::First,
                (_, 0 | 1) => How::Retry,
                (_, _) => How::Rescue,
            },
        });
    }

    pub(super) fn tell_answered(&mut self, id: RequestId, connection: ConnectionId) {
        if !self.watch.is_observed() {
            return;
        }
        if let Some(request) = self.requests.get(&id) {
            let connection = connection.0;
            self.watch.note(|| Event::RequestAnswered { course: request.course(id, self.now), connection });
        }
    }

    /// The caller gets this error.
    pub(super) fn tell_failed(&mut self, id: RequestId, error: &Error) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.ends_told();
        self.watch.note(|| Event::RequestFailed {
            course: request.course(id, self.now),
            kind: error.kind(),
            sent: error.sent(),
        });
    }

    pub(super) fn tell_done(&mut self, id: RequestId, request: &Request) {
        self.watch.note(|| Event::RequestDone { course: request.course(id, self.now) });
    }

    /// The request is given up, unless its caller was told an error.
    pub(super) fn tell_given_up(&mut self, id: RequestId, request: &Request) {
        if !request.has_ended() {
            self.watch.note(|| Event::RequestGivenUp { course: request.course(id, self.now) });
        }
    }
}

/// Connections.
impl Ledger {
    /// A connection gets no new requests from now on, or not for now.
    pub(super) fn left(&mut self, connection: ConnectionId, reason: Reason) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        entry.left(reason);
        let is = entry.standing();
        let was = std::mem::replace(&mut entry.told, is);
        if is == was {
            return;
        }
        let connection = connection.0;
        match is {
            Standing::Suspect => {
                entry.suspect_since = self.now;
                let silence = entry.testimony(self.now).silence;
                self.watch.note(|| Event::ConnectionSuspect { connection, silence });
            }
            Standing::Draining => {
                self.watch.note(|| Event::ConnectionDraining { connection, was, reason });
            }
            Standing::Dialling | Standing::Alive => {}
        }
    }

    /// A suspect is alive.
    pub(super) fn cleared(&mut self, connection: ConnectionId) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        entry.cleared();
        let is = entry.standing();
        if std::mem::replace(&mut entry.told, is) != is {
            let after = length(entry.suspect_since, self.now);
            self.watch.note(|| Event::ConnectionCleared { connection: connection.0, after });
        }
    }

    /// An attempt is out on a connection.
    pub(super) fn carried(&mut self, connection: ConnectionId) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        if entry.carry() == 1 {
            self.watch.note(|| Event::ConnectionActive { connection: connection.0 });
        }
    }

    /// An attempt is over, and off its connection.
    pub(super) fn take_out(&mut self, attempt: AttemptId) -> Option<Out> {
        let out = self.attempts.remove(&attempt)?;
        if let Some(entry) = self.connections.get_mut(&out.connection) {
            if entry.put_down() == 0 {
                self.watch.note(|| Event::ConnectionIdle { connection: out.connection.0 });
            }
        }
        Some(out)
    }

    /// The origin is about to be gone, with all its connections.
    pub(super) fn tell_gone(&mut self) {
        for (connection, mut entry) in std::mem::take(&mut self.connections) {
            entry.left(Reason::Shutdown);
            self.tell_closed(connection, &entry);
        }
    }

    /// A connection is gone from the table.
    pub(super) fn tell_closed(&mut self, connection: ConnectionId, entry: &Connection) {
        if !entry.has_started() {
            return;
        }
        self.watch.note(|| {
            let (connection, age) = (connection.0, length(entry.since(), self.now));
            let Testimony { reason, silence, .. } = entry.testimony(self.now);
            let reason = reason.unwrap_or(Reason::Lost);
            let Some(version) = entry.version() else {
                return Event::DialCalledOff { connection, took: age, reason };
            };
            let (bytes_in, bytes_out) = entry.bytes();
            Event::ConnectionClosed {
                connection,
                was: entry.told,
                was_active: entry.is_carrying(),
                reason,
                silence,
                age,
                version,
                requests: entry.served(),
                bytes_in,
                bytes_out,
            }
        });
    }
}
