//! What can carry connections besides TCP? Unix sockets, and hooks; and how long may each phase of a dial take?

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use outlive::{
    Builder, Client, Connect, Connecting, Destination, ErrorKind, Phase, Protocol, Proxies, Proxy, Resolve,
    Resolving, Sent,
};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::fixture::{Server, Speech, at_rest, eventually, text};

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let path = std::env::temp_dir().join(format!("outlive-{}-{speech:?}", std::process::id()));
        _ = std::fs::remove_file(&path);
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let to = server.address;
        let forward = tokio::spawn(async move {
            let mut pipes = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(to).await.unwrap();
                pipes.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
        let client = server.builder().unix_socket(&path).build();
        // The URI's host leads nowhere: only its scheme and its name count.
        let scheme = if speech.is_tls() { "https" } else { "http" };
        for _ in 0..3 {
            let response = client.request(get(&format!("{scheme}://localhost:1/host"))).await.unwrap();
            assert_eq!(text(response).await, "localhost:1", "{speech:?}");
        }
        drop(client);
        forward.abort();
        std::fs::remove_file(&path).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_that_is_not_there() {
    let client = Client::builder().unix_socket("/nowhere/at/all").build();
    let error = client.request(get("http://localhost/")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Dial, Sent::Never));
}

/// Connects by TCP to `to` when it is let.
struct Hook {
    to: SocketAddr,
    gate: Semaphore,
    calls: AtomicUsize,
}

impl Hook {
    fn to(to: SocketAddr) -> Arc<Self> {
        Arc::new(Self { to, gate: Semaphore::new(0), calls: AtomicUsize::new(0) })
    }
}

impl Connect for Hook {
    fn connect<'a>(&'a self, to: &'a Destination) -> Connecting<'a> {
        assert_eq!((to.host(), to.port(), to.address()), ("localhost", 7, None));
        self.calls.fetch_add(1, SeqCst);
        Box::pin(async {
            self.gate.acquire().await?.forget();
            Ok(Box::new(TcpStream::connect(self.to).await?) as _)
        })
    }
}

#[tokio::test]
async fn a_hook_and_a_request_given_up_while_it_dials() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let hook = Hook::to(server.address);
        let client = server.builder().connector(Arc::clone(&hook)).build();
        let scheme = if speech.is_tls() { "https" } else { "http" };
        let uri = format!("{scheme}://localhost:7/hello");
        let first = tokio::spawn(client.request(get(&uri)));
        eventually("the hook is called", async || hook.calls.load(SeqCst) > 0).await;
        let others: Vec<_> = (0..8).map(|_| tokio::spawn(client.request(get(&uri)))).collect();
        eventually("all wait", async || client.counts().0 == 9).await;
        first.abort();
        eventually("one is gone", async || client.counts().0 == 8).await;
        hook.gate.add_permits(100);
        for other in others {
            assert_eq!(text(other.await.unwrap().unwrap()).await, "hello", "{speech:?}");
        }
        // Never one per waiter but where each needs its own (HTTP/1.1).
        assert!(!speech.is_http2() || hook.calls.load(SeqCst) <= 4);
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn a_hook_that_wants_addresses_gets_one_at_a_time() {
    /// The first address is silent, as a blackhole is.
    struct Picky(SocketAddr);
    impl Connect for Picky {
        fn connect<'a>(&'a self, to: &'a Destination) -> Connecting<'a> {
            let address = to.address().unwrap();
            Box::pin(async move {
                if address.port() == 1 {
                    std::future::pending::<()>().await;
                }
                assert_eq!(address, self.0);
                Ok(Box::new(TcpStream::connect(address).await?) as _)
            })
        }
        fn needs_address(&self) -> bool {
            true
        }
    }
    struct Two(SocketAddr);
    impl Resolve for Two {
        fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolving<'a> {
            Box::pin(async { Ok(vec![SocketAddr::from(([127, 0, 0, 1], 1)), self.0]) })
        }
    }
    for speech in [Speech::Http1, Speech::Http2] {
        let server = Server::start(speech).await;
        let client = server.builder().resolver(Two(server.address)).connector(Picky(server.address)).build();
        assert_eq!(text(client.request(get("http://somewhere/hello")).await.unwrap()).await, "hello");
    }
}

/// Opens pipes that say nothing, or never opens any.
struct Silent {
    opens: bool,
}

impl Connect for Silent {
    fn connect<'a>(&'a self, _to: &'a Destination) -> Connecting<'a> {
        Box::pin(async {
            if !self.opens {
                std::future::pending::<()>().await;
            }
            let (near, far) = tokio::io::duplex(65_536);
            // Nobody reads it, and nobody closes it.
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(far);
            });
            Ok(Box::new(near) as _)
        })
    }
}

struct Speechless;

impl Resolve for Speechless {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

async fn phase_of(builder: Builder, uri: &str) -> Phase {
    let error = builder.build().request(get(uri)).await.unwrap_err();
    assert!(error.is_timeout() && error.sent() == Sent::Never, "{error:?}");
    match error.kind() {
        ErrorKind::Timeout(phase) => phase,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn each_phase_of_a_dial_has_its_limit() {
    let short = Duration::from_millis(15);
    let proxies = || Proxies::all(Proxy::new("http://proxy.test").unwrap());
    let table = [
        (Client::builder().resolver(Speechless).resolve_timeout(short), "http://a/", Phase::Resolve),
        (
            Client::builder().connector(Silent { opens: false }).tcp_timeout(short),
            "http://a/",
            Phase::Connect,
        ),
        (Client::builder().connector(Silent { opens: true }).tls_timeout(short), "https://a/", Phase::Tls),
        (
            Client::builder().connector(Silent { opens: true }).proxies(proxies()).proxy_timeout(short),
            "https://a/",
            Phase::Proxy,
        ),
        // Without limits of their own they share the whole one.
        (Client::builder().resolver(Speechless).connect_timeout(short), "http://a/", Phase::Resolve),
        (
            Client::builder().connector(Silent { opens: false }).connect_timeout(short),
            "http://a/",
            Phase::Connect,
        ),
        (
            Client::builder().connector(Silent { opens: true }).connect_timeout(short),
            "https://a/",
            Phase::Tls,
        ),
    ];
    for (builder, uri, phase) in table {
        let what = format!("{builder:?}");
        assert_eq!(phase_of(builder.only_added_roots(), uri).await, phase, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_never_answers_ends_in_an_error() {
    // After the dial's limit, however the pool races and renews its dials meanwhile.
    let limits = [None, Some(Duration::from_millis(700)), Some(Duration::from_secs(120))];
    for (protocol, limit) in
        [Protocol::Http1, Protocol::Http2].into_iter().flat_map(|p| limits.map(|l| (p, l)))
    {
        let builder = || match limit {
            None => Client::builder().protocol(protocol),
            Some(limit) => Client::builder().protocol(protocol).connect_timeout(limit),
        };
        let check = async |builder: Builder, uri, phase| {
            let start = Instant::now();
            assert_eq!(phase_of(builder.only_added_roots(), uri).await, phase, "{protocol:?}");
            let late = start.elapsed().abs_diff(limit.unwrap_or(Duration::from_secs(10)));
            assert!(late <= Duration::from_millis(102), "{protocol:?} {phase:?}: {late:?}"); // virtual time
        };
        check(builder().connector(Silent { opens: false }), "http://a/", Phase::Connect).await;
        check(builder().connector(Silent { opens: true }), "https://a/", Phase::Tls).await;
        check(builder().resolver(Speechless), "http://a/", Phase::Resolve).await;
    }
}
