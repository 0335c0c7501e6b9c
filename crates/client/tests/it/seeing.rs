//! Is it seen what happens: in the snapshot, and by an observer?

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Empty;
use outlive::{
    Builder, Client, Event, Health, How, Idempotent, Observer, OriginName, Reason, RequestTimeout, Standing,
    State,
};
use tokio::net::TcpListener;

use crate::fixture::{Server, Speech, at_rest, eventually, text};
use crate::wires::Wires;

/// Remembers all that it is told.
#[derive(Default)]
struct Diary(Mutex<Vec<Event>>);

impl Diary {
    fn of(builder: Builder) -> (Client, Arc<Self>) {
        let diary = Arc::new(Self::default());
        (builder.observer(Arc::clone(&diary)).build(), diary)
    }

    fn find<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.0.lock().unwrap().iter().filter_map(pick).collect()
    }

    fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.find(|event| is_it(event).then_some(())).len()
    }

    /// Their names, one a line.
    fn story(&self) -> Vec<String> {
        let name = |event: &Event| format!("{event:?}").split(' ').next().unwrap().to_owned();
        self.find(|event| Some(name(event)))
    }
}

impl Observer for Diary {
    fn observe(&self, _origin: &OriginName, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// The number of connections of each standing, and of active ones, as the events have it: as a gauge counts.
fn levels(diary: &Diary) -> ([i64; 4], i64, i64) {
    let (mut stands, mut active, mut idle) = ([0; 4], 0, 0);
    for event in diary.0.lock().unwrap().iter() {
        match event {
            Event::DialStarted { .. } => stands[Standing::Dialling as usize] += 1,
            Event::DialSucceeded { .. } => {
                (stands[Standing::Dialling as usize], idle) =
                    (stands[Standing::Dialling as usize] - 1, idle + 1);
                stands[Standing::Alive as usize] += 1;
            }
            Event::DialFailed { .. } | Event::DialCalledOff { .. } => {
                stands[Standing::Dialling as usize] -= 1
            }
            Event::ConnectionSuspect { .. } => {
                stands[Standing::Alive as usize] -= 1;
                stands[Standing::Suspect as usize] += 1;
            }
            Event::ConnectionCleared { .. } => {
                stands[Standing::Suspect as usize] -= 1;
                stands[Standing::Alive as usize] += 1;
            }
            Event::ConnectionDraining { was, .. } => {
                stands[*was as usize] -= 1;
                stands[Standing::Draining as usize] += 1;
            }
            Event::ConnectionActive { .. } => (active, idle) = (active + 1, idle - 1),
            Event::ConnectionIdle { .. } => (active, idle) = (active - 1, idle + 1),
            Event::ConnectionClosed { was, was_active, .. } => {
                stands[*was as usize] -= 1;
                *(if *was_active { &mut active } else { &mut idle }) -= 1;
            }
            _ => {}
        }
    }
    (stands, active, idle)
}

/// The number of requests that began, and that ended.
fn began_and_ended(diary: &Diary) -> (usize, usize) {
    let ends = |event: &Event| {
        matches!(
            event,
            Event::RequestDone { .. } | Event::RequestFailed { .. } | Event::RequestGivenUp { .. }
        )
    };
    (diary.count(|event| matches!(event, Event::RequestStarted { .. })), diary.count(ends))
}

#[tokio::test]
async fn a_requests_story() {
    for speech in Speech::ALL {
        let server = Server::start(speech).await;
        let (client, diary) = Diary::of(server.builder());
        assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
        at_rest(&client).await;
        let left = client.shutdown(Duration::from_secs(60)).await;
        assert!(left.is_nothing());
        let story = [
            "RequestStarted",
            "DialStarted",
            "DialSucceeded",
            "ConnectionActive",
            "RequestSent",
            "RequestAnswered",
            "RequestDone",
            "ConnectionIdle",
            "ConnectionClosed",
        ];
        assert_eq!(diary.story(), story, "{speech:?}");
        let course = diary.find(|event| match event {
            Event::RequestDone { course } => Some(course.clone()),
            _ => None,
        });
        assert_eq!((course[0].attempts, course[0].status.unwrap().as_u16()), (1, 200));
        assert_eq!(course[0].version.unwrap() == Version::HTTP_2, speech.is_http2());
        let closed = diary.find(|event| match event {
            Event::ConnectionClosed { reason, requests, bytes_in, bytes_out, .. } => {
                Some((*reason, *requests, *bytes_in > 5, *bytes_out > 5))
            }
            _ => None,
        });
        assert_eq!(closed, [(Reason::Shutdown, 1, true, true)], "{speech:?}");
        assert_eq!(levels(&diary), ([0; 4], 0, 0), "{speech:?}");
    }
}

#[tokio::test]
async fn a_dial_that_fails() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (client, diary) = Diary::of(Client::builder());
    let request = Request::get(format!("http://{address}/")).body(Empty::<Bytes>::new()).unwrap();
    _ = client.request(request).await.unwrap_err();
    assert_eq!(diary.story(), ["RequestStarted", "DialStarted", "DialFailed", "RequestFailed"]);
    assert_eq!((levels(&diary), began_and_ended(&diary)), (([0; 4], 0, 0), (1, 1)));
}

/// A connection dies without a sign: the snapshot shows it, and the events tell it.
#[tokio::test]
async fn a_suspect_is_seen() {
    let server = Server::start(Speech::Http2).await;
    let wires = Wires::to(server.address).await;
    let (client, diary) = Diary::of(server.builder());
    let hello = || {
        let hello = Request::get(server.uri_at(wires.address, "/hello"));
        hello.extension(RequestTimeout(Duration::from_secs(3))).body(Empty::<Bytes>::new()).unwrap()
    };
    assert_eq!(text(client.request(hello()).await.unwrap()).await, "hello");
    let pool = client.pool();
    let [origin] = &pool.origins[..] else { panic!("{pool}") };
    let [connection] = &origin.connections[..] else { panic!("{pool}") };
    assert_eq!((connection.state, connection.health, connection.reason), (State::Open, Health::Alive, None));
    assert_eq!((connection.version, connection.address), (Some(Version::HTTP_2), Some(wires.address)));
    assert_eq!((connection.streams, connection.in_use, connection.requests), (100, 0, 1));
    assert!(connection.bytes_in > 5 && connection.bytes_out > 24, "{pool}");
    assert!(connection.last_proven.is_some() && connection.last_heard.is_some());
    wires.stall();
    let mut once = hello();
    once.extensions_mut().insert(Idempotent(false));
    let lost = tokio::spawn(client.request(once));
    eventually("it is out", async || client.counts().1 == 1).await;
    assert_eq!(text(client.request(hello()).await.unwrap()).await, "hello");
    let pool = client.pool();
    let suspect = &pool.origins[0].connections[0];
    assert_eq!((suspect.health, suspect.reason), (Health::Suspect, Some(Reason::Silent)), "{pool}");
    assert!(suspect.in_use >= 1 && pool.to_string().contains("suspect"), "{pool}");
    lost.abort();
    _ = lost.await;
    assert_eq!(diary.count(|event| matches!(event, Event::ConnectionSuspect { .. })), 1);
    assert_eq!(diary.count(|event| matches!(event, Event::RequestSent { how: How::Rescue, .. })), 1);
    assert_eq!(diary.count(|event| matches!(event, Event::RequestGivenUp { .. })), 1);
    assert_eq!(began_and_ended(&diary), (3, 3));
    drop(client);
    eventually("all is told", async || levels(&diary) == ([0; 4], 0, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_up_comes_down() {
    for speech in [Speech::Http1, Speech::Http2] {
        let server = Server::start(speech).await;
        let (client, diary) = Diary::of(server.builder().max_connection_age(Duration::from_millis(10)));
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let (client, server) =
                (client.clone(), server.get(if worker == 0 { "/flood" } else { "/hello" }));
            workers.spawn(async move {
                for _ in 0..20 {
                    // Some are read, some are dropped.
                    let response = client.request(server.clone()).await.unwrap();
                    if worker % 2 == 1 {
                        assert_eq!(text(response).await, "hello");
                    }
                }
            });
        }
        workers.join_all().await;
        assert_eq!(began_and_ended(&diary), (160, 160), "{speech:?}");
        drop(client);
        eventually("all is told", async || levels(&diary) == ([0; 4], 0, 0)).await;
    }
}

/// An observer may use the client: no lock is held.
#[tokio::test]
async fn an_observer_may_look_at_the_pool() {
    struct Looks(std::sync::OnceLock<Client>);
    impl Observer for Looks {
        fn observe(&self, _origin: &OriginName, _event: &Event) {
            if let Some(client) = self.0.get() {
                assert!(client.pool().origins.len() <= 1);
            }
        }
    }
    let server = Server::start(Speech::Http2).await;
    let looks = Arc::new(Looks(std::sync::OnceLock::new()));
    let client = server.builder().observer(Arc::clone(&looks)).build();
    _ = looks.0.set(client.clone());
    assert_eq!(text(client.request(server.get("/hello")).await.unwrap()).await, "hello");
}
