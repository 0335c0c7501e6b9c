//! The policy of outlive's connection pool, and nothing else.
//!
//! A [`Pool`] serves one origin. It is told facts ([`Event`]) with the time at which they are told, and answers
//! with decisions ([`Action`]). It does no I/O, reads no clock, takes no lock, starts no thread, draws no chance
//! but from the seed it was given, and depends on nothing: the same facts, times and seed give the same
//! decisions, always (promise P16).

mod action;
mod addresses;
mod attempt;
mod budget;
mod calm;
mod census;
mod chance;
mod comparison;
mod connection;
#[cfg(test)]
mod diagrams;
mod dials;
mod event;
mod evidence;
mod health;
mod ids;
mod judge;
mod life;
mod limits;
mod patience;
mod pool;
mod ready;
mod record;
mod request;
mod requests;
mod rtt;
mod settle;
mod silence;
mod table;
mod time;
mod timers;
pub mod trace;
mod view;

pub use action::{Action, CloseReason, DrainReason, FailReason, ProbeKind};
pub use event::{Event, Repeat};
pub use health::Health;
pub use ids::{AddressId, AttemptId, ConnectionId, NotAnId, RequestId};
pub use life::Life;
pub use limits::Limits;
pub use pool::Pool;
pub use silence::{Figures, Silence};
pub use table::{Id, IdMap};
pub use time::{NotMillis, Span, Time};
pub use view::View;
