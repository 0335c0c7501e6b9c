//! The proxy that contestants dial: every connection to it becomes a wire.
//!
//! It stands between contestant and origin as the network does in production, and knows as little of HTTP and TLS.
//!
//! Invariant: one accepted connection is one wire is one connection to the origin.
//! Next: `wire.rs`, a wire's life.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    record::{Side, WireId},
    wire,
    wires::{Standing, Wires},
};

/// Accepts until it is dropped, and all wires with it.
pub(crate) async fn run(listener: TcpListener, origin: SocketAddr, wires: Arc<Wires>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, near)) => {
                    let wires = Arc::clone(&wires);
                    let id = wires.open();
                    if wires.standing() == Standing::Down {
                        refuse(id, client, &wires);
                    } else if wires.is_doomed(id, near.port()) {
                        tasks.spawn(async move { wire::dead(id, client, &wires).await });
                    } else {
                        tasks.spawn(async move { wire::live(id, client, origin, &wires).await });
                    }
                }
                // A connection that was gone before it was accepted, or no file descriptor left. Neither is the
                // proxy's end, and the second must not become a busy loop.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// An origin that is down has nobody who listens: RST. (Here it follows the handshake that the kernel has done already.)
fn refuse(wire: WireId, client: TcpStream, wires: &Wires) {
    // It fails for a socket that is closed already.
    _ = client.set_zero_linger();
    drop(client);
    wires.closed(wire, Side::Origin);
}

/// The fixture's own test, and the way in for a newcomer: what a wire does, and what `stall` does to it.
#[cfg(test)]
mod tests {
    use std::{io, sync::Arc, time::Duration};

    use outlive_fault::Direction;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        task::JoinHandle,
        time::timeout,
    };

    use super::run;
    use crate::{
        clock::Clock,
        fault::Fault,
        plan::{Plan, Which},
        record::writer::{self, Recorder},
        scenario,
        wires::{Standing, Way, Wires},
    };

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

    impl Bench {
        /// The wires that are hit.
        fn strike(&self, fault: Fault, rng: &mut fastrand::Rng) -> Vec<u64> {
            self.wires.cut(rng, fault, Which::Random).wires
        }
    }

    async fn bench() -> Bench {
        bench_of("quick").await
    }

    async fn bench_of(scenario: &str) -> Bench {
        bench_with(scenario, Wires::new).await
    }

    async fn bench_with(scenario: &str, wires: fn(&Plan, Recorder) -> Wires) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, _writer) = writer::create(&dir.path().join("record"), Clock::start()).unwrap();
        let wires = Arc::new(wires(&scenario::plan(scenario).unwrap(), recorder));
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
        assert_eq!(bench.strike(Fault::Stall, &mut rng), [1]);
        assert_eq!(bench.strike(Fault::Stall, &mut rng), [0; 0], "a wire is cut once");

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
        assert_eq!(bench.strike(Fault::Stall, &mut rng), [2], "the other one is still live");
    }

    #[tokio::test]
    async fn a_wire_that_closes_cannot_be_cut() {
        let mut bench = bench().await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        drop(client);
        let origin = bench.served.recv().await.unwrap();
        timeout(SOON, origin).await.expect("the origin hears of the end").unwrap().unwrap();
        assert_eq!(bench.strike(Fault::Stall, &mut fastrand::Rng::with_seed(1)), [0; 0]);
    }

    /// A connection that has said and heard something, struck by this fault.
    async fn struck(fault: Fault) -> (Bench, TcpStream, JoinHandle<io::Result<u64>>) {
        let mut bench = bench().await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        let origin = bench.served.recv().await.unwrap();
        assert_eq!(bench.strike(fault, &mut fastrand::Rng::with_seed(1)), [1]);
        (bench, client, origin)
    }

    /// What is written arrives at the origin, or not; what the origin would send back does not arrive.
    async fn one_way(fault: Fault, arrives: bool) {
        let (bench, mut client, origin) = struck(fault).await;
        client.write_all(b"lost").await.unwrap();
        let mut other = TcpStream::connect(bench.proxy).await.unwrap();
        for _ in 0..100 {
            says(&mut other, b"pong").await.unwrap();
        }
        assert_eq!(client.try_read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        client.shutdown().await.unwrap();
        if arrives {
            // Its end is not passed on, so the echo can't end; but the other way the FIN would come back.
            for _ in 0..100 {
                says(&mut other, b"pong").await.unwrap();
            }
        }
        assert!(!origin.is_finished());
    }

    #[tokio::test]
    async fn one_direction_alone_is_silent() {
        one_way(Fault::StallUp, false).await;
        one_way(Fault::StallDown, true).await;
    }

    #[tokio::test]
    async fn a_reset_is_an_error_at_both_ends() {
        let (_bench, mut client, origin) = struck(Fault::Reset).await;
        let error = timeout(SOON, client.read(&mut [0; 4])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(timeout(SOON, origin).await.unwrap().unwrap().is_err());
    }

    #[tokio::test]
    async fn a_fin_is_an_end_at_both_ends() {
        let (_bench, mut client, origin) = struck(Fault::Fin).await;
        assert_eq!(timeout(SOON, client.read(&mut [0; 4])).await.unwrap().unwrap(), 0);
        assert_eq!(timeout(SOON, origin).await.unwrap().unwrap().unwrap(), 4);
    }

    #[tokio::test]
    async fn a_pause_holds_everything_back_and_loses_nothing() {
        let mut bench = bench().await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        bench.served.recv().await.unwrap();
        bench.wires.stand(Standing::Paused);
        assert_eq!(bench.strike(Fault::Pause, &mut fastrand::Rng::with_seed(1)), [1]);
        client.write_all(b"wait").await.unwrap();
        let mut new = TcpStream::connect(bench.proxy).await.unwrap();
        new.write_all(b"wait").await.unwrap();
        assert!(bench.served.try_recv().is_err(), "the origin does not hear of it yet");
        bench.wires.stand(Standing::Up);
        for client in [&mut client, &mut new] {
            let mut heard = [0; 4];
            timeout(SOON, client.read_exact(&mut heard)).await.unwrap().unwrap();
            assert_eq!(&heard, b"wait");
        }
        assert_eq!(
            bench.strike(Fault::Stall, &mut fastrand::Rng::with_seed(1)).len(),
            1,
            "a pause cuts nothing"
        );
    }

    #[tokio::test]
    async fn an_origin_that_is_down_resets_what_is_new() {
        let bench = bench().await;
        bench.wires.stand(Standing::Down);
        let refused = async {
            let mut client = TcpStream::connect(bench.proxy).await?;
            client.read(&mut [0; 4]).await
        };
        assert_eq!(timeout(SOON, refused).await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_way_that_takes_time_loses_and_swaps_nothing() {
        let mut bench = bench_of("far").await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        for word in [b"1111", b"2222", b"3333"] {
            client.write_all(word).await.unwrap();
        }
        client.shutdown().await.unwrap();
        let mut heard = Vec::new();
        timeout(SOON, client.read_to_end(&mut heard)).await.unwrap().unwrap();
        assert_eq!(heard, b"111122223333");
        let origin = bench.served.recv().await.unwrap();
        assert_eq!(timeout(SOON, origin).await.unwrap().unwrap().unwrap(), 12);
    }
    #[tokio::test]
    async fn a_hand_holds_one_wire_and_what_waits_arrives() {
        let mut bench = bench_with("quick", Wires::by_hand).await;
        let mut held = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut held, b"ping").await.unwrap();
        let origin = bench.served.recv().await.unwrap();
        assert!(bench.wires.take_in_hand(1, Way::Held));
        held.write_all(b"wait").await.unwrap();
        let mut other = TcpStream::connect(bench.proxy).await.unwrap();
        for _ in 0..100 {
            says(&mut other, b"pong").await.unwrap();
        }
        assert_eq!(held.try_read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        held.write_all(b"also").await.unwrap();
        assert!(bench.wires.take_in_hand(1, Way::Late(Duration::from_millis(1))));
        held.write_all(b"late").await.unwrap();
        assert!(bench.wires.take_in_hand(1, Way::Open));
        held.write_all(b"last").await.unwrap();
        held.shutdown().await.unwrap();
        let mut heard = Vec::new();
        timeout(SOON, held.read_to_end(&mut heard)).await.unwrap().unwrap();
        assert_eq!(heard, b"waitalsolatelast");
        assert_eq!(timeout(SOON, origin).await.unwrap().unwrap().unwrap(), 20);
        assert!(!bench.wires.take_in_hand(1, Way::Held), "it has ended");
        assert!(!bench.wires.take_in_hand(3, Way::Held), "there is none");
    }

    #[tokio::test]
    async fn who_closes_a_wire_that_is_held_ends_it() {
        let mut bench = bench_with("quick", Wires::by_hand).await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        let origin = bench.served.recv().await.unwrap();
        assert!(bench.wires.take_in_hand(1, Way::Held));
        client.write_all(b"lost").await.unwrap();
        drop(client);
        // What it had written is lost with it, and the way to the origin is no more.
        assert_eq!(timeout(SOON, origin).await.unwrap().unwrap().unwrap_or(4), 4);
        assert!(!bench.wires.take_in_hand(1, Way::Open));
    }

    #[tokio::test]
    async fn a_hand_holds_one_direction_and_the_other_goes_on() {
        let mut bench = bench_with("quick", Wires::by_hand).await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        let origin = bench.served.recv().await.unwrap();
        assert!(bench.wires.take_in_hand(1, Way::HalfHeld(Direction::Back)));
        client.write_all(b"come").await.unwrap();
        client.shutdown().await.unwrap();
        // The origin has it all, and hears of the end. Nobody is left to let go of a wire that is ending, so what it said
        // arrives, too.
        assert_eq!(timeout(SOON, origin).await.unwrap().unwrap().unwrap(), 8);
        let mut heard = Vec::new();
        timeout(SOON, client.read_to_end(&mut heard)).await.unwrap().unwrap();
        assert_eq!(heard, b"come");
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        let origin = bench.served.recv().await.unwrap();
        assert!(bench.wires.take_in_hand(2, Way::HalfHeld(Direction::Out)));
        client.write_all(b"stay").await.unwrap();
        drop(client);
        assert_eq!(timeout(SOON, origin).await.unwrap().unwrap().unwrap_or(4), 4);
        assert!(!bench.wires.take_in_hand(2, Way::Open), "it has ended");
    }

    #[tokio::test]
    async fn only_wires_that_are_made_for_it_are_taken_in_hand() {
        let mut bench = bench().await;
        let mut client = TcpStream::connect(bench.proxy).await.unwrap();
        says(&mut client, b"ping").await.unwrap();
        bench.served.recv().await.unwrap();
        assert!(!bench.wires.take_in_hand(1, Way::Held));
    }
}
