//! Informational responses (1xx): heads that come before the response (RFC 9110 section 15.2).
//!
//! They are for callers who ask, prove nothing to the pool about the request (a proxy may send them), and end at a limit.
//! Invariant: a caller's callback runs in the poll of its own response future, and nowhere else. Next: [`crate::sending`],
//! which brings them.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use http::{Extensions, HeaderMap, Request, Response, StatusCode, Version};

use crate::meter::Gauge;
use crate::offence::Offence;

/// Has informational responses (1xx, RFC 9110 section 15.2) told, such as `103 Early Hints`: put it into the request's
/// extensions. Without it they are skipped.
///
/// The callback is given each one's status, version and header fields as it arrives, over HTTP/1.1 and HTTP/2, while the
/// response's future is polled. A request that is sent more than once tells those of all its attempts. More than
/// [`Builder::max_informational_responses`](crate::Builder::max_informational_responses) for one attempt end its connection with
/// an error that blames the server. `101 Switching Protocols` is not informational in this sense.
///
/// ```
/// let mut request = http::Request::get("https://example.com/").body(outlive::Body::empty())?;
/// request.extensions_mut().insert(outlive::OnInformational::new(|response| {
///     println!("{}: {:?}", response.status(), response.headers().get("link"));
/// }));
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone)]
pub struct OnInformational(Tell);

type Tell = Arc<dyn Fn(&Response<()>) + Send + Sync>;

impl OnInformational {
    /// Has `tell` called with each.
    pub fn new(tell: impl Fn(&Response<()>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, response: &Response<()>) {
        (self.0)(response);
    }
}

impl fmt::Debug for OnInformational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnInformational(..)")
    }
}

/// HTTP/1.1: counts those that nobody wants told, for hyper reads them without end. One of a connection, for all its requests in
/// turn.
pub(crate) struct Sentry {
    /// Those that answer the request that is out.
    count: Arc<AtomicU32>,
    /// How hyper tells them: to make that takes five allocations, to copy it three.
    hook: Extensions,
}

impl Sentry {
    /// More than `most` are an offence.
    pub(crate) fn new(gauge: Arc<Gauge>, most: u32) -> Self {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let mut request = Request::new(());
        hyper::ext::on_informational(&mut request, move |_| {
            if counted.fetch_add(1, Relaxed) >= most {
                gauge.offend(Offence::Informational);
            }
        });
        Self { count, hook: mem::take(request.extensions_mut()) }
    }

    /// Has hyper tell those that answer `request`, which is the next.
    pub(crate) fn attach<B>(&self, request: &mut Request<B>) {
        self.count.store(0, Relaxed);
        *request.extensions_mut() = self.hook.clone();
    }
}

/// HTTP/1.1: carries them from the connection's task, where hyper tells them, to the request's future that wants them.
pub(crate) struct Relay {
    gauge: Arc<Gauge>,
    /// How many there may be.
    most: u32,
    carried: Mutex<Carried>,
}

#[derive(Default)]
struct Carried {
    count: u32,
    responses: Vec<Response<()>>,
    waker: Option<Waker>,
}

impl Relay {
    /// Has hyper tell those that answer `request`.
    pub(crate) fn attach<B>(request: &mut Request<B>, gauge: Arc<Gauge>, most: u32) -> Arc<Self> {
        let relay = Arc::new(Self { gauge, most, carried: Mutex::default() });
        let end = Arc::clone(&relay);
        hyper::ext::on_informational(request, move |response| {
            end.bring(response.status(), response.version(), response.headers());
        });
        relay
    }

    fn bring(&self, status: StatusCode, version: Version, headers: &HeaderMap) {
        let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        carried.count += 1;
        if carried.count > self.most {
            return self.gauge.offend(Offence::Informational);
        }
        let mut response = Response::new(());
        (*response.status_mut(), *response.version_mut()) = (status, version);
        response.headers_mut().clone_from(headers);
        carried.responses.push(response);
        let waker = carried.waker.take();
        drop(carried);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Those that have come; later ones wake `cx`.
    pub(crate) fn take(&self, cx: &mut Context<'_>) -> Vec<Response<()>> {
        let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut carried.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        mem::take(&mut carried.responses)
    }
}
