//! Informational responses (1xx): heads that come before the response (RFC 9110 section 15.2).
//!
//! They are for callers who ask, prove nothing to the pool about the request (a proxy may send them), and end at a limit.
//! Invariant: a caller's callback runs in the poll of its own response future, and nowhere else. Next: [`crate::sending`],
//! which brings them.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use http::{HeaderMap, Request, Response, StatusCode, Version};

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

/// Where the status code begins in a status line: behind `HTTP/1.1 ` (RFC 9112 section 4).
const CODE: u8 = 9;

/// HTTP/1.1: counts those that nobody wants told, for hyper reads them without end.
///
/// hyper would tell of each, but a hook costs every request a thousand instructions and three allocations. So the meter shows
/// it the bytes that come. A body may look like a head: so it looks from where a response is awaited to the first head that is
/// final, and at nothing after that. What it counts depends on the bytes only, not on how reads cut them.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    place: Place,
    count: u32,
}

/// Where in the bytes it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Place {
    /// Where no head is awaited.
    #[default]
    Elsewhere,
    /// In a status line, of which so many bytes were read, and of its code these.
    Status { read: u8, code: [u8; 3] },
    /// In the rest of an informational head; whether its line is empty so far.
    Fields { empty: bool },
}

impl Heads {
    /// What comes next answers another request.
    pub(crate) fn await_response(&mut self) {
        *self = Self { place: Place::BEGINNING, count: 0 };
    }

    /// Looks at `bytes`, the next that came, and says how many informational responses there were so far.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> u32 {
        if let (Place::BEGINNING, [b'H', _, _, _, _, _, _, _, _, b'2'..=b'5', ..]) = (self.place, bytes) {
            self.place = Place::Elsewhere; // Nearly always; the rest says the same, byte by byte.
        }
        for byte in bytes {
            self.place = match self.place {
                Place::Elsewhere => break,
                Place::Status { read, code } => self.status(read, code, *byte),
                Place::Fields { empty: true } if *byte == b'\n' => Place::BEGINNING,
                // Lines end with LF, where CR may be missing (RFC 9112 section 2.2).
                Place::Fields { empty } => Place::Fields { empty: *byte == b'\n' || empty && *byte == b'\r' },
            };
        }
        self.count
    }

    fn status(&mut self, read: u8, mut code: [u8; 3], byte: u8) -> Place {
        if read == 0 && matches!(byte, b'\r' | b'\n') {
            return Place::BEGINNING; // Empty lines before a head are passed over.
        }
        if let Some(digit) = read.checked_sub(CODE).and_then(|place| code.get_mut(usize::from(place))) {
            *digit = byte;
        }
        let read = read + 1;
        if read < CODE + 3 {
            return Place::Status { read, code };
        }
        match &code {
            b"101" => Place::Elsewhere, // Final: the protocol is another from here on.
            [b'1', ..] => {
                self.count += 1;
                Place::Fields { empty: false }
            }
            _ => Place::Elsewhere,
        }
    }
}

impl Place {
    const BEGINNING: Self = Self::Status { read: 0, code: [0; 3] };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The count, however the bytes are cut.
    fn count(bytes: &[u8]) -> u32 {
        let of = |size: usize| {
            let mut heads = Heads::default();
            assert_eq!(heads.pass(bytes), 0, "nothing is awaited");
            heads.await_response();
            bytes.chunks(size).map(|chunk| heads.pass(chunk)).last().unwrap_or(0)
        };
        let counts: Vec<_> = (1..=bytes.len().max(1)).map(of).collect();
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
        counts[0]
    }

    #[test]
    fn informational_heads_are_counted_up_to_the_final_one() {
        const EARLY: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
        const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
        for (bytes, expected) in [
            (String::new(), 0),
            (OK.into(), 0),
            (EARLY.into(), 1),
            (format!("{EARLY}{OK}"), 1),
            (format!("HTTP/1.1 100 Continue\r\n\r\n{EARLY}HTTP/1.0 102\r\n\r\n{OK}"), 3),
            (format!("\r\n\n{EARLY}\r\n{EARLY}"), 2),
            (format!("HTTP/1.1 100 \nlink: a\n\n{EARLY}"), 2),
            (format!("HTTP/1.1 100 \r\na: \r\r\n\r\n{EARLY}"), 2),
            // What a body says is no head's.
            (format!("{OK}{EARLY}"), 0),
            (format!("HTTP/1.1 101 Switching Protocols\r\n\r\n{EARLY}"), 0),
            ("HTTP/1.1 1".into(), 0),
            ("nonsense, and a lot of it".into(), 0),
        ] {
            assert_eq!(count(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn each_request_has_its_own() {
        let mut heads = Heads::default();
        for _ in 0..2 {
            heads.await_response();
            assert_eq!(heads.pass(b"HTTP/1.1 100 \r\n\r\n"), 1);
            assert_eq!(heads.pass(b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 204 \r\n\r\n"), 2);
        }
    }
}
