//! Do requests outlive a connection that dies without a sign?

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use outlive::{
    Connect, Connecting, Destination, ErrorKind, Event, Observer, OriginName, RequestTimeout, Rescue, Sent,
};
use tokio::net::TcpStream;

use crate::fixture::{Server, Speech, at_rest, eventually, text};
use crate::wires::Wires;

fn get(server: &Server, wires: &Wires, path: &str) -> Request<Empty<Bytes>> {
    Request::get(server.uri_at(wires.address, path)).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn a_dead_wire_costs_the_requests_on_it_and_no_other() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let wires = Wires::to(server.address).await;
        let client = server.client();
        for cut in 1..=3 {
            assert_eq!(text(client.request(get(&server, &wires, "/hello")).await.unwrap()).await, "hello");
            wires.stall();
            let mut lost = 0;
            eventually("requests succeed again", async || {
                let mut request = get(&server, &wires, "/hello");
                request.extensions_mut().insert(RequestTimeout(Duration::from_secs(1)));
                let answered = client.request(request).await.is_ok();
                lost += usize::from(!answered);
                answered
            })
            .await;
            // HTTP/1.1 can't ask: it learns of the death from the timeout.
            assert_eq!(lost, usize::from(!speech.is_http2()), "{speech:?}");
            // One dial a cut; a second where the machine is so busy that the first gets company.
            assert!(wires.count() <= 1 + 2 * cut, "{speech:?}: {} wires after {cut} cuts", wires.count());
        }
    }
}

/// An observer's panic in the alarm's own task: the alarm goes on, for this origin and all others.
#[tokio::test]
async fn an_observer_that_panics_silences_no_alarm() {
    struct Panics;
    impl Observer for Panics {
        fn observe(&self, _origin: &OriginName, event: &Event) {
            assert!(!matches!(event, Event::ConnectionAsked { .. }), "an observer's own bug");
        }
    }
    let server = Server::start(Speech::Http2).await;
    let wires = Wires::to(server.address).await;
    let client = server.builder().observer(Panics).build();
    assert_eq!(text(client.request(get(&server, &wires, "/hello")).await.unwrap()).await, "hello");
    wires.stall();
    let mut request = get(&server, &wires, "/hello");
    request.extensions_mut().insert(RequestTimeout(Duration::from_secs(10)));
    assert_eq!(text(client.request(request).await.unwrap()).await, "hello", "it was rescued");
    assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
}

struct Plain;
impl Connect for Plain {
    fn connect<'a>(&'a self, to: &'a Destination) -> Connecting<'a> {
        Box::pin(async { Ok(Box::new(TcpStream::connect((to.host(), to.port())).await?) as _) })
    }
}

#[tokio::test]
async fn what_was_on_a_dead_wire_ends_even_without_a_timeout() {
    let server = Server::start(Speech::Http2Tls).await;
    let wires = Wires::to(server.address).await;
    // Of what a hook opened nobody asks the kernel, which would say that the peer has it all. Then the end takes six times as long.
    let client = server.builder().connector(Plain).build();
    let mut request = get(&server, &wires, "/gate");
    request.extensions_mut().insert(Rescue::Never);
    let waiting = tokio::spawn(client.request(request));
    let endless = client.request(get(&server, &wires, "/endless")).await.unwrap();
    eventually("both arrived", async || server.busy() == 2).await;
    wires.stall();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Silent, Sent::Maybe), "{error:?}");
    let error = endless.into_body().collect().await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Silent, Sent::Maybe), "{error:?}");
    at_rest(&client).await;
}
