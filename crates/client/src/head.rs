//! A request's head, checked and put in order once, so that sending it is mere copying.
//!
//! What belongs to a connection (`Connection`, `Transfer-Encoding`, ...) is ours to say, not the caller's, and is
//! removed (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2). Everything else passes as it came. Invariant: a
//! [`Head`] can be sent over either version of HTTP, any number of times. Next: [`crate::origin`].

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Method, Request, Uri, Version, uri};
use http_body::Body as _;

use crate::informational::OnInformational;
use crate::name::OriginName;
use crate::outgoing::Outgoing;
use crate::upgrade::ConnectProtocol;
use crate::vet::Ask;

/// Method, URI and headers of a request.
#[derive(Debug)]
pub(crate) struct Head {
    method: Method,
    /// Absolute. Its authority is what the server is told, which a caller's `Host` may have changed.
    uri: Uri,
    headers: HeaderMap,
    /// Whether the body waits for `100 Continue`.
    expects: bool,
    /// Boxed: it is rare.
    informational: Option<Box<OnInformational>>,
    /// What else is wanted than a message.
    other: Other,
}

/// What a request can want instead of a message. Boxed: it is rare.
#[derive(Debug)]
enum Other {
    Nothing,
    /// One of these protocols on the same connection: the `Upgrade` field.
    Upgrade(Box<HeaderValue>),
    /// A tunnel to the authority.
    Tunnel,
    /// This protocol on the same stream.
    Extended(Box<ConnectProtocol>),
}

/// Fields about the connection, not about the request.
const HOP_BY_HOP: [HeaderName; 4] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

impl Head {
    /// One that is not in order yet. Not to be sent before it is.
    pub(crate) fn new(method: Method, uri: Uri, headers: HeaderMap) -> Self {
        Self { method, uri, headers, expects: false, informational: None, other: Other::Nothing }
    }

    /// Puts it in order where it is, for it is large; or says what is wrong with it. Which origin it is for, its URI says: see
    /// [`OriginName`].
    pub(crate) fn put_in_order(
        &mut self,
        extensions: &Extensions,
        body: &Outgoing,
    ) -> Result<(), &'static str> {
        let Self { method, uri, headers, .. } = self;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("the URI contains credentials: send them in an Authorization header");
        }
        if let Some(host) = headers.remove(header::HOST) {
            *uri = with_authority(std::mem::take(uri), &host)?;
        }
        self.other = match (*method == Method::CONNECT, extensions.get::<ConnectProtocol>()) {
            (false, Some(_)) => return Err("only CONNECT can have a ConnectProtocol"),
            (true, Some(protocol)) => Other::Extended(Box::new(protocol.clone())),
            (true, None) if uri.port().is_none() => {
                return Err("CONNECT needs a port: in the Host header, or in the URI");
            }
            (true, None) => Other::Tunnel,
            (false, None) => wanted_upgrade(headers).map(Box::new).map_or(Other::Nothing, Other::Upgrade),
        };
        if *method == Method::CONNECT && !body.is_empty() {
            return Err("CONNECT has no body: what the tunnel carries is written once it is there");
        }
        remove_hop_by_hop(headers);
        check_length(headers, body)?;
        if let Some(length) = announced_length(method, headers, body) {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        self.expects = keep_expectation(headers, body);
        self.informational = extensions.get().cloned().map(Box::new);
        Ok(())
    }

    /// Adds fields that are not the caller's, in place of those of the same names; what is about the connection, or the message's
    /// form, is none of theirs.
    pub(crate) fn add(&mut self, mut fields: HeaderMap) {
        if fields.is_empty() {
            return;
        }
        remove_hop_by_hop(&mut fields);
        for ours in [header::HOST, header::CONTENT_LENGTH, header::EXPECT, header::TE] {
            fields.remove(ours);
        }
        self.headers.extend(fields);
    }

    /// How its response is to be read.
    pub(crate) fn ask(&self) -> Ask {
        match self.other {
            Other::Upgrade(_) => Ask::Upgrade,
            Other::Nothing | Other::Tunnel | Other::Extended(_) => Ask::of(&self.method),
        }
    }

    /// Whether it needs the server's word that it may be sent, which comes with the server's SETTINGS.
    pub(crate) fn is_extended(&self) -> bool {
        matches!(self.other, Other::Extended(_))
    }

    /// Whether it leaves its stream open for more than a body.
    pub(crate) fn is_connect(&self) -> bool {
        self.method == Method::CONNECT
    }

    /// Whether it asks for another protocol on the same connection.
    pub(crate) fn is_upgrade(&self) -> bool {
        matches!(self.other, Other::Upgrade(_))
    }

    /// Whether its body waits for `100 Continue`.
    pub(crate) fn expects(&self) -> bool {
        self.expects
    }

    /// Whom to tell of informational responses.
    pub(crate) fn informational(&self) -> Option<&OnInformational> {
        self.informational.as_deref()
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
        Form::Origin.fill(request.headers_mut(), &self.headers);
        if let Other::Extended(protocol) = &self.other {
            request.extensions_mut().insert(h2::ext::Protocol::from(protocol.as_str()));
        }
        request
    }

    /// As HTTP/1.1 wants it: in the connection's form, `Host` first.
    pub(crate) fn http1(&self, body: Outgoing, form: &Form, host: &mut LastHost) -> Request<Outgoing> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = match (&self.other, self.uri.authority()) {
            (Other::Tunnel, Some(authority)) => authority.clone().into(),
            _ => form.target(&self.uri),
        };
        let headers = request.headers_mut();
        *headers = host.field(self.uri.authority().map_or("", |authority| authority.as_str()));
        form.fill(headers, &self.headers);
        if let Other::Upgrade(protocols) = &self.other {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::clone(protocols));
        }
        request
    }
}

/// The `Host` field of the last request on a connection of HTTP/1.1: the next one's is the same, unless its caller names another.
#[derive(Default)]
pub(crate) struct LastHost(Option<(Box<str>, HeaderMap)>);

impl LastHost {
    /// The field for this authority, and no other.
    fn field(&mut self, authority: &str) -> HeaderMap {
        match &self.0 {
            Some((last, field)) if **last == *authority => field.clone(),
            Some(_) | None => {
                let host = HeaderValue::from_str(authority).ok();
                let field: HeaderMap = host.into_iter().map(|host| (header::HOST, host)).collect();
                self.0 = Some((authority.into(), field.clone()));
                field
            }
        }
    }
}

/// How a request's target is written on a connection of HTTP/1.1 (RFC 9112 section 3.2).
pub(crate) enum Form {
    /// To the origin: path only.
    Origin,
    /// To a proxy that forwards it: all of the URI, whose authority says where to, whatever the caller's `Host` is.
    Absolute { authority: uri::Authority, login: Option<HeaderValue> },
}

impl Form {
    pub(crate) fn absolute(name: &OriginName, login: Option<&HeaderValue>) -> Self {
        match name.authority().parse() {
            Ok(authority) => Self::Absolute { authority, login: login.cloned() },
            Err(_) => Self::Origin, // A name that was read from an authority is one.
        }
    }

    fn target(&self, uri: &Uri) -> Uri {
        let path = uri.path_and_query().cloned().unwrap_or_else(|| uri::PathAndQuery::from_static("/"));
        let Self::Absolute { authority, .. } = self else { return path.into() };
        let mut parts = uri::Parts::default();
        (parts.scheme, parts.authority) = (Some(uri::Scheme::HTTP), Some(authority.clone()));
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// Adds the caller's fields. A login for a proxy is for no one else's eyes (RFC 9110 section 11.7.2).
    fn fill(&self, headers: &mut HeaderMap, of_caller: &HeaderMap) {
        match (of_caller.is_empty(), headers.is_empty()) {
            (true, _) => {}
            (false, true) => headers.clone_from(of_caller),
            (false, false) => headers.extend(of_caller.clone()),
        }
        match self {
            Self::Origin if of_caller.is_empty() => {}
            Self::Origin => _ = headers.remove(header::PROXY_AUTHORIZATION),
            Self::Absolute { login: Some(login), .. } => {
                headers.entry(header::PROXY_AUTHORIZATION).or_insert_with(|| login.clone());
            }
            Self::Absolute { login: None, .. } => {}
        }
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
    if headers.is_empty() {
        return;
    }
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

/// The protocols that the connection is to change to, if any (RFC 9110 section 7.8).
fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocols = headers.get(header::UPGRADE)?;
    let mut options = headers.get_all(header::CONNECTION).iter().filter_map(|field| field.to_str().ok());
    let wanted =
        options.any(|field| field.split(',').any(|option| option.trim().eq_ignore_ascii_case("upgrade")));
    wanted.then(|| protocols.clone())
}

/// Whether the body is to wait. A request without one must not expect anything (RFC 9110 section 10.1.1).
fn keep_expectation(headers: &mut HeaderMap, body: &Outgoing) -> bool {
    let expects = headers
        .get(header::EXPECT)
        .is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if expects && body.is_empty() {
        headers.remove(header::EXPECT);
    }
    expects && !body.is_empty()
}

/// A `Content-Length` of the caller's must be one number, and that of the body where it is known: HTTP/1.1 would send as much of the
/// body as it says, or wait for what never comes, and HTTP/2 servers refuse it (RFC 9110 section 8.6, RFC 9113 section 8.1.1).
fn check_length(headers: &HeaderMap, body: &Outgoing) -> Result<(), &'static str> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Ok(()) };
    let digits = length.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let length = digits.and_then(|digits| digits.parse::<u64>().ok());
    match (length, body.size_hint().exact()) {
        (None, _) => Err("the Content-Length header is not a number"),
        (Some(_), _) if lengths.next().is_some() => Err("there are several Content-Length headers"),
        (Some(length), Some(size)) if length != size => {
            Err("the Content-Length header is not the length of the body: leave it out")
        }
        (Some(_), _) => Ok(()),
    }
}

/// The length to announce where the caller did not: a known one, and zero only for methods that usually have a body
/// (RFC 9110 section 8.6).
fn announced_length(method: &Method, headers: &HeaderMap, body: &Outgoing) -> Option<u64> {
    if headers.contains_key(header::CONTENT_LENGTH) {
        return None;
    }
    let has_meaning = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    body.size_hint().exact().filter(|length| *length > 0 || (has_meaning && body.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::request::Parts;
    use http_body_util::{Empty, Full};

    fn head(request: http::request::Builder, body: &'static str) -> Result<Head, &'static str> {
        let body = if body.is_empty() {
            Outgoing::new(Empty::<&[u8]>::new())
        } else {
            Outgoing::new(Full::new(body.as_bytes()))
        };
        let Parts { method, uri, headers, extensions, .. } = request.body(()).unwrap().into_parts().0;
        let mut head = Head::new(method, uri, headers);
        head.put_in_order(&extensions, &body).map(|()| head)
    }

    fn http1(head: &Head, form: &Form) -> Request<Outgoing> {
        head.http1(Outgoing::Empty, form, &mut LastHost::default())
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
        let (http1, http2) = (http1(&head, &Form::Origin), head.http2());
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
        let named = head(Request::get("http://127.0.0.1:81/b").header("host", "example.com"), "").unwrap();
        assert_eq!(named.http2().uri(), "http://example.com/b");
        let plain = head(Request::get("http://127.0.0.1:81/b"), "").unwrap();
        let mut host = LastHost::default();
        for (head, told) in [(&named, "example.com"), (&named, "example.com"), (&plain, "127.0.0.1:81")] {
            assert_eq!(head.http1(Outgoing::Empty, &Form::Origin, &mut host).headers()["host"], told);
        }
    }

    #[test]
    fn a_proxy_is_told_where_to_and_alone_sees_its_login() {
        let name = OriginName::of(&"http://a:81/".parse().unwrap()).unwrap();
        let form = Form::absolute(&name, Some(&HeaderValue::from_static("Basic ours")));
        let plain = head(Request::get("http://a:81/b?c").header("host", "example.com"), "").unwrap();
        let forwarded = http1(&plain, &form);
        assert_eq!(forwarded.uri(), "http://a:81/b?c");
        assert_eq!(forwarded.headers()["host"], "example.com");
        assert_eq!(forwarded.headers()["proxy-authorization"], "Basic ours");
        assert!(!http1(&plain, &Form::Origin).headers().contains_key("proxy-authorization"));

        let own = head(Request::get("http://a:81/").header("proxy-authorization", "Basic mine"), "").unwrap();
        assert_eq!(http1(&own, &form).headers()["proxy-authorization"], "Basic mine");
        assert!(!http1(&own, &Form::Origin).headers().contains_key("proxy-authorization"));
        assert!(!own.http2().headers().contains_key("proxy-authorization"));
    }

    #[test]
    fn a_known_length_is_announced() {
        let length = |head: Result<Head, _>| head.unwrap().headers.get("content-length").cloned();
        assert_eq!(length(head(Request::post("http://a/"), "four")), Some(4.into()));
        assert_eq!(length(head(Request::post("http://a/"), "")), Some(0.into()));
        assert_eq!(length(head(Request::get("http://a/"), "")), None);
        let own = |length: &str| Request::post("http://a/").header("content-length", length);
        assert_eq!(length(head(own("4"), "four")), Some(4.into()));
        for lie in ["3", "5", "4, 4", "+4", "-4", "", "four", "99999999999999999999"] {
            assert!(head(own(lie), "four").is_err(), "{lie}");
        }
        assert!(head(own("4").header("content-length", 4), "four").is_err());
        assert!(head(own("4"), "").is_err());
        assert!(head(own("0"), "").is_ok());
    }

    #[test]
    fn tunnels_have_their_own_forms() {
        let tunnel = head(Request::connect("http://proxy:1/").header("host", "a:2"), "").unwrap();
        assert_eq!(http1(&tunnel, &Form::Origin).uri(), "a:2");
        assert_eq!((tunnel.http2().uri().authority().unwrap().as_str(), tunnel.ask()), ("a:2", Ask::Connect));
        let extended = Request::connect("http://a/chat").extension(ConnectProtocol::new("websocket"));
        let extended = head(extended, "").unwrap();
        assert_eq!(extended.http2().extensions().get::<h2::ext::Protocol>().unwrap().as_str(), "websocket");
        assert_eq!(extended.http2().uri(), "http://a/chat");
        let upgrade = || Request::get("http://a/").header("upgrade", "websocket");
        assert_eq!(
            head(upgrade(), "").unwrap().ask(),
            Ask::Plain,
            "nobody asks for the connection's upgrade"
        );
        let upgrade = head(upgrade().header("connection", "keep-alive, Upgrade"), "").unwrap();
        let http1 = http1(&upgrade, &Form::Origin);
        assert_eq!(
            (&http1.headers()["connection"], upgrade.ask()),
            (&"upgrade".parse().unwrap(), Ask::Upgrade)
        );
        assert_eq!(http1.headers()["upgrade"], "websocket");
    }

    #[test]
    fn only_a_body_can_be_expected() {
        let expecting = || Request::put("http://a/").header("expect", "100-Continue");
        let with_body = head(expecting(), "four").unwrap();
        assert!(with_body.expects() && with_body.headers.contains_key("expect"));
        let without = head(expecting(), "").unwrap();
        assert!(!without.expects() && !without.headers.contains_key("expect"));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        assert!(head(Request::connect("http://a/"), "").is_err());
        assert!(head(Request::connect("http://a:1/"), "four").is_err());
        assert!(head(Request::get("http://a/").extension(ConnectProtocol::new("x")), "").is_err());
        assert!(head(Request::get("http://me:secret@a/"), "").is_err());
        assert!(head(Request::get("http://a/").header("host", "no host"), "").is_err());
    }
}
