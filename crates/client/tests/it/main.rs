//! The client against real servers on the loopback: each file asks one question, and starts with what it is.
//!
//! `fixture` has the servers and a test of itself, `wires` what lies between, `raw` a server that misbehaves. Nothing here sleeps for a time or
//! measures one: tests count events and wait, bounded, for states.

#![expect(unreachable_pub, reason = "modules of one test program")]

mod dropping;
mod endings;
mod errors;
mod fetch;
mod fixture;
mod front;
mod limits;
mod pool;
mod raw;
mod rescue;
mod seeing;
mod shutdown;
mod silence;
#[cfg(feature = "tracing")]
mod spans;
mod streaming;
mod timeouts;
mod wires;
