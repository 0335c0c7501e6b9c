//! Does the client on real sockets do what the core does in its scenarios, and nothing else?
//!
//! Each story is lived through on the loopback while the pool's trace is written, and then compared, without its times, with
//! the scenario that tells the same one. And whatever was recorded replays in a new core, decision for decision.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use http::{Request, Uri};
use outlive::{Body, Client, Idempotent, RequestTimeout, Rescue};
use outlive_core::trace::{Entry, Line, Trace};
use outlive_core::{Action, ConnectionId, Event, Limits};

use crate::fixture::{Server, Speech, eventually, text};
use crate::wires::Wires;

/// A server, wires to it, a client that is traced, and what its requests say of themselves.
struct Stage {
    server: Server,
    wires: Wires,
    client: Client,
    rescue: Option<Rescue>,
}

impl Stage {
    async fn new(speech: Speech) -> Self {
        let server = Server::start(speech).await;
        let wires = Wires::to(server.address).await;
        let client = server.builder().trace(|_| true).build();
        Self { server, wires, client, rescue: None }
    }

    fn get(&self, path: &str) -> Request<Body> {
        let mut request = Request::get(self.server.uri_at(self.wires.address, path));
        request = match self.rescue {
            Some(rescue) => request.extension(rescue),
            None => request.extension(Idempotent(false)),
        };
        request.extension(RequestTimeout(Duration::from_secs(1))).body(Body::empty()).unwrap()
    }

    /// One request that is answered, and what it was answered.
    async fn hello(&self) {
        assert_eq!(text(self.client.request(self.get("/hello")).await.unwrap()).await, "hello");
    }

    fn trace(&self) -> Trace {
        let uri: Uri = self.server.uri_at(self.wires.address, "/").parse().unwrap();
        self.client.trace(&uri).unwrap().parse().unwrap()
    }

    /// Compares what happened with the beginning of a scenario, up to its last line that starts like this.
    #[track_caller]
    fn is_like(&self, scenario: &str, up_to: &str) {
        let recorded = self.trace();
        assert_eq!(recorded.check().map_err(|difference| difference.to_string()), Ok(()), "{recorded}");
        let path = format!("{}/../core/scenarios/{scenario}.trace", env!("CARGO_MANIFEST_DIR"));
        let told: Trace = std::fs::read_to_string(Path::new(&path)).unwrap().parse().unwrap();
        let (mut lived, mut told) = (story(&recorded), story(&told));
        let end = told.iter().rposition(|line| line.starts_with(up_to)).expect("such a line");
        told.truncate(end + 1);
        lived.truncate(end + 1);
        assert_eq!(lived, told, "{scenario}\n{recorded}");
    }
}

/// A trace without its times, its ticks and its deadlines, and with names in the order of their appearance.
fn story(trace: &Trace) -> Vec<String> {
    let mut names = BTreeMap::<char, Vec<String>>::new();
    let mut rename = |word: &str| {
        let kind = word.chars().next().unwrap_or(' ');
        let is_name = word.len() > 1 && "rca".contains(kind) && word[1..].bytes().all(|b| b.is_ascii_digit());
        if !is_name {
            return word.to_owned();
        }
        let known = names.entry(kind).or_default();
        let place = known.iter().position(|name| name == word).unwrap_or_else(|| {
            known.push(word.to_owned());
            known.len() - 1
        });
        format!("{kind}{}", place + 1)
    };
    // On a busy machine a dial may get company that nobody needs in the end.
    let used: BTreeSet<ConnectionId> = (trace.lines.iter())
        .filter_map(|line| match line.entry {
            Entry::Decision(Action::Send { connection, .. }) => Some(connection),
            Entry::Decision(_) | Entry::Fact(_) => None,
        })
        .collect();
    let says = |line: &Line| match line.entry {
        Entry::Fact(Event::Address { .. }) => None, // The scenarios' pools know none.
        Entry::Fact(Event::Connected { connection, .. } | Event::DialFailed { connection })
            if !used.contains(&connection) =>
        {
            None
        }
        Entry::Decision(Action::Dial { connection, .. } | Action::Close { connection, .. })
            if !used.contains(&connection) =>
        {
            None
        }
        Entry::Fact(Event::Tick | Event::Heard { .. } | Event::Kernel { .. } | Event::Streams { .. }) => None,
        Entry::Decision(Action::Dial { connection, .. }) => {
            Some(Action::Dial { connection, address: None }.to_string())
        }
        Entry::Fact(Event::Request { request, repeat, .. }) => {
            Some(Event::Request { request, repeat, deadline: None }.to_string())
        }
        Entry::Fact(fact) => Some(fact.to_string()),
        Entry::Decision(decision) => Some(decision.to_string()),
    };
    let lines = trace.lines.iter().filter_map(says);
    let lines = lines.map(|line| line.split(' ').map(&mut rename).collect::<Vec<_>>().join(" "));
    // How often a silent connection is asked depends on how long the silence is.
    let mut asked = Vec::new();
    let mut story = Vec::new();
    for line in lines {
        let kind = line.split(' ').next().unwrap_or_default().to_owned();
        let is_asking = kind == "probe" || kind == "proven";
        if !is_asking {
            asked.clear();
        } else if asked.contains(&kind) {
            continue;
        }
        asked.push(kind);
        // A response that came as a whole is done, and told to be so once.
        if line
            .strip_prefix("done ")
            .is_some_and(|attempt| story.last() == Some(&format!("answered {attempt}")))
        {
            story.pop();
        }
        story.push(line);
    }
    story
}

#[tokio::test]
async fn a_dead_connection_costs_one_request() {
    let stage = Stage::new(Speech::Http2).await;
    stage.hello().await;
    stage.wires.stall();
    assert!(stage.client.request(stage.get("/hello")).await.unwrap_err().is_timeout());
    stage.hello().await;
    stage.is_like("dead_connection_costs_one_request", "send r3");
}

#[tokio::test]
async fn a_rescue_on_suspicion() {
    let mut stage = Stage::new(Speech::Http2).await;
    stage.hello().await;
    stage.wires.stall();
    stage.rescue = Some(Rescue::OnSuspicion);
    stage.hello().await;
    stage.hello().await;
    stage.is_like("rescue_on_suspicion", "done");
}

#[tokio::test]
async fn a_rescue_when_late_over_http1() {
    let mut stage = Stage::new(Speech::Http1).await;
    stage.rescue = Some(Rescue::WhenLate);
    stage.hello().await;
    stage.wires.stall();
    stage.hello().await;
    stage.is_like("rescue_when_late_over_http1", "done");
}

#[tokio::test]
async fn a_timeout_closes_an_http1_connection() {
    let stage = Stage::new(Speech::Http1).await;
    stage.hello().await;
    stage.wires.stall();
    assert!(stage.client.request(stage.get("/hello")).await.unwrap_err().is_timeout());
    stage.hello().await;
    stage.is_like("http1_timeout_closes", "send r3");
}

#[tokio::test]
async fn a_slow_server_is_not_dead() {
    let stage = Stage::new(Speech::Http2).await;
    stage.hello().await;
    assert!(stage.client.request(stage.get("/gate")).await.unwrap_err().is_timeout());
    stage.hello().await;
    stage.is_like("slow_server_is_not_dead", "done");
}

/// Everything at once, and then told again to a core that has never seen a socket.
#[tokio::test]
async fn whatever_was_recorded_replays() {
    for speech in [Speech::Http1, Speech::Http2] {
        let mut stage = Stage::new(speech).await;
        stage.rescue = Some(Rescue::WhenLate);
        for cut in 0..3 {
            let gets: Vec<_> =
                (0..20).map(|_| tokio::spawn(stage.client.request(stage.get("/hello")))).collect();
            if cut > 0 {
                stage.wires.stall();
            }
            for get in gets {
                _ = get.await.unwrap();
            }
            eventually("it works again", async || stage.client.request(stage.get("/hello")).await.is_ok())
                .await;
        }
        let trace = stage.trace();
        assert!(trace.lines.len() > 200 && trace.limits != Limits { connections: 0, ..Limits::default() });
        assert_eq!(trace.check().map_err(|difference| difference.to_string()), Ok(()), "{speech:?}");
    }
}
