//! What servers are given to do, and what must come of it.
//!
//! Invariant: a [`Tally`] is held against what the server wrote down: nothing that the client calls done is missing there, nothing
//! that it calls unsent is there, and nothing is there twice (promise P4).

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use outlive::{Client, Error, Protocol, Proxies, ResponseBody, Sent};
use tokio::task::JoinSet;

use crate::server::{Folder, Kind, Place, Running};

/// A server that runs, and a client that trusts it. The processes end with it, then the folder goes.
pub struct Bench {
    pub client: Client,
    pub running: Running,
    pub place: Place,
    /// What stands behind it.
    _backend: Option<Running>,
    pub folder: Folder,
}

impl Bench {
    /// `idle`: the seconds after which the server closes idle connections.
    pub async fn start(kind: Kind, idle: u32) -> Self {
        let folder = Folder::new();
        let mut behind = None;
        if let Some(Some(kind)) = kind.backend() {
            let place = Place::new(kind, &folder, 60, None);
            behind = Some((place.start().await, place));
        }
        let port = behind.as_ref().map(|(_, place)| place.port);
        let place = Place::new(kind, &folder, idle, port);
        let running = place.start().await;
        let bench = Self {
            client: client(&place.kind, &folder),
            running,
            place,
            _backend: behind.map(|(running, _)| running),
            folder,
        };
        if bench.place.kind.can("stdin") {
            // Its socket takes connections long before Python does. Another client, whose pool may wonder why.
            let early = bench.another_client().request(bench.get("/hello")).await;
            assert_eq!(text(early.unwrap()).await.unwrap(), "hello");
        }
        bench
    }

    pub fn uri(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.place.kind.speech.scheme(), self.place.port)
    }

    pub fn get(&self, path: &str) -> Request<Empty<Bytes>> {
        Request::get(self.uri(path)).body(Empty::new()).unwrap()
    }

    /// Another client, which shares no connection with the first.
    pub fn another_client(&self) -> Client {
        client(&self.place.kind, &self.folder)
    }

    /// What the pool was told and decided, as far as it has this word.
    pub fn trace_lines(&self, word: &str) -> Vec<String> {
        let trace = self.client.trace(&self.uri("/").parse().unwrap()).unwrap_or_default();
        trace.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
    }

    /// What the server wrote down.
    fn processed(&self) -> HashMap<String, usize> {
        let mut processed = HashMap::new();
        for id in fs::read_to_string(self.folder.0.join("once")).unwrap().lines() {
            *processed.entry(id.to_owned()).or_default() += 1;
        }
        processed
    }
}

fn client(kind: &Kind, folder: &Folder) -> Client {
    let protocol = if kind.speech.is_http2() { Protocol::Http2 } else { Protocol::Http1 };
    let pem = fs::read(folder.0.join("cert.pem")).unwrap();
    let builder = Client::builder().protocol(protocol).proxies(Proxies::none()).trace(|_| true);
    // The servers listen there, and only there.
    let builder = builder.resolve("localhost", [[127, 0, 0, 1].into()]);
    builder.add_root_pem(&pem).unwrap().only_added_roots().build()
}

/// The text of a response with status 200.
pub async fn text(response: Response<ResponseBody>) -> Result<String, Error> {
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// Numbers for requests.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// How requests to `/once` and to `/hello` ended.
#[derive(Default)]
pub struct Tally {
    pub gets: usize,
    pub posts: Vec<(String, Result<(), Error>)>,
}

impl Tally {
    pub async fn get(&mut self, client: &Client, bench: &Bench) {
        let got = client.request(bench.get("/hello")).await;
        let got = got.unwrap_or_else(|error| panic!("a GET is lost: {error:?}"));
        let got = text(got).await.unwrap_or_else(|error| panic!("a GET's answer is lost: {error:?}"));
        assert_eq!(got, "hello");
        self.gets += 1;
    }

    /// One that may be processed once only.
    pub async fn post(&mut self, client: &Client, bench: &Bench, path: &str) {
        let id = NEXT.fetch_add(1, SeqCst).to_string();
        let body = Full::<Bytes>::from("an order");
        let post = Request::post(bench.uri(path)).header("x-id", &id).body(body).unwrap();
        let done = async { text(client.request(post).await?).await };
        self.posts.push((id, done.await.map(|done| assert_eq!(done, "done"))));
    }

    pub fn add(&mut self, other: Self) {
        self.gets += other.gets;
        self.posts.extend(other.posts);
    }

    /// Holds it against what the server wrote down; how many posts failed.
    pub fn check(&self, bench: &Bench) -> usize {
        let mut processed = bench.processed();
        let mut lost = 0;
        for (id, end) in &self.posts {
            let times = processed.remove(id).unwrap_or(0);
            match end {
                Ok(()) => assert_eq!(times, 1, "what is done was processed once"),
                Err(error) => {
                    lost += 1;
                    let most = if error.sent() == Sent::Never { 0 } else { 1 };
                    assert!(times <= most, "processed {times} times: {error:?}");
                }
            }
        }
        assert!(processed.is_empty(), "nobody sent these: {processed:?}");
        lost
    }

    /// What failed, for a message.
    pub fn errors(&self) -> Vec<&Error> {
        self.posts.iter().filter_map(|(_, end)| end.as_ref().err()).take(3).collect()
    }
}

/// Sixteen workers that do not pause, half of their requests GETs, half POSTs that may be processed once only.
pub struct Load {
    workers: JoinSet<Tally>,
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub fn start(bench: &Arc<Bench>) -> Self {
        let (answered, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let mut workers = JoinSet::new();
        for _ in 0..16 {
            let (bench, answered, stop) = (Arc::clone(bench), Arc::clone(&answered), Arc::clone(&stop));
            workers.spawn(async move {
                let mut tally = Tally::default();
                while !stop.load(SeqCst) {
                    tally.get(&bench.client, &bench).await;
                    tally.post(&bench.client, &bench, "/once").await;
                    answered.fetch_add(2, SeqCst);
                }
                tally
            });
        }
        Self { workers, answered, stop }
    }

    /// Waits until `more` requests have been answered.
    pub async fn goes_on(&mut self, more: usize) {
        let until = self.answered.load(SeqCst) + more;
        crate::server::eventually("the load goes on", || {
            // None ends before it is told to, unless it panicked.
            assert!(self.workers.try_join_next().is_none(), "a worker has ended");
            self.answered.load(SeqCst) >= until
        })
        .await;
    }

    pub async fn end(mut self) -> Tally {
        self.stop.store(true, SeqCst);
        let mut all = Tally::default();
        while let Some(tally) = self.workers.join_next().await {
            all.add(tally.unwrap());
        }
        all
    }
}
