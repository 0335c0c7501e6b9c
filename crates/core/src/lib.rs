//! The policy of outlive's connection pool, and nothing else.
//!
//! A [`Pool`] serves one origin. It is told facts ([`Event`]) with the time at which they are told, and answers
//! with decisions ([`Action`]). It does no I/O, reads no clock, takes no lock, starts no thread, draws no chance
//! but from the seed it was given, and depends on nothing: the same facts, times and seed give the same
//! decisions, always (promise P16).

mod action;
mod event;
mod ids;
mod limits;
mod pool;
mod time;

pub use action::{Action, CloseReason, FailReason};
pub use event::Event;
pub use ids::{AttemptId, ConnectionId, NotAnId, RequestId};
pub use limits::Limits;
pub use pool::Pool;
pub use time::{NotMillis, Span, Time};
