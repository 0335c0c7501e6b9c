//! The question that every path fault answers: what becomes of this parcel?

/// Microseconds: a length of time, or an instant counted from a start that the caller chose.
pub type Micros = u64;

/// A flow, by a number that stands for its addresses and ports: what a router hashes and a NAT remembers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Flow(pub u64);

/// Which way a parcel travels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// From client to server.
    Out,
    /// From server to client.
    Back,
}

/// Bytes that travel together: a packet, or what a proxy read in one go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parcel {
    /// Whose.
    pub flow: Flow,
    /// Which way.
    pub direction: Direction,
    /// When it is sent.
    pub at: Micros,
    /// How long it is.
    pub bytes: u32,
}

/// What becomes of a parcel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// It arrives at once.
    Pass,
    /// It arrives this much later.
    Delay(Micros),
    /// Somebody on the way takes it, acknowledges it to the sender's kernel, and never passes it on.
    Hold,
    /// It is lost; the sender's kernel will notice and send it again.
    Drop,
}

impl Verdict {
    /// What two faults on one path come to: the worse verdict, or both delays.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Delay(one), Self::Delay(other)) => Self::Delay(one.saturating_add(other)),
            (one, other) => one.max(other),
        }
    }
}

/// Something that can go wrong on a path.
pub trait Fault {
    /// What becomes of this parcel. Asked once for each parcel, in the order of their times.
    fn judge(&mut self, parcel: &Parcel) -> Verdict;

    /// Whether parcels like this one can get through at all, apart from chance: the truth that a client can only guess.
    fn is_open(&self, _: &Parcel) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::*;

    #[test]
    fn the_worse_verdict_wins_and_delays_add_up() {
        assert_eq!(Pass.and(Delay(3)), Delay(3));
        assert_eq!(Delay(2).and(Delay(3)), Delay(5));
        assert_eq!(Delay(2).and(Hold), Hold);
        assert_eq!(Drop.and(Hold), Drop);
    }
}
