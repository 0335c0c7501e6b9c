//! Which requests may be sent more than once, and when.
//!
//! Invariant: the answer is made once, when a request is opened, from what its method, its headers, its body and its
//! extensions say, and never changes (promise P4). The truth table: `docs/rescue.md`. Next: [`crate::origin`], which tells
//! the pool.

use http::Method;
use http::request::Parts;
use outlive_core::Repeat;

use crate::outgoing::Outgoing;

/// When a request that may be processed more than once is sent again. For a client with [`Builder::rescue`]; for a single
/// request as an extension.
///
/// A request may be processed more than once if its method is idempotent (RFC 9110 section 9.2.2), it has an
/// `Idempotency-Key`, or its caller says so ([`Idempotent`]); and only if its body is empty, in memory, or can be made again
/// ([`Body`](crate::Body)). Any other one is sent again only when it provably was not processed. Extra attempts come out of a
/// budget: a fifth of the requests of the last ten seconds, and ten more.
///
/// [`Builder::rescue`]: crate::Builder::rescue
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Rescue {
    /// Only when it provably was not processed.
    Never,
    /// Also when its connection has failed, or has fallen silent and does not answer when asked: the default.
    #[default]
    OnSuspicion,
    /// Also when its answer is late, by the measure of those before it, although its connection is alive. The only kind
    /// that notices a stalled server behind a live proxy, and HTTP/1.1's only kind, since HTTP/1.1 can't ask.
    WhenLate,
}

/// Says of one request, as an extension, whether it may be processed more than once, whatever its method and headers say.
///
/// ```
/// let mut request = http::Request::post("https://example.com/").body(outlive::Body::from("the same order twice is one"))?;
/// request.extensions_mut().insert(outlive::Idempotent(true));
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Idempotent(
    /// Whether it may.
    pub bool,
);

/// A key that makes a request idempotent (draft-ietf-httpapi-idempotency-key-header), and what it was called before.
const KEYS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];

/// What the pool is told of a request.
pub(crate) fn repeat(parts: &Parts, body: &Outgoing, default: Rescue) -> Repeat {
    let rescue = parts.extensions.get::<Rescue>().copied().unwrap_or(default);
    match rescue {
        Rescue::Never => Repeat::IfUnprocessed,
        _ if !body.is_repeatable() || !is_idempotent(parts) => Repeat::IfUnprocessed,
        Rescue::OnSuspicion => Repeat::OnSuspicion,
        Rescue::WhenLate => Repeat::WhenLate,
    }
}

fn is_idempotent(parts: &Parts) -> bool {
    if let Some(Idempotent(says)) = parts.extensions.get() {
        return *says;
    }
    let by_method = matches!(
        parts.method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    );
    by_method || KEYS.iter().any(|key| parts.headers.contains_key(*key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Request;
    use http_body_util::{BodyExt as _, Full};

    /// The truth table, as `docs/rescue.md` has it.
    #[test]
    fn the_truth_table() {
        let in_memory = || Outgoing::new(Full::new(Bytes::from("x")));
        let once = || Outgoing::new(Full::new(Bytes::from("x")).boxed());
        let parts = |request: http::request::Builder| request.body(()).unwrap().into_parts().0;
        let check = |request, body: Outgoing, expected: [Repeat; 3]| {
            let parts = parts(request);
            let got =
                [Rescue::Never, Rescue::OnSuspicion, Rescue::WhenLate].map(|d| repeat(&parts, &body, d));
            assert_eq!(got, expected, "{parts:?} {body:?}");
        };
        const NEVER: [Repeat; 3] = [Repeat::IfUnprocessed; 3];
        const LEVELS: [Repeat; 3] = [Repeat::IfUnprocessed, Repeat::OnSuspicion, Repeat::WhenLate];
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            check(Request::builder().method(method), Outgoing::Empty, LEVELS);
            check(Request::builder().method(method), in_memory(), LEVELS);
            check(Request::builder().method(method), once(), NEVER);
            check(Request::builder().method(method).extension(Idempotent(false)), in_memory(), NEVER);
        }
        for method in ["POST", "PATCH", "BREW"] {
            check(Request::builder().method(method), Outgoing::Empty, NEVER);
            check(Request::builder().method(method), in_memory(), NEVER);
            check(Request::builder().method(method).header("Idempotency-Key", "7"), in_memory(), LEVELS);
            check(Request::builder().method(method).extension(Idempotent(true)), in_memory(), LEVELS);
            check(Request::builder().method(method).extension(Idempotent(true)), once(), NEVER);
        }
        let own = Request::get("/").extension(Rescue::WhenLate);
        check(own, Outgoing::Empty, [Repeat::WhenLate; 3]);
        check(Request::get("/").extension(Rescue::Never), Outgoing::Empty, NEVER);
    }
}
