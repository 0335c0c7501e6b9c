//! What can go wrong on the way, one file each, and [`Path`], which puts them together.

mod blackhole;
mod delay;
mod ecmp;
mod flapping;
mod jitter;
mod loss;
mod narrow;
mod nat;
mod stall;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

pub use blackhole::Blackhole;
pub use delay::Delay;
pub use ecmp::Ecmp;
pub use flapping::Flapping;
pub use jitter::Jitter;
pub use loss::Loss;
pub use narrow::Narrow;
pub use nat::Nat;
pub use stall::Stall;

use crate::{Fault, Parcel, Verdict};

/// The way between a client and an address: all that is wrong with it, in the order in which parcels meet it.
///
/// A fault behind the one that drops a parcel never sees it: a NAT behind a dead link is not refreshed.
#[derive(Default)]
pub struct Path(Vec<Box<dyn Fault + Send>>);

impl Path {
    /// Adds a fault at the far end.
    pub fn push(&mut self, fault: impl Fault + Send + 'static) {
        self.0.push(Box::new(fault));
    }
}

impl Fault for Path {
    fn judge(&mut self, parcel: &Parcel) -> Verdict {
        let mut verdict = Verdict::Pass;
        for fault in &mut self.0 {
            verdict = verdict.and(fault.judge(parcel));
            if verdict == Verdict::Drop {
                break;
            }
        }
        verdict
    }

    fn is_open(&self, parcel: &Parcel) -> bool {
        self.0.iter().all(|fault| fault.is_open(parcel))
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path of {} faults", self.0.len())
    }
}
