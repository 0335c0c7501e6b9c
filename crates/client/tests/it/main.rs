//! The client against real servers on the loopback: each file asks one question, and starts with what it is.
//!
//! `fixture` has the servers and a test of itself, `wires` what lies between, `raw` a server that misbehaves. Nothing here sleeps for a time or
//! measures one: tests count events and wait, bounded, for states.

#![expect(unreachable_pub, reason = "modules of one test program")]

mod carriers;
mod dropping;
mod endings;
mod fetch;
mod fixture;
mod limits;
mod names;
mod parity;
mod proxies;
mod proxy;
mod raw;
mod rescue;
mod silence;
mod streaming;
mod timeouts;
mod trust;
mod unwritten;
mod wires;
