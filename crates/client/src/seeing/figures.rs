//! Events as measurements, with OpenTelemetry's names where its semantic conventions (schema 1.42) have one, and under
//! `outlive.` where they have none.
//!
//! Invariant: what counts up for a beginning counts down for its end, with the same labels. Next: the two that measure,
//! `metrics` and `opentelemetry`.

use std::time::Duration;

use http::{Method, Version};

use super::event::{Course, Event, How, Standing};
use super::words::{method_name, version_number};
use crate::name::OriginName;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) description: &'static str,
}

macro_rules! figures {
    ($($name:ident = $text:literal, $unit:literal, $description:literal;)*) => {
        $(pub(super) const $name: Figure = Figure { name: $text, unit: $unit, description: $description };)*
    };
}

figures! {
    REQUEST_DURATION = "http.client.request.duration", "s", "Time to the head of the response, or to the failure";
    ACTIVE_REQUESTS = "http.client.active_requests", "{request}", "Requests that have not ended";
    OPEN_CONNECTIONS = "http.client.open_connections", "{connection}", "Open connections, active or idle";
    CONNECTION_DURATION = "http.client.connection.duration", "s", "How long connections were open";
    CONNECTIONS = "outlive.pool.connections", "{connection}", "Connections by what they are good for";
    WAIT_DURATION = "outlive.pool.wait.duration", "s", "How long requests waited before they were first sent";
    DIAL_DURATION = "outlive.dial.duration", "s", "How long opening a connection took, or failing to";
    ASKED = "outlive.connection.asked", "{probe}", "Probes sent to ask for proof of life";
    SUSPECTED = "outlive.connection.suspected", "{connection}", "Connections that gave no proof of life in time";
    CLEARED = "outlive.connection.cleared", "{connection}", "Suspects that proved to be alive: false alarms";
    CLOSED = "outlive.connection.closed", "{connection}", "Connections that ended, by reason";
    RESENT = "outlive.request.resent", "{request}", "Requests sent again: retries and rescues";
}

/// All that go up and down.
pub(super) const LEVELS: [Figure; 3] = [ACTIVE_REQUESTS, OPEN_CONNECTIONS, CONNECTIONS];
/// All that only grow.
pub(super) const COUNTS: [Figure; 5] = [ASKED, SUSPECTED, CLEARED, CLOSED, RESENT];
/// All lengths of time.
pub(super) const LENGTHS: [Figure; 4] = [REQUEST_DURATION, CONNECTION_DURATION, WAIT_DURATION, DIAL_DURATION];

/// The buckets that the semantic conventions advise for `http.client.request.duration`, in seconds.
#[cfg(feature = "opentelemetry")]
pub(super) const BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A label's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Word(&'static str),
    Text(String),
    Number(i64),
}

pub(super) type Labels = Vec<(&'static str, Value)>;

/// Who measures.
pub(super) trait Sink {
    /// One of [`LEVELS`] goes up or down.
    fn change(&self, figure: Figure, by: i64, labels: Labels);
    /// One of [`COUNTS`] grows.
    fn count(&self, figure: Figure, labels: Labels);
    /// One of [`LENGTHS`].
    fn length(&self, figure: Figure, length: Duration, labels: Labels);
}

/// Measures an event.
pub(super) fn measure(origin: &OriginName, event: &Event, to: &impl Sink) {
    let at = || server(origin);
    let stands = |standing: Standing, by| to.change(CONNECTIONS, by, with(at(), "state", standing.as_str()));
    let is_open =
        |activity, by| to.change(OPEN_CONNECTIONS, by, with(at(), "http.connection.state", activity));
    let dialled = |took, labels| {
        stands(Standing::Dialling, -1);
        to.length(DIAL_DURATION, took, labels);
    };
    match event {
        Event::DialStarted { .. } => stands(Standing::Dialling, 1),
        Event::DialSucceeded { took, version, .. } => {
            dialled(*took, with_version(at(), *version));
            stands(Standing::Alive, 1);
            is_open(IDLE, 1);
        }
        Event::DialFailed { took, kind, .. } => dialled(*took, with(at(), "error.type", kind.as_str())),
        Event::DialCalledOff { took, reason, .. } => {
            dialled(*took, with(at(), "error.type", reason.as_str()))
        }
        Event::ConnectionAsked { .. } => to.count(ASKED, at()),
        Event::ConnectionSuspect { .. } => {
            to.count(SUSPECTED, at());
            stands(Standing::Alive, -1);
            stands(Standing::Suspect, 1);
        }
        Event::ConnectionCleared { .. } => {
            to.count(CLEARED, at());
            stands(Standing::Suspect, -1);
            stands(Standing::Alive, 1);
        }
        Event::ConnectionDraining { was, .. } => {
            stands(*was, -1);
            stands(Standing::Draining, 1);
        }
        Event::ConnectionActive { .. } => {
            is_open(IDLE, -1);
            is_open(ACTIVE, 1);
        }
        Event::ConnectionIdle { .. } => {
            is_open(ACTIVE, -1);
            is_open(IDLE, 1);
        }
        Event::ConnectionClosed { was, was_active, reason, silence, age, version, .. } => {
            stands(*was, -1);
            is_open(if *was_active { ACTIVE } else { IDLE }, -1);
            let labels = with(at(), "reason", reason.as_str());
            to.count(
                CLOSED,
                silence.map_or(labels.clone(), |silence| with(labels, "silence", silence.as_str())),
            );
            to.length(CONNECTION_DURATION, *age, with_version(at(), *version));
        }
        Event::RequestStarted { course } => to.change(ACTIVE_REQUESTS, 1, with_method(at(), &course.method)),
        Event::RequestSent { course, how: How::First, .. } => to.length(WAIT_DURATION, course.took, at()),
        Event::RequestSent { how, .. } => to.count(RESENT, with(at(), "how", how.as_str())),
        Event::RequestAnswered { course, .. } => {
            to.length(REQUEST_DURATION, course.took, answered(at(), course));
        }
        Event::RequestDone { course } => ended(origin, course, None, to),
        Event::RequestFailed { course, kind, .. } => ended(origin, course, Some(kind.as_str()), to),
        Event::RequestGivenUp { course } => ended(origin, course, Some("given_up"), to),
    }
}

const ACTIVE: &str = "active";
const IDLE: &str = "idle";

/// The request is over. Its duration is that to the head of the response, if it got so far.
fn ended(origin: &OriginName, course: &Course, error: Option<&'static str>, to: &impl Sink) {
    let labels = || with_method(server(origin), &course.method);
    to.change(ACTIVE_REQUESTS, -1, labels());
    if let (None, Some(error)) = (course.status, error) {
        to.length(REQUEST_DURATION, course.took, with(labels(), "error.type", error));
    }
}

fn server(origin: &OriginName) -> Labels {
    let mut labels = Vec::with_capacity(6);
    labels.push(("server.address", Value::Text(origin.host().to_owned())));
    labels.push(("server.port", Value::Number(origin.port().into())));
    labels
}

fn with(mut labels: Labels, name: &'static str, word: &'static str) -> Labels {
    labels.push((name, Value::Word(word)));
    labels
}

fn with_version(labels: Labels, version: Version) -> Labels {
    with(labels, "network.protocol.version", version_number(version))
}

/// Labels must not have as many values as callers have ideas: methods that are not registered are all the same.
fn with_method(labels: Labels, method: &Method) -> Labels {
    with(labels, "http.request.method", method_name(method))
}

fn answered(labels: Labels, course: &Course) -> Labels {
    let mut labels = with_method(labels, &course.method);
    if let Some(version) = course.version {
        labels = with_version(labels, version);
    }
    if let Some(status) = course.status {
        labels.push(("http.response.status_code", Value::Number(status.as_u16().into())));
        if status.is_client_error() || status.is_server_error() {
            labels.push(("error.type", Value::Text(status.as_str().to_owned())));
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use http::StatusCode;

    use super::*;
    use crate::error::{ErrorKind, Sent};
    use crate::reason::Reason;

    /// Adds up.
    #[derive(Default)]
    struct Sums {
        levels: RefCell<BTreeMap<String, i64>>,
        lengths: RefCell<Vec<String>>,
    }

    impl Sink for Sums {
        fn change(&self, figure: Figure, by: i64, labels: Labels) {
            *self.levels.borrow_mut().entry(format!("{} {labels:?}", figure.name)).or_default() += by;
        }

        fn count(&self, _figure: Figure, _labels: Labels) {}

        fn length(&self, figure: Figure, _length: Duration, labels: Labels) {
            self.lengths.borrow_mut().push(format!("{} {labels:?}", figure.name));
        }
    }

    fn course(status: Option<u16>) -> Course {
        Course {
            request: 1,
            method: Method::from_bytes(b"BREW").unwrap(),
            uri: "http://a/".parse().unwrap(),
            took: Duration::from_millis(1),
            attempts: 1,
            status: status.map(|status| StatusCode::from_u16(status).unwrap()),
            version: status.map(|_| Version::HTTP_2),
        }
    }

    #[test]
    fn what_goes_up_comes_down_and_each_request_has_one_duration() {
        let (connection, took, age) = (1, Duration::ZERO, Duration::ZERO);
        let events = [
            Event::RequestStarted { course: course(None) },
            Event::DialStarted { connection },
            Event::DialSucceeded { connection, took, version: Version::HTTP_2, address: None },
            Event::ConnectionActive { connection },
            Event::RequestSent { course: course(None), connection, how: How::First },
            Event::ConnectionSuspect { connection, silence: None },
            Event::ConnectionCleared { connection, after: took },
            Event::RequestAnswered { course: course(Some(503)), connection },
            Event::ConnectionDraining { connection, was: Standing::Alive, reason: Reason::Aged },
            Event::RequestFailed { course: course(Some(503)), kind: ErrorKind::Lost, sent: Sent::Maybe },
            Event::RequestStarted { course: course(None) },
            Event::RequestGivenUp { course: course(None) },
            Event::ConnectionClosed {
                connection,
                was: Standing::Draining,
                was_active: true,
                reason: Reason::Aged,
                silence: None,
                age,
                version: Version::HTTP_2,
                requests: 1,
                bytes_in: 0,
                bytes_out: 0,
            },
        ];
        let sums = Sums::default();
        let origin = OriginName::of(&"http://a".parse().unwrap()).unwrap();
        events.iter().for_each(|event| measure(&origin, event, &sums));
        let levels = sums.levels.into_inner();
        assert!(levels.len() >= 6 && levels.values().all(|level| *level == 0), "{levels:#?}");
        let lengths = sums.lengths.into_inner();
        let of_requests: Vec<_> =
            lengths.iter().filter(|name| name.starts_with(REQUEST_DURATION.name)).collect();
        assert_eq!(of_requests.len(), 2, "{lengths:#?}");
        assert!(
            of_requests[0].contains("\"error.type\", Text(\"503\")") && of_requests[0].contains("_OTHER")
        );
        assert!(of_requests[1].contains("given_up"), "{}", of_requests[1]);
    }
}
