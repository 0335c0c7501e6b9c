//! Feeds the `metrics` crate's recorder.
//!
//! Next: [`super::figures`], which has the names.

use std::time::Duration;

use metrics::{Label, Unit};

use super::event::Event;
use super::figures::{self, COUNTS, Figure, LENGTHS, LEVELS, Labels, Sink, Value};
use super::observer::Observer;
use crate::name::OriginName;

/// An [`Observer`] that feeds the recorder of the `metrics` crate, under the names of OpenTelemetry's semantic conventions
/// (`http.client.request.duration`, ...) and under `outlive.` where these have none. Lengths of time are histograms in
/// seconds. The recorder that is installed when something happens gets it.
#[derive(Clone, Copy, Debug)]
pub struct MetricsObserver(());

impl MetricsObserver {
    /// Describes the metrics to the recorder that is installed now, if there is one.
    #[must_use]
    pub fn new() -> Self {
        for Figure { name, description, .. } in LEVELS {
            metrics::describe_gauge!(name, description);
        }
        for Figure { name, description, .. } in COUNTS {
            metrics::describe_counter!(name, description);
        }
        for Figure { name, description, .. } in LENGTHS {
            metrics::describe_histogram!(name, Unit::Seconds, description);
        }
        Self(())
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, origin: &OriginName, event: &Event) {
        figures::measure(origin, event, self);
    }
}

impl Sink for MetricsObserver {
    fn change(&self, figure: Figure, by: i64, labels: Labels) {
        metrics::gauge!(figure.name, all(labels)).increment(by as f64);
    }

    fn count(&self, figure: Figure, labels: Labels) {
        metrics::counter!(figure.name, all(labels)).increment(1);
    }

    fn length(&self, figure: Figure, length: Duration, labels: Labels) {
        metrics::histogram!(figure.name, all(labels)).record(length.as_secs_f64());
    }
}

fn all(labels: Labels) -> Vec<Label> {
    let label = |(name, value)| match value {
        Value::Word(word) => Label::from_static_parts(name, word),
        Value::Text(text) => Label::new(name, text),
        Value::Number(number) => Label::new(name, number.to_string()),
    };
    labels.into_iter().map(label).collect()
}
