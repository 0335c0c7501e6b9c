//! Does the kernel's word on a connection reach those who want to know why: path dead, or peer stalled?
//!
//! Linux only. A path dies in a network namespace, where a firewall drops what arrives; where there is none to be had, that test
//! says so and does nothing. (Dropped on their way out, packets count as not sent, and nothing is sent again.)
#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use outlive::{
    Attempt, Client, Connect, Connecting, ConnectionSnapshot, Destination, Fate, Idempotent, Protocol,
    Reason, RequestTimeout, Silence,
};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{Server, Speech, eventually, text};

/// A request that is sent once.
fn once(uri: &str) -> Request<Empty<Bytes>> {
    let request = Request::get(uri).extension(RequestTimeout(Duration::from_secs(3)));
    request.extension(Idempotent(false)).body(Empty::new()).unwrap()
}

/// The client's first connection.
fn first(client: &Client) -> Option<ConnectionSnapshot> {
    client.pool().origins.first()?.connections.first().cloned()
}

/// Its kernel accepts the connection; the program never does.
async fn deaf() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    (listener, uri)
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_stalled() {
    let (_listener, uri) = deaf().await;
    let client = Client::builder().protocol(Protocol::Http2).build();
    let lost = tokio::spawn(client.request(once(&uri)));
    eventually("the snapshot says so", async || {
        first(&client).is_some_and(|connection| connection.silence == Some(Silence::PeerStalled))
    })
    .await;
    let seen = first(&client).unwrap();
    let kernel = seen.kernel.unwrap();
    assert_eq!((kernel.unacked, kernel.retransmits, seen.reason), (0, 0, Some(Reason::Silent)));
    assert!(client.pool().to_string().contains("silent, peer_stalled"), "{}", client.pool());
    let error = lost.await.unwrap().unwrap_err();
    assert!(error.is_timeout() && error.silence() == Some(Silence::PeerStalled), "{error:?}");
    assert!(error.to_string().contains("peer stalled"), "{error}");
    let [attempt] = error.attempts() else { panic!("{error:?}") };
    assert_eq!((attempt.fate(), attempt.silence()), (Fate::Out, Some(Silence::PeerStalled)), "{attempt}");
    assert_eq!(attempt.kernel().unwrap().unacked, 0, "{attempt}");
    assert!(attempt.to_string().contains("peer_stalled (0 unacked, 0 sent again"), "{attempt}");
}

/// It can't be asked, so nobody knows whether it is stalled or only busy: the figures are told, and no word.
#[tokio::test]
async fn an_http1_peer_is_not_called_stalled() {
    let (_listener, uri) = deaf().await;
    let client = Client::builder().protocol(Protocol::Http1).build();
    let mut request = once(&uri);
    request.extensions_mut().insert(RequestTimeout(Duration::from_millis(100)));
    let error = client.request(request).await.unwrap_err();
    let [attempt] = error.attempts() else { panic!("{error:?}") };
    assert!(error.is_timeout() && error.silence().is_none(), "{error:?}");
    assert!(attempt.kernel().is_some_and(|kernel| kernel.timeouts == 0), "{attempt}");
}

#[tokio::test]
async fn the_kernel_is_asked_in_doubt_and_not_for_each_request() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let client = server.builder().trace(|_| true).build();
        for _ in 0..100 {
            assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        }
        let trace = client.trace(&server.uri("/").parse().unwrap()).unwrap().to_string();
        // A busy machine may make the client doubt.
        assert!(trace.contains("< probe c") || !trace.contains("> kernel c"), "{speech:?}:\n{trace}");
        let connection = first(&client).unwrap();
        assert_eq!(connection.silence, None);
        assert!(connection.kernel.unwrap().rtt > Duration::ZERO, "{speech:?}: a snapshot asks by itself");
    }
}

/// What a hook opened may be anything; our own TCP is asked.
#[tokio::test]
async fn nobody_asks_about_what_a_hook_opened() {
    struct Hook;
    impl Connect for Hook {
        fn connect<'a>(&'a self, to: &'a Destination) -> Connecting<'a> {
            Box::pin(async { Ok(Box::new(TcpStream::connect((to.host(), to.port())).await?) as _) })
        }
    }
    let server = Server::start(Speech::Http2).await;
    let client = server.builder().connector(Hook).build();
    assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
    assert_eq!(first(&client).unwrap().kernel, None);
}

/// Runs a shell command in a network namespace of its own. Whether it succeeded, and what it said.
fn in_namespace(command: &str, arguments: &[&str]) -> (bool, String) {
    let mut unshare = Command::new("unshare");
    let ran = unshare.args(["-Urn", "sh", "-c", &format!("ip link set lo up && {command}"), "sh"]);
    match ran.args(arguments).env("OUTLIVE_TEST_CHILD", "1").output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8_lossy(&said).into_owned())
        }
        Err(error) => (false, error.to_string()),
    }
}

/// From here on nothing that is sent to this port arrives.
fn bury(port: u16) {
    let rules = format!(
        "table ip grave {{ chain arriving {{ type filter hook prerouting priority 0; tcp dport {port} drop; }}; }}"
    );
    assert!(Command::new("nft").arg(rules).status().unwrap().success());
}

#[tokio::test]
async fn a_path_that_dies_is_dead() {
    if std::env::var_os("OUTLIVE_TEST_CHILD").is_some() {
        return a_path_dies().await;
    }
    let (can, why) = in_namespace("nft add table ip grave", &[]);
    if !can {
        return eprintln!("skipped: no firewall in a network namespace of our own (unshare, ip, nft): {why}");
    }
    let us = std::env::current_exe().unwrap();
    let test = ["--exact", "kernel::a_path_that_dies_is_dead", "--nocapture"];
    let (passed, said) = in_namespace("exec \"$@\"", &[&[us.to_str().unwrap()], &test[..]].concat());
    assert!(passed && said.contains("1 passed"), "{said}");
    eprintln!("{said}");
}

async fn a_path_dies() {
    for speech in [Speech::Http1, Speech::Http2Tls] {
        let server = Server::start(speech).await;
        let client = server.builder().trace(|_| true).build();
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        bury(server.address.port());
        let error = client.request(once(&server.uri("/hello"))).await.unwrap_err();
        assert!(error.is_timeout() && error.silence() == Some(Silence::PathDead), "{speech:?}: {error:?}");
        let kernel = error.attempts().first().and_then(Attempt::kernel).unwrap();
        assert!(kernel.unacked > 0 && kernel.retransmits > 0 && kernel.timeouts > 0, "{kernel:?}");
        assert!(kernel.last_ack > Duration::from_secs(1), "{kernel:?}");
        assert!(error.to_string().contains("path dead"), "{error}");
        eprintln!("{error}\n{}", error.attempts()[0]);
        let trace = client.trace(&server.uri("/").parse().unwrap()).unwrap().to_string();
        assert_eq!(trace.contains("> kernel c"), speech.is_http2(), "{trace}");
    }
}
