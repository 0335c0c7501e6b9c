//! What a response's head and body may not say: the checks that h2 and hyper leave to us.
//!
//! Invariant: what passes has one length, a bounded number of fields, and content only where a response can have some, so that
//! every reader of it finds the same message. Next: [`crate::sending`] and [`crate::response_body`], which ask.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Response, StatusCode};

use crate::offence::Offence;

/// What of a request decides how its response is to be read (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Ask {
    /// A message.
    #[default]
    Plain,
    /// The head of one.
    Head,
    /// Another protocol on this connection (HTTP/1.1).
    Upgrade,
    /// A tunnel.
    Connect,
}

impl Ask {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Connect,
            _ => Self::Plain,
        }
    }

    /// Whether the response with this status is no message but the beginning of something else.
    pub(crate) fn tunnels(self, status: StatusCode) -> bool {
        match self {
            Self::Plain | Self::Head => false,
            Self::Upgrade => status == StatusCode::SWITCHING_PROTOCOLS,
            Self::Connect => status.is_success(),
        }
    }

    /// Whether the response to this can have no content, whatever its fields say.
    pub(crate) fn excludes_content(self, status: StatusCode) -> bool {
        self == Self::Head || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
    }
}

/// The head of a response over HTTP/1.1.
pub(crate) fn http1<B>(ask: Ask, response: &Response<B>, most: u32) -> Result<(), Offence> {
    if ask.tunnels(response.status()) {
        return fields(response.headers(), most); // A length would mean nothing (RFC 9110 section 9.3.6).
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Offence::Switch);
    }
    let headers = response.headers();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        // No coding but this was offered, for the request had no `TE`.
        let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        if !chunked || headers.contains_key(CONTENT_LENGTH) {
            return Err(Offence::Framing);
        }
    }
    fields(headers, most)
}

/// A head, or trailers. (hyper has counted those of HTTP/1.1 already.)
pub(crate) fn fields(headers: &HeaderMap, most: u32) -> Result<(), Offence> {
    if headers.len() > most as usize { Err(Offence::Fields) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_clear_about_its_length_or_refused() {
        let check = |fields: &[(&str, &str)]| {
            let response = fields
                .iter()
                .fold(Response::builder(), |response, (name, value)| response.header(*name, *value));
            http1(Ask::Plain, &response.body(()).unwrap(), 3)
        };
        let (te, length) = ("transfer-encoding", ("content-length", "5"));
        assert_eq!(check(&[length]), Ok(()));
        assert_eq!(check(&[(te, "chunked")]), Ok(()));
        assert_eq!(check(&[(te, "Chunked")]), Ok(()));
        for wrong in ["gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", ""] {
            assert_eq!(check(&[(te, wrong)]), Err(Offence::Framing), "{wrong}");
        }
        assert_eq!(check(&[(te, "chunked"), length]), Err(Offence::Framing));
        assert_eq!(check(&[(te, "chunked"), (te, "chunked")]), Err(Offence::Framing));
        assert_eq!(check(&[("x", "y"); 3]), Ok(()));
        assert_eq!(check(&[("x", "y"); 4]), Err(Offence::Fields));
    }
}
