//! The client against real servers on the loopback: each file asks one question, and starts with what it is.
//!
//! `fixture` has the servers and a test of itself, `wires` what lies between, `raw` a server by hand; `hostile` (HTTP/2) and
//! `hostile1` (HTTP/1.1) are tables of what servers can do to us. Nothing here sleeps for a time or measures one: tests count
//! events and wait, bounded, for states.

#![expect(unreachable_pub, reason = "modules of one test program")]

mod carriers;
mod dropping;
mod early;
mod endings;
mod errors;
mod fetch;
mod fixture;
mod front;
mod hostile;
mod hostile1;
mod informational;
mod jam;
mod kernel;
mod late;
mod limits;
mod names;
mod parity;
mod pool;
mod proxies;
mod proxy;
mod raw;
mod rescue;
mod seeing;
mod shutdown;
mod silence;
#[cfg(feature = "tracing")]
mod spans;
mod streaming;
mod timeouts;
#[cfg(feature = "opentelemetry")]
mod traces;
mod trust;
mod unpolled;
mod unwritten;
mod upgrade;
mod wires;
