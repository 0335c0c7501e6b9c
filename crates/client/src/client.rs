//! The client: finds a request's origin, and has it sent there.
//!
//! Invariant: every request for the same scheme, host and port, from every clone of a client, goes through the same
//! [`Origin`]. Dropping the last clone closes what no request uses any more. Next: [`crate::ResponseFuture`].

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body::Body;
use outlive_core::Limits;
use tower_service::Service;

use crate::builder::Builder;
use crate::clock::Clock;
use crate::deadline::{Deadline, RequestTimeout};
use crate::error::Error;
use crate::expect::ContinueWait;
use crate::name::OriginName;
use crate::origin::{Alarms, Origin, Request as OpenRequest};
use crate::outgoing::{BoxError, Outgoing};
use crate::rescue;
use crate::response_body::ResponseBody;
use crate::response_future::{Interim, Manner, ResponseFuture, Wish};
use crate::seeing::PoolSnapshot;
use crate::settings::Settings;
use crate::shutdown::Door;

/// An HTTP client. Clones share their connections.
///
/// Use [`Client::request`], or the client as a [`tower_service::Service`], which is always ready.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    /// The core's, of `http` and `https` origins.
    limits: [Arc<Limits>; 2],
    alarms: Arc<Alarms>,
    clock: Clock,
    origins: Mutex<Origins>,
}

struct Origins {
    by_name: HashSet<Named>,
    /// The same, by scheme (`http`, `https`) and by authorities as URIs spelled them: to read a name costs more than to find it.
    spelled: [HashMap<Box<str>, Arc<Origin>>; 2],
    /// The one that was found last, by scheme and authority: to compare costs less than to find.
    last: Option<(bool, Authority, Arc<Origin>)>,
    /// At this number, unused ones are looked for.
    sweep_at: usize,
    door: Door,
}

/// Below this many origins, looking for unused ones is not worth the while.
const FEW_ORIGINS: usize = 64;

impl Client {
    /// A client with the default choices: see [`Builder`].
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Makes the choices that [`Client::new`] leaves at their defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let origins = Mutex::new(Origins {
            by_name: HashSet::new(),
            spelled: Default::default(),
            last: None,
            sweep_at: FEW_ORIGINS,
            door: Door::Open,
        });
        let limits = [false, true].map(|https| Arc::new(settings.limits(https)));
        let clock = Clock::start();
        let (settings, alarms) = (Arc::new(settings), Alarms::new(clock));
        Self(Arc::new(Shared { settings, limits, alarms, clock, origins }))
    }

    /// Sends a request; the future is ready when the response's head has arrived.
    ///
    /// The URI must be absolute. Dropping the future, or later the response's body, gives the request up. Must be
    /// polled on a tokio runtime.
    pub fn request<B>(&self, request: Request<B>) -> ResponseFuture
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        ResponseFuture::new(self.wish(request))
    }

    fn wish<B>(&self, request: Request<B>) -> Result<Wish, Error>
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let settings = &self.0.settings;
        let mut timeouts = parts.extensions.get().copied().unwrap_or(settings.timeouts);
        if let Some(RequestTimeout(own)) = parts.extensions.get() {
            timeouts.request = Some(*own);
        }
        let body = Outgoing::new(body);
        let repeat = rescue::repeat(&parts, &body, settings.rescue);
        let wait = parts.extensions.get().map_or(settings.continue_wait, |ContinueWait(own)| *own);
        let found = self.0.find(&parts.uri).map_err(Error::request)?;
        let request = OpenRequest::new(parts, body).map_err(Error::request)?;
        let head = request.head();
        let (hold, told) = (head.expects().then_some(wait), head.informational().cloned());
        let is_plain = hold.is_none() && told.is_none();
        let interim = (!is_plain).then(|| Box::new(Interim { hold, told }));
        let manner = Manner { ask: head.ask(), interim };
        let origin = match found {
            Found::Known(origin) => origin,
            Found::Named(name, spelling) => {
                self.0.origin(&name, &spelling).ok_or_else(|| Error::shutdown().at(&name))?
            }
        };
        Ok(Wish { origin, request, repeat, deadline: Deadline::new(timeouts), manner })
    }

    /// What has happened so far to the connections of an origin that [`Builder::trace`] has chosen, as text that the core
    /// can replay: paste it into `scenarios/`, and it is a test. `None` for other origins, and before the first request.
    pub fn trace(&self, origin: &Uri) -> Option<String> {
        let name = OriginName::of(origin).ok()?;
        let origins = self.0.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = Arc::clone(&origins.by_name.get(&name)?.0);
        drop(origins);
        origin.trace().map(|trace| trace.to_string())
    }

    /// What the pool looks like now: each origin's connections, their state and their figures. Locks each origin for a
    /// moment.
    #[must_use]
    pub fn pool(&self) -> PoolSnapshot {
        let origins = self.0.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<_> = origins.by_name.iter().map(|Named(origin)| Arc::clone(origin)).collect();
        drop(origins);
        let mut origins: Vec<_> = all.iter().map(|origin| origin.snapshot()).collect();
        origins.sort_by_cached_key(|origin| origin.origin.to_string());
        PoolSnapshot { origins }
    }

    /// Lets nobody new in, and gives all origins where somebody may be.
    pub(crate) fn close_doors(&self) -> Vec<Arc<Origin>> {
        let mut origins = self.0.origins.lock().unwrap_or_else(PoisonError::into_inner);
        origins.door = Door::Closed;
        let all: Vec<_> = origins.by_name.iter().map(|Named(origin)| Arc::clone(origin)).collect();
        drop(origins);
        all.iter().for_each(|origin| origin.close_door());
        all
    }

    /// How many requests, attempts and connections the client holds, for tests that nothing leaks.
    #[doc(hidden)]
    pub fn counts(&self) -> (usize, usize, usize) {
        let origins = self.0.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = origins.by_name.iter().map(|Named(origin)| origin.counts());
        counts.fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2))
    }
}

impl Origins {
    /// The origin that was asked for with this authority before, if the door is open.
    fn known(&mut self, https: bool, authority: &Authority) -> Option<Arc<Origin>> {
        if self.door != Door::Open {
            return None;
        }
        if let Some((last_https, last, origin)) = &self.last {
            if *last_https == https && last.as_str() == authority.as_str() {
                return Some(Arc::clone(origin));
            }
        }
        let origin = Arc::clone(self.spelled[usize::from(https)].get(authority.as_str())?);
        self.last = Some((https, authority.clone(), Arc::clone(&origin)));
        Some(origin)
    }

    fn forget_spellings(&mut self) {
        (self.spelled, self.last) = (Default::default(), None);
    }
}

/// An origin, found by its name, which it has: a map would keep that once more.
struct Named(Arc<Origin>);

impl Borrow<OriginName> for Named {
    fn borrow(&self) -> &OriginName {
        &self.0.name
    }
}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Named {}

/// Where a URI leads.
enum Found {
    Known(Arc<Origin>),
    /// To an origin that has not been asked for with this authority.
    Named(OriginName, Authority),
}

impl Shared {
    /// The origin that a URI leads to, or what is wrong with the URI.
    fn find(&self, uri: &Uri) -> Result<Found, &'static str> {
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        if let Some(authority) = uri.authority().filter(|_| https || uri.scheme() == Some(&Scheme::HTTP)) {
            let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(origin) = origins.known(https, authority) {
                return Ok(Found::Known(origin));
            }
        }
        let name = OriginName::of(uri)?;
        uri.authority().map(|authority| Found::Named(name, authority.clone())).ok_or("the URI has no host")
    }

    /// `None` when the door is closed.
    fn origin(&self, name: &OriginName, spelling: &Authority) -> Option<Arc<Origin>> {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.door != Door::Open {
            return None;
        }
        if origins.spelled.iter().map(HashMap::len).sum::<usize>() >= 2 * origins.sweep_at {
            origins.forget_spellings(); // There is no end to them.
        }
        let origin = self.named(&mut origins, name);
        let spelled = &mut origins.spelled[usize::from(name.is_https())];
        spelled.insert(spelling.as_str().into(), Arc::clone(&origin));
        Some(origin)
    }

    fn named(&self, origins: &mut Origins, name: &OriginName) -> Arc<Origin> {
        if let Some(Named(origin)) = origins.by_name.get(name) {
            return Arc::clone(origin);
        }
        if origins.by_name.len() >= origins.sweep_at {
            // One that a request is about to use is held by that, and stays: a shutdown has to find it here.
            origins.forget_spellings();
            origins.by_name.retain(|Named(origin)| Arc::strong_count(origin) > 1 || !origin.is_unused());
            origins.sweep_at = FEW_ORIGINS.max(2 * origins.by_name.len());
        }
        // Pools of different clients must not act in step, so each gets its own chance.
        let seed = RandomState::new().build_hasher().finish();
        let limits = Arc::clone(&self.limits[usize::from(name.is_https())]);
        let (settings, alarms) = (Arc::clone(&self.settings), Arc::clone(&self.alarms));
        let origin = Origin::new(name.clone(), settings, limits, alarms, self.clock, seed);
        origins.by_name.insert(Named(Arc::clone(&origin)));
        origin
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Service<Request<B>> for Client
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = ResponseFuture;

    /// Always ready: requests wait in their origin's pool, which limits how many.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        self.request(request)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requests, attempts, connections) = self.counts();
        f.debug_struct("Client")
            .field("requests", &requests)
            .field("attempts", &attempts)
            .field("connections", &connections)
            .finish()
    }
}
