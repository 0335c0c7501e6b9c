//! One wire: a TCP connection from the contestant, one to the origin, and the copying between them.
//!
//! The pump is a future that borrows both sockets. A cut drops it between two polls, at once and in both directions,
//! and the sockets go to the fault. So nothing in the pump has to know which faults exist.
//!
//! Invariant: without a fault a wire is transparent: bytes in order, a half-close passed on, the end of one side is the
//! end of the other.
//! Next: `fault/mod.rs`, what happens after a cut; the tests of `proxy.rs` show all of it.

use std::{io, net::SocketAddr, sync::OnceLock};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
};

use crate::{
    fault::{self, Ends},
    frames::Frames,
    late::Late,
    record::{Side, WireId},
    wires::{Gate, Wires},
};

/// What is read before it is written on; the size of `io.Copy`'s buffer in the issue's own proxy.
const CHUNK: usize = 32 * 1024;

/// Lives the life of a wire, from the accepted connection to the end.
pub(crate) async fn live(wire: WireId, client: TcpStream, origin: SocketAddr, wires: &Wires) {
    wires.gate().pass().await;
    // Until one end is seen to close.
    let first = OnceLock::new();
    if let Ok(mut ends) = connect(client, origin).await
        && let (Ok(near), Ok(dialled)) = (ends.client.peer_addr(), ends.client.local_addr())
        && let Ok(far) = ends.origin.local_addr()
    {
        let cut = wires.establish(wire, (near.port(), dialled), far.port());
        if wires.in_clear() {
            // Without TLS there is no more to a dial than this.
            _ = wires.dialled(wire);
        }
        let closing = |side| {
            first.get_or_init(|| side);
            wires.closing(wire);
        };
        tokio::select! {
            // First the cut, so that nothing is copied once it is there.
            biased;
            Ok(fault) = cut => {
                return fault.take_over(ends, || wires.closed(wire, Side::Client)).await;
            }
            _ = pump(&mut ends, wire, wires, &closing) => {}
        }
    }
    wires.closed(wire, first.into_inner().unwrap_or(Side::Origin));
}

/// Lives the life of a wire whose path is dead: accepted, and silent.
pub(crate) async fn dead(wire: WireId, client: TcpStream, wires: &Wires) {
    fault::silence(&client, || wires.closed(wire, Side::Client)).await;
}

async fn connect(client: TcpStream, origin: SocketAddr) -> io::Result<Ends> {
    client.set_nodelay(true)?;
    let origin = TcpStream::connect(origin).await?;
    origin.set_nodelay(true)?;
    Ok(Ends { client, origin })
}

/// One direction of a pump.
struct Direction<'a> {
    wire: WireId,
    wires: &'a Wires,
    gate: Gate,
    /// Where it begins.
    from: Side,
    /// What it says, where the proxy can read it.
    frames: Option<Frames>,
    late: Option<Late>,
}

async fn pump(
    ends: &mut Ends,
    wire: WireId,
    wires: &Wires,
    closing: &(impl Fn(Side) + Sync),
) -> io::Result<()> {
    let (from_client, to_client) = ends.client.split();
    let (from_origin, to_origin) = ends.origin.split();
    let direction = |from| Direction {
        wire,
        wires,
        gate: wires.gate(),
        from,
        frames: wires.in_clear().then(|| Frames::from(from)),
        late: wires.late(wire, from),
    };
    tokio::try_join!(
        direction(Side::Client).pass(from_client, to_origin, closing),
        direction(Side::Origin).pass(from_origin, to_client, closing)
    )?;
    Ok(())
}

impl Direction<'_> {
    async fn pass(
        mut self,
        from: ReadHalf<'_>,
        to: WriteHalf<'_>,
        closing: &(impl Fn(Side) + Sync),
    ) -> io::Result<()> {
        match self.late.take() {
            Some(late) => late.pass(from, to, &|| closing(self.from)).await,
            None => self.pass_at_once(from, to, closing).await,
        }
    }

    async fn pass_at_once(
        &mut self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        closing: &(impl Fn(Side) + Sync),
    ) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let n = from.read(&mut chunk).await.inspect_err(|_| closing(self.from))?;
            self.gate.pass().await;
            if n == 0 {
                closing(self.from);
                return to.shutdown().await;
            }
            if let Some(frames) = &mut self.frames {
                frames.read(&chunk[..n], |frame| self.wires.frame(self.wire, frame));
            }
            to.write_all(&chunk[..n]).await.inspect_err(|_| closing(self.from.other()))?;
        }
    }
}
