//! One wire: a TCP connection from the contestant, one to the origin, and the copying between them.
//!
//! The pump is a future that borrows both sockets. A cut drops it between two polls, at once and in both directions,
//! and the sockets go to the fault. So nothing in the pump has to know that faults exist.
//!
//! Invariant: without a cut a wire is transparent: bytes in order, a half-close passed on, the end of one side is the
//! end of the other.
//! Next: `fault/mod.rs`, what happens after a cut; the tests of `proxy.rs` show all of it.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
};

use crate::{fault::Ends, record::WireId, wires::Wires};

/// What is read before it is written on; the size of `io.Copy`'s buffer in the issue's own proxy.
const CHUNK: usize = 32 * 1024;

/// Lives the life of a wire, from the accepted connection to the end.
pub(crate) async fn live(wire: WireId, client: TcpStream, origin: SocketAddr, wires: &Wires) {
    if let Ok(mut ends) = connect(client, origin).await
        && let Ok(address) = ends.origin.local_addr()
    {
        let cut = wires.establish(wire, address.port());
        let closing = || wires.closing(wire);
        tokio::select! {
            // First the cut, so that nothing is copied once it is there.
            biased;
            Ok(fault) = cut => return fault.take_over(ends).await,
            _ = pump(&mut ends, &closing) => {}
        }
    }
    wires.closed(wire);
}

async fn connect(client: TcpStream, origin: SocketAddr) -> io::Result<Ends> {
    client.set_nodelay(true)?;
    let origin = TcpStream::connect(origin).await?;
    origin.set_nodelay(true)?;
    Ok(Ends { client, origin })
}

async fn pump(ends: &mut Ends, closing: &impl Fn()) -> io::Result<()> {
    let (from_client, to_client) = ends.client.split();
    let (from_origin, to_origin) = ends.origin.split();
    tokio::try_join!(pass(from_client, to_origin, closing), pass(from_origin, to_client, closing))?;
    Ok(())
}

async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, closing: &impl Fn()) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let n = from.read(&mut chunk).await?;
        if n == 0 {
            closing();
            return to.shutdown().await;
        }
        to.write_all(&chunk[..n]).await?;
    }
}
