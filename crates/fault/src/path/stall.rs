//! Stall: a middlebox stops copying, but keeps both sockets open, and its kernel goes on acknowledging (the fault of
//! golang/go issue 63422). The sender's kernel sees nothing wrong, ever; only a missing answer tells.

use crate::{Fault, Flow, Micros, Parcel, Verdict};

/// One flow whose bytes are taken and never passed on.
#[derive(Clone, Debug)]
pub struct Stall {
    flow: Flow,
    from: Micros,
}

impl Stall {
    /// `flow` is stalled from then on, both ways.
    pub fn of(flow: Flow, from: Micros) -> Self {
        Self { flow, from }
    }
}

impl Fault for Stall {
    fn judge(&mut self, parcel: &Parcel) -> Verdict {
        if self.is_open(parcel) { Verdict::Pass } else { Verdict::Hold }
    }

    fn is_open(&self, parcel: &Parcel) -> bool {
        !(parcel.flow == self.flow && parcel.at >= self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{BACK, OUT, packet};

    #[test]
    fn holds_one_flow_and_loses_nothing_of_others() {
        let mut stall = Stall::of(Flow(1), 50);
        assert_eq!(stall.judge(&packet(1, OUT, 49)), Verdict::Pass);
        assert_eq!(stall.judge(&packet(1, BACK, 50)), Verdict::Hold);
        assert_eq!(stall.judge(&packet(2, OUT, 99)), Verdict::Pass);
    }
}
