//! Seeing what the pool does: a snapshot of it, and events as they happen.
//!
//! Invariants: nothing here decides anything, and an observer is never called under an origin's lock. Next:
//! [`observer`] and [`snapshot`]; the adapters `tracing`, `metrics` and `opentelemetry` are observers behind features.

mod event;
#[cfg(any(feature = "metrics", feature = "opentelemetry"))]
mod figures;
#[cfg(feature = "metrics")]
mod metrics;
mod observer;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod snapshot;
#[cfg(feature = "opentelemetry")]
mod spans;
#[cfg(feature = "tracing")]
mod tracing;
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "tracing"))]
mod words;

pub use event::{Course, Event, How, Standing};
#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;
pub use observer::Observer;
pub(crate) use observer::Watch;
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::OpenTelemetryObserver;
pub use snapshot::{ConnectionSnapshot, Health, OriginSnapshot, PoolSnapshot, State};
#[cfg(feature = "opentelemetry")]
pub use spans::OpenTelemetrySpans;
#[cfg(feature = "tracing")]
pub use tracing::TracingObserver;
