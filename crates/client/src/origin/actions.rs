//! The pool's decisions, carried out on the tables.
//!
//! Invariant: a decision is carried out under the lock that it was made under, so sends reach each connection in
//! the order in which they were decided (the order of their attempts' numbers), on which all proof rests
//! (promise P15). Next: [`super::connections`], the facts that come back.

use std::time::Duration;

use outlive_core::{
    Action, AttemptId, CloseReason, ConnectionId, Event as Fact, FailReason, ProbeKind, RequestId,
};

use super::Few;
use super::ledger::{Ledger, Out};
use crate::attempt::{Attempt, Fate};
use crate::connection::{DialError, Order, Progress, SendOutcome};
use crate::error::{ErrorKind, Source};
use crate::reason::Reason;
use crate::seeing::Event;

impl Ledger {
    pub(super) fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial { connection, address } => self.dial(connection, address),
            Action::Send { request, attempt, connection } => self.send(request, attempt, connection),
            // Its last handle goes, and h2 resets the stream.
            Action::Abandon { attempt } => drop(self.take_out(attempt)),
            Action::Probe { connection, by } => self.probe(connection, by),
            Action::Suspect { connection } => self.left(connection, Reason::Silent),
            Action::Clear { connection } => self.cleared(connection),
            Action::Drain { connection, why } => self.left(connection, Reason::of_drain(why)),
            Action::Close { connection, why } => self.close(connection, why),
            Action::Fail { request, why } => self.fail(request, why),
        }
    }

    fn probe(&mut self, connection: ConnectionId, by: ProbeKind) {
        let Some(entry) = self.connections.get(&connection) else { return };
        entry.order(Order::Probe(by));
        self.watch.note(|| Event::ConnectionAsked { connection: connection.0 });
        let kernel = self.examine(connection);
        self.facts.extend(kernel);
    }

    fn send(&mut self, id: RequestId, attempt: AttemptId, connection: ConnectionId) {
        let Some(request) = self.requests.get_mut(&id) else {
            // Its caller is gone, and the pool was told so; nothing to send, nothing to keep.
            return self.facts.push_back(Fact::Refused { attempt, again: false });
        };
        let Some(entry) = self.connections.get_mut(&connection) else {
            return self.facts.push_back(Fact::Refused { attempt, again: true });
        };
        match entry.send(&request.head, &mut request.body, attempt) {
            SendOutcome::Sent { sending, stream, last } => {
                let micros = self.now.since(entry.since()).as_micros();
                let age = Duration::from_micros(micros);
                let record = Attempt { connection: connection.0, age, fate: Fate::Out, testimony: None };
                request.sent(attempt, record, sending);
                request.wake(&mut self.aftermath);
                self.attempts.insert(attempt, Out { request: id, connection, stream });
                self.carried(connection);
                self.tell_sent(id, connection);
                if last {
                    self.facts.push_back(Fact::GoAway { connection, calm: false });
                }
            }
            SendOutcome::TakesNoMore => {
                // The connection knows more than the pool: its GOAWAY or its end has not been told yet.
                self.facts.push_back(Fact::GoAway { connection, calm: false });
                self.facts.push_back(Fact::Refused { attempt, again: true });
            }
            SendOutcome::Invalid(error) => {
                request.saw(ErrorKind::Request, Some(Source::Own(error)));
                self.facts.push_back(Fact::Refused { attempt, again: false });
            }
        }
    }

    fn close(&mut self, connection: ConnectionId, why: CloseReason) {
        if let (Some(reason), Some(entry)) = (Reason::of_close(why), self.connections.get_mut(&connection)) {
            entry.left(reason);
        }
        if why == CloseReason::Dead {
            // Responses that break off now do so because of this; h2 will say "broken pipe".
            self.blame(connection, ErrorKind::Silent, || None);
        }
        if let Some(entry) = self.forget(connection) {
            match why {
                CloseReason::Dead | CloseReason::GivenUp | CloseReason::Surplus => entry.order(Order::Cut),
                // Its task says goodbye when nobody is left who could give it orders.
                CloseReason::Drained | CloseReason::Idle => {}
            }
        }
    }

    fn fail(&mut self, id: RequestId, why: FailReason) {
        if let Some(request) = self.requests.get_mut(&id) {
            if why == FailReason::Overdue {
                let dials = self.connections.values().filter_map(|entry| entry.progress());
                let late = DialError::timeout(Progress::furthest(dials), self.dial_limit);
                request.saw(late.kind(), Some(Source::Own(late.into())));
            }
            request.verdict = Some(why);
            request.wake(&mut self.aftermath);
            let outs: Few<_> = request.outs().collect();
            outs.into_iter().for_each(|attempt| drop(self.take_out(attempt)));
        }
    }
}
