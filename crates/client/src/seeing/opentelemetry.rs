//! Feeds OpenTelemetry's metrics.
//!
//! Next: [`super::figures`], which has the names; [`super::spans`] feeds its traces.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};

use super::event::Event;
use super::figures::{self, BUCKETS, COUNTS, Figure, LENGTHS, LEVELS, Labels, Sink, Value};
use super::observer::Observer;
use crate::name::OriginName;

/// An [`Observer`] that feeds OpenTelemetry instruments, under the names of its semantic conventions
/// (`http.client.request.duration`, ...) and under `outlive.` where these have none.
#[derive(Debug)]
pub struct OpenTelemetryObserver {
    levels: Vec<(Figure, UpDownCounter<i64>)>,
    counts: Vec<(Figure, Counter<u64>)>,
    lengths: Vec<(Figure, Histogram<f64>)>,
}

impl OpenTelemetryObserver {
    /// Makes the instruments with this meter.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let level = |figure: Figure| {
            let level = meter.i64_up_down_counter(figure.name).with_unit(figure.unit);
            (figure, level.with_description(figure.description).build())
        };
        let count = |figure: Figure| {
            let count = meter.u64_counter(figure.name).with_unit(figure.unit);
            (figure, count.with_description(figure.description).build())
        };
        let length = |figure: Figure| {
            let length =
                meter.f64_histogram(figure.name).with_unit(figure.unit).with_boundaries(BUCKETS.into());
            (figure, length.with_description(figure.description).build())
        };
        Self {
            levels: LEVELS.map(level).into(),
            counts: COUNTS.map(count).into(),
            lengths: LENGTHS.map(length).into(),
        }
    }
}

impl Observer for OpenTelemetryObserver {
    fn observe(&self, origin: &OriginName, event: &Event) {
        figures::measure(origin, event, self);
    }
}

/// The instrument of a figure.
fn of<T>(instruments: &[(Figure, T)], figure: Figure) -> Option<&T> {
    instruments.iter().find(|(known, _)| *known == figure).map(|(_, instrument)| instrument)
}

impl Sink for OpenTelemetryObserver {
    fn change(&self, figure: Figure, by: i64, labels: Labels) {
        if let Some(level) = of(&self.levels, figure) {
            level.add(by, &all(labels));
        }
    }

    fn count(&self, figure: Figure, labels: Labels) {
        if let Some(count) = of(&self.counts, figure) {
            count.add(1, &all(labels));
        }
    }

    fn length(&self, figure: Figure, length: Duration, labels: Labels) {
        if let Some(histogram) = of(&self.lengths, figure) {
            histogram.record(length.as_secs_f64(), &all(labels));
        }
    }
}

fn all(labels: Labels) -> Vec<KeyValue> {
    let label = |(name, value)| match value {
        Value::Word(word) => KeyValue::new(name, word),
        Value::Text(text) => KeyValue::new(name, text),
        Value::Number(number) => KeyValue::new(name, number),
    };
    labels.into_iter().map(label).collect()
}
