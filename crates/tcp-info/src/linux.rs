//! The system call, and with it the only `unsafe` block of the workspace.
//!
//! Invariant: the kernel is told how much room there is, and no more is read than it says it wrote. Next: [`crate::layout`].

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use crate::{TcpInfo, layout};

pub(crate) fn tcp_info(socket: BorrowedFd<'_>) -> io::Result<TcpInfo> {
    let mut room = [0_u8; layout::ROOM];
    let mut length = layout::ROOM as libc::socklen_t;
    let into = room.as_mut_ptr().cast::<libc::c_void>();
    // SAFETY: `socket` is open as long as it is borrowed. `into` points to `length` bytes that are ours alone and stay so until the
    // call returns; getsockopt(2) writes at most so many, keeps neither pointer, and `length` is a valid `socklen_t` to write to.
    // Any bytes are valid `u8`.
    #[expect(unsafe_code, reason = "no crate has a safe function for this option")]
    let returned = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, into, &raw mut length)
    };
    if returned != 0 {
        return Err(io::Error::last_os_error());
    }
    let written = room.get(..length as usize).unwrap_or(&room);
    layout::read(written).ok_or_else(|| io::ErrorKind::Unsupported.into())
}
