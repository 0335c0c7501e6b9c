//! What can go wrong, as pure seeded scripts: a parcel of bytes in, a verdict out.
//!
//! No I/O, no clock, no import of ours. Time is a number of microseconds that the caller hands in, chance comes from a
//! seed, and so a script says the same whenever it is asked the same: in the simulator, in virtual time, or in a
//! proxy, in real time. A fault never does anything; its caller carries out the verdict.
//!
//! * [`path`]: what becomes of bytes on their way ([`Fault`], one file each, put together by [`Path`]);
//! * [`peer`]: what a server does to requests, PINGs and resets, and how a process pauses.
//!
//! To add a fault: one file in `path/`, one type that implements [`Fault`], a header that says which real failure
//! it stands for, and a test that asks it for verdicts. Faults see every parcel at most once, at the time it is sent.

mod chance;
mod parcel;
pub mod path;
pub mod peer;

pub use chance::Chance;
pub use parcel::{Direction, Fault, Flow, Micros, Parcel, Verdict};
pub use path::Path;
