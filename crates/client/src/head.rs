//! A request's head, checked and put in order once, so that sending it is mere copying.
//!
//! What belongs to a connection (`Connection`, `Transfer-Encoding`, ...) is ours to say, not the caller's, and is
//! removed (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2). Everything else passes as it came. Invariant: a
//! [`Head`] can be sent over either version of HTTP, any number of times. Next: [`crate::origin`].

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Uri, Version, uri};
use http_body::Body as _;

use crate::name::OriginName;
use crate::outgoing::Outgoing;

/// Method, URI and headers of a request.
#[derive(Debug)]
pub(crate) struct Head {
    method: Method,
    /// Absolute. Its authority is what the server is told, which a caller's `Host` may have changed.
    uri: Uri,
    headers: HeaderMap,
}

/// Fields about the connection, not about the request.
const HOP_BY_HOP: [HeaderName; 4] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

impl Head {
    /// Puts a request's head in order, and says which origin it is for, or what is wrong with it.
    pub(crate) fn new(parts: Parts, body: &Outgoing) -> Result<(OriginName, Self), &'static str> {
        let Parts { method, uri, mut headers, .. } = parts;
        if method == Method::CONNECT {
            return Err("CONNECT makes a tunnel, which this client does not offer");
        }
        let name = OriginName::of(&uri)?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("the URI contains credentials: send them in an Authorization header");
        }
        let uri = match headers.remove(header::HOST) {
            Some(host) => with_authority(uri, &host)?,
            None => uri,
        };
        remove_hop_by_hop(&mut headers);
        if let Some(length) = announced_length(&method, &headers, body) {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        Ok((name, Self { method, uri, headers }))
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// As HTTP/2 wants it: absolute URI, no `Host`.
    pub(crate) fn http2(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// As HTTP/1.1 wants it: path only, `Host` first.
    pub(crate) fn http1(&self, body: Outgoing) -> Request<Outgoing> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.path_and_query().map_or_else(Uri::default, |path| path.clone().into());
        let headers = request.headers_mut();
        headers.reserve(self.headers.len() + 1);
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        if let Ok(host) = HeaderValue::from_str(host) {
            headers.insert(header::HOST, host);
        }
        headers.extend(self.headers.clone());
        request
    }
}

fn with_authority(uri: Uri, host: &HeaderValue) -> Result<Uri, &'static str> {
    const WRONG: &str = "the Host header is not a host and port";
    let mut parts = uri.into_parts();
    let authority = uri::Authority::try_from(host.as_bytes()).map_err(|_| WRONG)?;
    if authority.as_str().contains('@') {
        return Err(WRONG);
    }
    parts.authority = Some(authority);
    Uri::from_parts(parts).map_err(|_| WRONG)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Most requests have none of these: one look each, nothing copied.
    while let Some(connection) = headers.remove(header::CONNECTION) {
        for named in connection.to_str().unwrap_or("").split(',') {
            headers.remove(named.trim());
        }
    }
    for field in &HOP_BY_HOP {
        headers.remove(field);
    }
    if headers.get(header::TE).is_some_and(|te| te != "trailers") {
        headers.remove(header::TE);
    }
}

/// The length to announce where the caller did not: a known one, and zero only for methods that usually have a body
/// (RFC 9110 section 8.6).
fn announced_length(method: &Method, headers: &HeaderMap, body: &Outgoing) -> Option<u64> {
    if headers.contains_key(header::CONTENT_LENGTH) {
        return None;
    }
    let has_meaning = [Method::POST, Method::PUT, Method::PATCH].contains(method);
    body.size_hint().exact().filter(|length| *length > 0 || (has_meaning && body.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{Empty, Full};

    fn head(request: http::request::Builder, body: &'static str) -> Result<Head, &'static str> {
        let body = if body.is_empty() {
            Outgoing::new(Empty::<&[u8]>::new())
        } else {
            Outgoing::new(Full::new(body.as_bytes()))
        };
        Head::new(request.body(()).unwrap().into_parts().0, &body).map(|(_, head)| head)
    }

    #[test]
    fn the_connection_is_ours() {
        let request = Request::get("http://a/")
            .header("connection", "close, x-mine")
            .header("x-mine", "1")
            .header("x-yours", "2")
            .header("te", "gzip")
            .header("transfer-encoding", "chunked");
        let head = head(request, "").unwrap();
        assert_eq!(head.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-yours"]);
    }

    #[test]
    fn each_version_gets_its_own_form() {
        let head = head(Request::get("http://a:81/b?c").header("te", "trailers"), "").unwrap();
        let (http1, http2) = (head.http1(Outgoing::Empty), head.http2());
        assert_eq!(
            (http1.uri().to_string(), &http1.headers()["host"]),
            ("/b?c".into(), &"a:81".parse().unwrap())
        );
        assert_eq!(http2.uri(), "http://a:81/b?c");
        assert!(!http2.headers().contains_key("host"));
        assert_eq!(http2.headers()["te"], "trailers");
    }

    #[test]
    fn a_host_header_names_the_authority() {
        let head = head(Request::get("http://127.0.0.1:81/b").header("host", "example.com"), "").unwrap();
        assert_eq!(head.http2().uri(), "http://example.com/b");
        assert_eq!(head.http1(Outgoing::Empty).headers()["host"], "example.com");
    }

    #[test]
    fn a_known_length_is_announced() {
        let length = |head: Result<Head, _>| head.unwrap().headers.get("content-length").cloned();
        assert_eq!(length(head(Request::post("http://a/"), "four")), Some(4.into()));
        assert_eq!(length(head(Request::post("http://a/"), "")), Some(0.into()));
        assert_eq!(length(head(Request::get("http://a/"), "")), None);
        let own = Request::post("http://a/").header("content-length", 7);
        assert_eq!(length(head(own, "four")), Some(7.into()));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        assert!(head(Request::connect("http://a/"), "").is_err());
        assert!(head(Request::get("/b"), "").is_err());
        assert!(head(Request::get("http://me:secret@a/"), "").is_err());
        assert!(head(Request::get("http://a/").header("host", "no host"), "").is_err());
    }
}
