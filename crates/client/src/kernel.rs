//! What the kernel knows of a connection's transport, and what that says of a silence.
//!
//! TCP's own signs (Linux: `TCP_INFO`) tell what no answer can: whether the other kernel has what was written. Invariant: the
//! kernel is asked when a connection is in doubt, when a request on such a connection ends, or for a snapshot; never for each
//! request. Next: [`crate::connection`]'s `socket`, who asks; [`outlive_core::Silence`], who judges.

use std::fmt;
use std::time::Duration;

use outlive_core::Figures;
use outlive_tcp_info::TcpInfo;

/// What the kernel says of a transport at one moment (Linux: `TCP_INFO`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Kernel {
    /// Segments sent and not acknowledged by the other kernel.
    pub unacked: u32,
    /// Segments ever sent again.
    pub retransmits: u32,
    /// Retransmission timeouts in a row, since anything new was acknowledged.
    pub timeouts: u32,
    /// TCP's own smoothed round-trip time.
    #[cfg_attr(feature = "serde", serde(serialize_with = "seconds"))]
    pub rtt: Duration,
    /// How long ago the last acknowledgement came.
    #[cfg_attr(feature = "serde", serde(serialize_with = "seconds"))]
    pub last_ack: Duration,
    /// Whether there are bytes that the peer would take and that were not even sent.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) held_back: bool,
}

impl Kernel {
    /// What the pool makes of it. Bytes that our own side holds back have arrived nowhere, whoever is to blame for that: a
    /// firewall on this machine, say, for which the kernel counts nothing as sent.
    pub(crate) fn figures(self) -> Figures {
        let Self { unacked, retransmits, timeouts, held_back, .. } = self;
        Figures { unacked: unacked.max(u32::from(held_back)), retransmits, timeouts }
    }
}

impl From<TcpInfo> for Kernel {
    fn from(info: TcpInfo) -> Self {
        Self {
            unacked: info.unacked,
            retransmits: info.retransmits,
            timeouts: info.timeouts.into(),
            rtt: info.rtt,
            last_ack: info.last_ack,
            held_back: info.unsent.is_some_and(|bytes| bytes > 0) && info.window != Some(0),
        }
    }
}

/// What the kernel puts a connection's silence down to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Silence {
    /// What was written had to be sent again, and nobody acknowledges it: the way to the peer is dead, or its machine is.
    PathDead,
    /// The peer's kernel has acknowledged all that was written, and the program behind it does not answer when asked. (Or
    /// somebody on the way acknowledges in its name: a load balancer that does not pass on what it takes.)
    PeerStalled,
}

impl Silence {
    /// A stable name in `snake_case`, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PathDead => "path_dead",
            Self::PeerStalled => "peer_stalled",
        }
    }

    /// The same in an error's sentence, and whom to ask.
    pub(crate) fn blame_and_advice(self) -> (&'static str, &'static str) {
        match self {
            Self::PathDead => ("path dead: nobody acknowledges what is sent", "check the network"),
            Self::PeerStalled => {
                ("peer stalled: its kernel acknowledges, its program does not answer", "check the server")
            }
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<outlive_core::Silence> for Silence {
    fn from(silence: outlive_core::Silence) -> Self {
        match silence {
            outlive_core::Silence::PathDead => Self::PathDead,
            outlive_core::Silence::PeerStalled => Self::PeerStalled,
        }
    }
}

#[cfg(feature = "serde")]
fn seconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_own_side_holds_back_is_not_acknowledged() {
        let quiet = Kernel {
            unacked: 0,
            retransmits: 0,
            timeouts: 0,
            rtt: Duration::ZERO,
            last_ack: Duration::ZERO,
            held_back: false,
        };
        assert_eq!(quiet.figures().unacked, 0);
        assert_eq!(Kernel { held_back: true, ..quiet }.figures().unacked, 1);
        assert_eq!(Kernel { held_back: true, unacked: 7, ..quiet }.figures().unacked, 7);
    }
}
