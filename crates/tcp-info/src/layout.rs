//! Where each figure stands in `struct tcp_info`.
//!
//! The structure only grows at its end (`include/uapi/linux/tcp.h`), and older kernels write less of it. Invariant: what is not
//! within the bytes given is `None`. Next: [`crate::TcpInfo`], which is made of it.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux writes it"))]

use std::time::Duration;

use crate::TcpInfo;

/// All that is read here, and some; the kernel writes no more than it is given room for.
pub(crate) const ROOM: usize = 256;

/// The figures in these bytes; `None` if they are fewer than any kernel since 2.6 writes.
pub(crate) fn read(bytes: &[u8]) -> Option<TcpInfo> {
    Some(TcpInfo {
        timeouts: *bytes.get(2)?,
        unacked: u32_at(bytes, 24)?,
        last_ack: Duration::from_millis(u32_at(bytes, 56)?.into()),
        rtt: Duration::from_micros(u32_at(bytes, 68)?.into()),
        retransmits: u32_at(bytes, 100)?,
        bytes_acked: u64_at(bytes, 120),
        unsent: u32_at(bytes, 144),
        window: u32_at(bytes, 228),
    })
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], place: usize) -> Option<u64> {
    bytes.get(place..)?.first_chunk().copied().map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of it, each byte of a figure different from those of the others.
    fn whole() -> Vec<u8> {
        let mut bytes = vec![0; ROOM];
        bytes[2] = 3;
        for (place, value) in [(24, 4), (56, 5_000), (68, 6), (100, 7), (120, 8), (144, 9), (228, 10)]
            .map(|(p, v): (usize, u32)| (p, v))
        {
            bytes[place..place + 4].copy_from_slice(&value.to_ne_bytes());
        }
        if cfg!(target_endian = "big") {
            bytes.copy_within(120..124, 124);
            bytes[120..124].fill(0);
        }
        bytes
    }

    #[test]
    fn a_new_kernels() {
        let info = TcpInfo {
            unacked: 4,
            retransmits: 7,
            timeouts: 3,
            rtt: Duration::from_micros(6),
            last_ack: Duration::from_secs(5),
            bytes_acked: Some(8),
            unsent: Some(9),
            window: Some(10),
        };
        assert_eq!(read(&whole()), Some(info));
    }

    #[test]
    fn an_older_kernels_has_less() {
        let old = read(&whole()[..104]).unwrap();
        assert_eq!((old.retransmits, old.bytes_acked, old.unsent, old.window), (7, None, None, None));
        let linux_4_9 = read(&whole()[..160]).unwrap();
        assert_eq!((linux_4_9.bytes_acked, linux_4_9.unsent, linux_4_9.window), (Some(8), Some(9), None));
        assert_eq!(read(&whole()[..230]).unwrap().window, None, "half a figure is none");
    }

    #[test]
    fn too_little_is_nothing() {
        for length in 0..104 {
            assert_eq!(read(&whole()[..length]), None, "{length} bytes");
        }
    }
}
