//! How are names resolved, and the addresses dialled?

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use outlive::{
    BoxError, Client, Connect, Connecting, Destination, ErrorKind, Protocol, Resolve, Resolving, Sent,
};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::fixture::{Server, Speech, at_rest, eventually, text};

/// A resolver that does as the test says.
#[derive(Clone)]
struct Script(Arc<Told>);

struct Told {
    /// How often it was asked.
    asked: AtomicUsize,
    /// One permit per answer.
    gate: Semaphore,
    answer: Box<dyn Fn(usize) -> Result<Vec<SocketAddr>, BoxError> + Send + Sync>,
}

impl Script {
    /// Answers at once; the function gets the number of the question, from 1.
    fn answering(
        answer: impl Fn(usize) -> Result<Vec<SocketAddr>, BoxError> + Send + Sync + 'static,
    ) -> Self {
        let script = Self::holding_back(answer);
        script.0.gate.add_permits(1_000_000);
        script
    }

    /// Answers each question after one [`Script::answer_one`].
    fn holding_back(
        answer: impl Fn(usize) -> Result<Vec<SocketAddr>, BoxError> + Send + Sync + 'static,
    ) -> Self {
        let (asked, gate) = (AtomicUsize::new(0), Semaphore::new(0));
        Self(Arc::new(Told { asked, gate, answer: Box::new(answer) }))
    }

    fn answer_one(&self) {
        self.0.gate.add_permits(1);
    }

    fn asked(&self) -> usize {
        self.0.asked.load(SeqCst)
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> Resolving<'a> {
        assert_eq!(host, "service.test");
        Box::pin(async move {
            let question = self.0.asked.fetch_add(1, SeqCst) + 1;
            self.0.gate.acquire().await?.forget();
            (self.0.answer)(question)
        })
    }
}

/// A request that takes so long hangs.
const HANG: Duration = Duration::from_secs(60);

fn get(speech: Speech, path: &str) -> Request<Empty<Bytes>> {
    let scheme = if speech.is_tls() { "https" } else { "http" };
    Request::get(format!("{scheme}://service.test{path}")).body(Empty::new()).unwrap()
}

/// A client that asks the script, and takes the server's certificate for the service's.
fn client(server: &Server, script: &Script) -> Client {
    let named = server.builder().resolver(script.clone()).server_name("localhost").unwrap();
    named.request_timeout(HANG).build()
}

/// An address where nobody listens.
async fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_hundred_requests_ask_once() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let address = server.address;
        let script = Script::holding_back(move |_| Ok(vec![address]));
        let client = client(&server, &script);
        let requests: Vec<_> =
            (0..100).map(|_| tokio::spawn(client.request(get(speech, "/hello")))).collect();
        eventually("all wait", async || client.counts().0 == 100).await;
        assert_eq!(server.connections(), 0);
        script.answer_one();
        for request in requests {
            assert_eq!(text(request.await.unwrap().unwrap()).await, "hello", "{speech:?}");
        }
        assert_eq!(script.asked(), 1, "{speech:?}");
        // Nor does each dial: with several streams on a connection there are a few dials at most.
        assert!(!speech.is_http2() || server.connections() <= 4, "{}", server.connections());
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn where_the_first_address_is_closed_the_second_is_used() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let addresses = vec![closed().await, server.address];
        let script = Script::answering(move |_| Ok(addresses.clone()));
        let client = client(&server, &script);
        assert_eq!(text(client.request(get(speech, "/hello")).await.unwrap()).await, "hello");
        at_rest(&client).await;
    }
}

#[tokio::test]
async fn where_the_first_address_is_silent_the_second_gets_company() {
    for speech in [Speech::Http1Tls, Speech::Http2Tls] {
        let server = Server::start(speech).await;
        // It takes connections and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = vec![silent.local_addr().unwrap(), server.address];
        let script = Script::answering(move |_| Ok(addresses.clone()));
        let client = client(&server, &script);
        assert_eq!(text(client.request(get(speech, "/hello")).await.unwrap()).await, "hello");
        assert_eq!(server.connections(), 1, "one dial to each address");
        drop(client);
    }
}

#[tokio::test]
async fn addresses_of_both_families() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        eprintln!("skipped: this machine has no [::1]");
        return;
    };
    let v6 = listener.local_addr().unwrap();
    drop(listener);
    let server = Server::at(Speech::Http2, v6, 100).await;
    // As a literal, in brackets,
    let uri = format!("http://[::1]:{}/hello", v6.port());
    let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(text(server.client().request(request).await.unwrap()).await, "hello");
    // and behind a name whose IPv4 address is dead.
    let dead = closed().await;
    let script = Script::answering(move |_| Ok(vec![dead, v6]));
    assert_eq!(
        text(client(&server, &script).request(get(Speech::Http2, "/hello")).await.unwrap()).await,
        "hello"
    );
    // One family only, where connections are bound to it.
    let script = Script::answering(move |_| Ok(vec![v6]));
    let bound = server.builder().resolver(script).local_address([127, 0, 0, 1].into()).build();
    let error = bound.request(get(Speech::Http2, "/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Resolve, Sent::Never));
}

#[tokio::test]
async fn connections_spread_over_the_addresses() {
    let servers = [Server::start(Speech::Http1).await, Server::start(Speech::Http1).await];
    let addresses = vec![servers[0].address, servers[1].address];
    let script = Script::holding_back(move |_| Ok(addresses.clone()));
    let client = client(&servers[0], &script);
    let gates: Vec<_> = (0..10).map(|_| tokio::spawn(client.request(get(Speech::Http1, "/gate")))).collect();
    eventually("all wait", async || client.counts().0 == 10).await;
    script.answer_one();
    eventually("all have arrived", async || servers[0].busy() + servers[1].busy() == 10).await;
    assert_eq!((servers[0].busy(), servers[1].busy()), (5, 5));
    drop(gates);
}

#[tokio::test]
async fn a_name_that_is_not_found_and_later_is() {
    let server = Server::start(Speech::Http2).await;
    let address = server.address;
    let script = Script::answering(move |question| match question {
        1 => Err("no such name".into()),
        2 => Ok(vec![]),
        _ => Ok(vec![address]),
    });
    let client = client(&server, &script);
    for expected in ["no such name", "no address"] {
        let error = client.request(get(Speech::Http2, "/hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Resolve, Sent::Never));
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "the host's name could not be resolved");
        assert!(source.source().unwrap().to_string().contains(expected), "{error:?}");
    }
    assert_eq!(text(client.request(get(Speech::Http2, "/hello")).await.unwrap()).await, "hello");
    assert_eq!(script.asked(), 3);
}

#[tokio::test]
async fn a_request_given_up_takes_nothing_from_the_others() {
    // hyper issue 3199: the one whose request began the dial goes, and the dial with it.
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let address = server.address;
        let script = Script::holding_back(move |_| Ok(vec![address]));
        let client = client(&server, &script);
        let first = tokio::spawn(client.request(get(speech, "/hello")));
        eventually("the name is asked for", async || script.asked() == 1).await;
        let others: Vec<_> = (0..8).map(|_| tokio::spawn(client.request(get(speech, "/hello")))).collect();
        eventually("all wait", async || client.counts().0 == 9).await;
        first.abort();
        eventually("one is gone", async || client.counts().0 == 8).await;
        script.answer_one();
        for other in others {
            assert_eq!(text(other.await.unwrap().unwrap()).await, "hello", "{speech:?}");
        }
        assert_eq!(script.asked(), 1, "{speech:?}");
    }
}

#[tokio::test]
async fn an_old_answer_is_used_while_it_is_asked_for_again() {
    let server = Server::start(Speech::Http1).await;
    let address = server.address;
    let script = Script::holding_back(move |_| Ok(vec![address]));
    let client = server.builder().resolver(script.clone()).resolution_age(Duration::ZERO).build();
    script.answer_one();
    assert_eq!(text(client.request(get(Speech::Http1, "/hello")).await.unwrap()).await, "hello");
    // From here on the resolver is silent: both new connections do without it, and ask it once.
    let gates: Vec<_> = (0..3).map(|_| tokio::spawn(client.request(get(Speech::Http1, "/gate")))).collect();
    eventually("three requests are there at a time", async || server.busy() == 3).await;
    assert_eq!(script.asked(), 2);
    eventually("they are answered", async || {
        server.open_gate();
        gates.iter().all(|gate| gate.is_finished())
    })
    .await;
}

#[tokio::test]
async fn addresses_that_vanished_are_left() {
    let [old, new] = [Server::start(Speech::Http1).await, Server::start(Speech::Http1).await];
    let (before, after) = (old.address, new.address);
    let script = Script::answering(move |question| Ok(vec![if question == 1 { before } else { after }]));
    let client = new.builder().resolver(script.clone()).resolution_age(Duration::ZERO).build();
    // Each keeps its connection busy, so the next one needs another.
    let mut gates = tokio::task::JoinSet::new();
    eventually("the new address is known", async || {
        let there = old.busy() + new.busy();
        gates.spawn(client.request(get(Speech::Http1, "/gate")));
        eventually("it has arrived", async || old.busy() + new.busy() > there).await;
        new.busy() > 0
    })
    .await;
    let (left, begun) = (old.busy(), new.busy());
    assert!(left > 0, "the first went to the old address, and what goes on there goes on");
    for _ in 0..8 {
        gates.spawn(client.request(get(Speech::Http1, "/gate")));
    }
    eventually("all have arrived", async || old.busy() + new.busy() == left + begun + 8).await;
    assert_eq!((old.busy(), new.busy()), (left, begun + 8));
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_fails_has_the_name_asked_for_again() {
    /// Nobody is anywhere.
    struct Closed;
    impl Connect for Closed {
        fn connect<'a>(&'a self, _to: &'a Destination) -> Connecting<'a> {
            Box::pin(async { Err("closed".into()) })
        }
        fn needs_address(&self) -> bool {
            true
        }
    }
    let script = Script::answering(|_| Ok(vec![SocketAddr::from(([127, 0, 0, 1], 1))]));
    let client = Client::builder().resolver(script.clone()).connector(Closed).build();
    let fail = async || {
        let error = client.request(get(Speech::Http1, "/hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Dial, Sent::Never));
    };
    fail().await;
    fail().await;
    assert_eq!(script.asked(), 1, "but not more than once per second");
    tokio::time::advance(Duration::from_secs(2)).await;
    fail().await;
    eventually("it is asked for", async || script.asked() == 2).await;
}

/// A request that finds the server gone from all addresses waits for what the name resolves to now.
#[tokio::test]
async fn a_server_that_moves_is_found() {
    for speech in [Speech::Http1, Speech::Http2] {
        let (old, new) = (Server::start(speech).await, Server::start(speech).await);
        let (first, second) = (old.address, new.address);
        let script = Script::answering(move |question| Ok(vec![if question == 1 { first } else { second }]));
        let client = old.builder().resolver(script.clone()).resolution_age(HANG).build();
        assert_eq!(text(client.request(get(speech, "/hello")).await.unwrap()).await, "hello");
        old.stop().await;
        eventually("the connection is gone", async || client.counts().2 == 0).await;
        let mut moved = false;
        eventually("it is asked again, a second after the first time", async || {
            moved = client.request(get(speech, "/hello")).await.is_ok();
            moved || script.asked() == 2
        })
        .await;
        assert!(moved, "{speech:?}: the request that had the name asked for is answered");
    }
}

#[tokio::test]
async fn names_told_by_hand() {
    let server = Server::start(Speech::Http2Tls).await;
    let told = server.builder().resolve("Service.Test", [[127, 0, 0, 1].into()]);
    let client = told.server_name_of("service.test", "localhost").unwrap().build();
    let uri = format!("https://service.test:{}/host", server.address.port());
    let request = Request::get(&uri).body(Empty::<Bytes>::new()).unwrap();
    let host = text(client.request(request).await.unwrap()).await;
    assert_eq!(host, format!("service.test:{}", server.address.port()));
}

#[tokio::test]
async fn a_host_without_a_name_is_asked_of_nobody() {
    struct Nobody;
    impl Resolve for Nobody {
        fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> Resolving<'a> {
            panic!("asked for {host}");
        }
    }
    let server = Server::start(Speech::Http2).await;
    let client = Client::builder().protocol(Protocol::Http2).resolver(Nobody).build();
    let uri = format!("http://127.0.0.1:{}/hello", server.address.port());
    let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(text(client.request(request).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_resolver_that_panics_fails_who_waits() {
    let script = Script::answering(|_| panic!("a bug of the resolver"));
    let client = Client::builder().resolver(script).request_timeout(HANG).build();
    let error = client.request(get(Speech::Http1, "/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Dial, Sent::Never));
    at_rest(&client).await;
}

#[tokio::test]
async fn zones_are_refused_with_a_reason() {
    let request = Request::get("http://[fe80::1%25eth0]/").body(Empty::<Bytes>::new()).unwrap();
    let error = Client::new().request(request).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Request, Sent::Never));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("zone id"), "{error:?}");
}
