//! A narrow link: so many bytes a second, the rest waits in line. A PING's answer waits behind a large body (measured:
//! 41 ms behind an upload at 20 MB/s, 0.02 ms idle), and that is no sign of death.

use crate::{Direction, Fault, Micros, Parcel, Verdict};

/// A link with a rate and an unbounded queue, each way.
#[derive(Clone, Debug)]
pub struct Narrow {
    bytes_per_second: u64,
    free_at: [Micros; 2],
}

impl Narrow {
    /// A link that carries this much each way.
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), free_at: [0; 2] }
    }
}

impl Fault for Narrow {
    fn judge(&mut self, parcel: &Parcel) -> Verdict {
        let free_at = match parcel.direction {
            Direction::Out => &mut self.free_at[0],
            Direction::Back => &mut self.free_at[1],
        };
        let takes = u64::from(parcel.bytes) * 1_000_000 / self.bytes_per_second;
        *free_at = parcel.at.max(*free_at) + takes;
        Verdict::Delay(*free_at - parcel.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::{BACK, OUT, packet};

    #[test]
    fn what_comes_behind_waits_in_line_each_way_its_own() {
        let mut narrow = Narrow::new(1_000_000); // a packet of 100 bytes takes 100 µs
        assert_eq!(narrow.judge(&packet(1, OUT, 0)), Verdict::Delay(100));
        assert_eq!(narrow.judge(&packet(2, OUT, 0)), Verdict::Delay(200));
        assert_eq!(narrow.judge(&packet(1, BACK, 0)), Verdict::Delay(100));
        assert_eq!(narrow.judge(&packet(1, OUT, 1000)), Verdict::Delay(100));
    }
}
