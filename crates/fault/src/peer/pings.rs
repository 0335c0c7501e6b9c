//! A server that counts PINGs: gRPC's C-core and grpc-go allow two "strikes" between two frames with data, a PING that
//! comes sooner than five minutes after the last is one, and the third strike ends the connection with GOAWAY
//! ENHANCE_YOUR_CALM `too_many_pings` (gRFC A8; C-core `ping_abuse_policy.cc`). Measured: 2 between responses are safe.

use crate::Micros;

/// Counts the PINGs of one connection.
#[derive(Clone, Debug)]
pub struct PingPolice {
    strikes_allowed: u32,
    interval: Micros,
    strikes: u32,
    last: Option<Micros>,
}

impl PingPolice {
    /// As gRPC servers do by default.
    pub fn grpc() -> Self {
        Self::new(2, 300_000_000)
    }

    /// A PING sooner than `interval` after the last is a strike; one more than `strikes_allowed` is too many.
    pub fn new(strikes_allowed: u32, interval: Micros) -> Self {
        Self { strikes_allowed, interval, strikes: 0, last: None }
    }

    /// A PING arrived. Says whether that was one too many.
    pub fn ping(&mut self, at: Micros) -> bool {
        let is_strike = self.last.is_some_and(|last| at.saturating_sub(last) < self.interval);
        self.last = Some(at);
        self.strikes += u32::from(is_strike);
        self.strikes > self.strikes_allowed
    }

    /// The server sent a response head or body, which forgives everything.
    pub fn sent_data(&mut self) {
        (self.strikes, self.last) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_strikes_are_borne_and_data_forgives() {
        let mut police = PingPolice::grpc();
        assert_eq!([0, 1, 2].map(|at| police.ping(at)), [false; 3]);
        police.sent_data();
        assert_eq!([3, 4, 5].map(|at| police.ping(at)), [false; 3]);
        assert!(police.ping(6));
    }

    #[test]
    fn patient_pings_are_no_strikes() {
        let mut police = PingPolice::new(0, 10);
        assert!([0, 10, 20, 30].into_iter().all(|at| !police.ping(at)));
        assert!(police.ping(39));
    }
}
