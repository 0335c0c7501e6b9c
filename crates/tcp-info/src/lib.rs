//! What the kernel knows of a TCP connection: what is not acknowledged, how often it was sent again, when the other end was
//! last heard of.
//!
//! On Linux that is `TCP_INFO` (tcp(7); `struct tcp_info` in the kernel's `include/uapi/linux/tcp.h`), for which no crate had a
//! safe function. This one exists so that nothing else in the workspace needs `unsafe`. Elsewhere the answer is
//! [`std::io::ErrorKind::Unsupported`]. Invariant: no figure is made of bytes that the kernel did not write. Next: `layout`, which
//! reads them, and `linux`, the system call.

mod layout;
#[cfg(target_os = "linux")]
mod linux;

use std::io;
use std::time::Duration;

/// What has a socket.
#[cfg(unix)]
pub use std::os::fd::AsFd as Socket;
/// What has a socket.
#[cfg(windows)]
pub use std::os::windows::io::AsSocket as Socket;
/// What has a socket: here nobody knows.
#[cfg(not(any(unix, windows)))]
pub trait Socket {}
#[cfg(not(any(unix, windows)))]
impl<S: ?Sized> Socket for S {}

/// What the kernel knows of a connection at one moment. `None` are figures that it is too old for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TcpInfo {
    /// Segments sent and not acknowledged (`tcpi_unacked`).
    pub unacked: u32,
    /// Segments ever sent again (`tcpi_total_retrans`), tail loss probes (RFC 8985) included.
    pub retransmits: u32,
    /// Retransmission timeouts (RFC 6298) in a row, since anything new was acknowledged (`tcpi_retransmits`).
    pub timeouts: u8,
    /// The smoothed round-trip time (`tcpi_rtt`).
    pub rtt: Duration,
    /// How long ago an acknowledgement came, to the millisecond or so (`tcpi_last_ack_recv`). Segments with data acknowledge too,
    /// so where only the way there is dead, a peer that sends its own data again keeps this short.
    pub last_ack: Duration,
    /// Bytes acknowledged (`tcpi_bytes_acked`, Linux 4.1), the SYN among them.
    pub bytes_acked: Option<u64>,
    /// Bytes accepted from the program and not sent even once (`tcpi_notsent_bytes`, Linux 4.6).
    pub unsent: Option<u32>,
    /// Bytes that the peer takes at the moment (`tcpi_snd_wnd`, Linux 5.4).
    pub window: Option<u32>,
}

impl TcpInfo {
    /// Asks the kernel: one system call, which waits for nothing.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] where there is no such option; what the system says of a socket that is not TCP's.
    pub fn of(socket: &impl Socket) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        return linux::tcp_info(socket.as_fd());
        #[cfg(not(target_os = "linux"))]
        {
            _ = socket;
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}
