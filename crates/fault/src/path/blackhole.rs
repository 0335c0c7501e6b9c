//! Blackhole: from some moment on, one flow's packets vanish, both ways or one way. No FIN, no RST: a route has changed,
//! or a load balancer has forgotten the flow. Other flows go on, and so do new ones.

use crate::{Direction, Fault, Flow, Micros, Parcel, Verdict};

/// One flow without a path.
#[derive(Clone, Debug)]
pub struct Blackhole {
    flow: Flow,
    direction: Option<Direction>,
    from: Micros,
}

impl Blackhole {
    /// Nothing of `flow` arrives anywhere any more.
    pub fn of(flow: Flow, from: Micros) -> Self {
        Self { flow, direction: None, from }
    }

    /// Only what travels in one direction is lost.
    pub fn one_way(flow: Flow, direction: Direction, from: Micros) -> Self {
        Self { flow, direction: Some(direction), from }
    }
}

impl Fault for Blackhole {
    fn judge(&mut self, parcel: &Parcel) -> Verdict {
        if self.is_open(parcel) { Verdict::Pass } else { Verdict::Drop }
    }

    fn is_open(&self, parcel: &Parcel) -> bool {
        let is_meant = parcel.flow == self.flow && self.direction.is_none_or(|way| way == parcel.direction);
        !(is_meant && parcel.at >= self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{BACK, OUT, packet};

    #[test]
    fn swallows_one_flow_from_its_moment_on() {
        let mut hole = Blackhole::of(Flow(1), 50);
        assert_eq!(hole.judge(&packet(1, OUT, 49)), Verdict::Pass);
        assert_eq!(hole.judge(&packet(1, OUT, 50)), Verdict::Drop);
        assert_eq!(hole.judge(&packet(1, BACK, 50)), Verdict::Drop);
        assert_eq!(hole.judge(&packet(2, OUT, 50)), Verdict::Pass);
    }

    #[test]
    fn one_way_lets_the_other_way_live() {
        let mut hole = Blackhole::one_way(Flow(1), BACK, 0);
        assert_eq!(hole.judge(&packet(1, OUT, 9)), Verdict::Pass);
        assert_eq!(hole.judge(&packet(1, BACK, 9)), Verdict::Drop);
    }
}
