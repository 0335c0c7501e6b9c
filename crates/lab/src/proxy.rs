//! The proxy that contestants dial: every connection to it becomes a wire.
//!
//! It stands between contestant and origin as the network does in production, and knows as little of HTTP and TLS.
//!
//! Invariant: one accepted connection is one wire is one connection to the origin.
//! Next: `wire.rs`, a wire's life.

use std::{net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, task::JoinSet};

use crate::{wire, wires::Wires};

/// Accepts until it is dropped, and all wires with it.
pub(crate) async fn run(listener: TcpListener, origin: SocketAddr, wires: Arc<Wires>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let wires = Arc::clone(&wires);
                    let id = wires.open();
                    tasks.spawn(async move { wire::live(id, client, origin, &wires).await });
                }
                // A connection that was gone before it was accepted, or no file descriptor left. Neither is the
                // proxy's end, and the second must not become a busy loop.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// The fixture's own test, and the way in for a newcomer: what a wire does, and what `stall` does to it.
#[cfg(test)]
mod tests {
    use std::{io, sync::Arc, time::Duration};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        task::JoinHandle,
        time::timeout,
    };

    use super::run;
    use crate::{clock::Clock, fault::Fault, record::writer, wires::Wires};

    /// Long enough for anything that happens on a busy machine; waited out only when a test fails.
    const SOON: Duration = Duration::from_secs(20);

    /// An origin that echoes, a proxy in front of it, and its wires.
    struct Bench {
        proxy: std::net::SocketAddr,
        wires: Arc<Wires>,
        /// What the origin's connections end with, in the order in which they were accepted.
        served: tokio::sync::mpsc::UnboundedReceiver<JoinHandle<io::Result<u64>>>,
        _dir: tempfile::TempDir,
    }

    async fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, _writer) = writer::create(&dir.path().join("record"), Clock::start()).unwrap();
        let wires = Arc::new(Wires::new(recorder));
        let origin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap();
        tokio::spawn(run(listener, origin.local_addr().unwrap(), Arc::clone(&wires)));
        let (accepted, served) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((connection, _)) = origin.accept().await {
                accepted.send(tokio::spawn(echo(connection))).unwrap();
            }
        });
        Bench { proxy, wires, served, _dir: dir }
    }

    async fn echo(mut connection: TcpStream) -> io::Result<u64> {
        let (mut read, mut write) = connection.split();
        tokio::io::copy(&mut read, &mut write).await
    }

    async fn says(client: &mut TcpStream, word: &[u8; 4]) -> io::Result<()> {
        client.write_all(word).await?;
        let mut heard = [0; 4];
        client.read_exact(&mut heard).await?;
        assert_eq!(&heard, word);
        Ok(())
    }

    #[tokio::test]
    async fn a_wire_is_transparent() {
        let mut bench = bench().await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 4]).await.unwrap(), 0, "the origin's FIN comes through");
        let origin = bench.served.recv().await.unwrap();
        assert_eq!(origin.await.unwrap().unwrap(), 4);
        assert_eq!(bench.wires.dials(), 1);
    }

    #[tokio::test]
    async fn a_stalled_wire_is_silent_and_open_and_the_others_go_on() {
        let mut bench = bench().await;
        let mut cut = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut cut, b"ping").await.unwrap();
        let origin = bench.served.recv().await.unwrap();

        let mut rng = fastrand::Rng::with_seed(1);
        assert_eq!(bench.wires.cut_one(&mut rng, Fault::Stall), Some(1));
        assert_eq!(bench.wires.cut_one(&mut rng, Fault::Stall), None, "a wire is cut once");

        // The write succeeds: the kernel takes it, as it would with a peer that sleeps.
        cut.write_all(b"lost").await.unwrap();

        // Another wire lives through the same time, many round trips of it; nothing came back on the first by then,
        // neither bytes nor an end.
        let mut other = TcpStream::connect(bench.proxy).await.unwrap();
        for _ in 0..100 {
            says(&mut other, b"pong").await.unwrap();
        }
        assert_eq!(cut.try_read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::WouldBlock);

        // The client gives up and closes. The origin never hears of it.
        drop(cut);
        for _ in 0..100 {
            says(&mut other, b"pong").await.unwrap();
        }
        assert!(!origin.is_finished(), "no FIN and no RST reached the origin");
        assert_eq!(bench.wires.cut_one(&mut rng, Fault::Stall), Some(2), "the other one is still live");
    }

    #[tokio::test]
    async fn a_wire_that_closes_cannot_be_cut() {
        let mut bench = bench().await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        drop(client);
        let origin = bench.served.recv().await.unwrap();
        timeout(SOON, origin).await.expect("the origin hears of the end").unwrap().unwrap();
        assert_eq!(bench.wires.cut_one(&mut fastrand::Rng::with_seed(1), Fault::Stall), None);
    }
}
