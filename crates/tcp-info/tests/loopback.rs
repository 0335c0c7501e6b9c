//! Do the figures tell the truth about a real connection? On the loopback, where nothing is lost.
//!
//! Nothing here asserts a time: tests wait, bounded, until the kernel says what it must come to say. Next: `src/layout.rs`, which is
//! tested on made-up bytes.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use outlive_tcp_info::TcpInfo;

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    near.set_nodelay(true).unwrap();
    (near, listener.accept().unwrap().0)
}

/// The figures, once they are like that; fails after ten seconds.
fn once(socket: &TcpStream, what: &str, is_so: impl Fn(&TcpInfo) -> bool) -> TcpInfo {
    let mut last = TcpInfo::of(socket).unwrap();
    for _ in 0..5_000 {
        if is_so(&last) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(2));
        last = TcpInfo::of(socket).unwrap();
    }
    panic!("it never came about that {what}: {last:?}");
}

#[test]
fn what_was_read_is_acknowledged() {
    let (mut near, mut far) = pair();
    near.write_all(&[b'x'; 1000]).unwrap();
    far.read_exact(&mut [0; 1000]).unwrap();
    let info = once(&near, "all is acknowledged", |info| info.unacked == 0);
    assert!(info.bytes_acked.is_none_or(|bytes| bytes == 1001), "and the SYN: {info:?}");
    assert!(info.unsent.is_none_or(|bytes| bytes == 0), "{info:?}");
    assert_eq!((info.retransmits, info.timeouts), (0, 0), "nothing is lost on the loopback");
    assert!(info.rtt > Duration::ZERO, "{info:?}");
}

#[test]
fn an_acknowledgement_is_new_when_it_comes_and_grows_old() {
    let (mut near, mut far) = pair();
    let old = once(&near, "the last one is 50 ms old", |info| info.last_ack >= Duration::from_millis(50));
    for _ in 0..100 {
        far.write_all(b"x").unwrap();
        near.read_exact(&mut [0; 1]).unwrap();
        if TcpInfo::of(&near).unwrap().last_ack < old.last_ack {
            return;
        }
    }
    panic!("the last one stays as old as {:?}", old.last_ack);
}

/// The other kernel takes it, the program does not; then the kernel takes no more either.
#[test]
fn a_peer_that_reads_nothing() {
    let (mut near, _far) = pair();
    near.write_all(&[b'x'; 1000]).unwrap();
    let info = once(&near, "its kernel has it", |info| info.unacked == 0);
    assert_eq!(info.retransmits, 0);
    near.set_nonblocking(true).unwrap();
    // Both kernels' buffers together are far smaller than this.
    for _ in 0..10_000 {
        if near.write(&[b'x'; 65_536]).is_err() {
            let full = once(&near, "it is told to send no more", |info| {
                info.unacked == 0 && info.window.is_none_or(|bytes| bytes == 0)
            });
            assert!(full.unsent.is_none_or(|bytes| bytes > 0), "{full:?}");
            assert!(full.bytes_acked.is_none_or(|bytes| bytes > 1001), "{full:?}");
            return;
        }
    }
    panic!("the socket takes bytes without end");
}

#[test]
fn what_is_not_tcp_has_none() {
    assert!(TcpInfo::of(&UdpSocket::bind("127.0.0.1:0").unwrap()).is_err());
    assert!(TcpInfo::of(&UnixStream::pair().unwrap().0).is_err());
}
