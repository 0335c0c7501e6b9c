//! Who is let in: requests that mean this very server, and, where something changes, that come from its own page.
//!
//! The page is on loopback, so no other host reaches it; but every page that a browser on this machine shows can send
//! requests here, and a name that an attacker owns can be made to mean 127.0.0.1 (DNS rebinding). Hence:
//!
//! - `Host` is a loopback name and our port, letter by letter; else 421.
//! - Where a browser says that another site asks (`Origin`, `Sec-Fetch-Site`), 403.
//! - What changes something carries the token of this start, which stands in the page and nowhere else; else 403.
//!
//! Who can run programs on this machine can read the page, and so the token: it keeps out web sites, not users.
//!
//! Invariant: pure; a head that is not understood is refused.
//! Next: `api.rs`, which asks here first.

use hyper::{
    HeaderMap, StatusCode,
    header::{HOST, HeaderName, HeaderValue, ORIGIN},
    http::request::Parts,
};

/// The header that carries the token.
const TOKEN: HeaderName = HeaderName::from_static("netsplit-token");

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The door of one start.
pub(super) struct Door {
    /// What `Host` may say.
    hosts: Vec<String>,
    token: Token,
}

/// 128 random bits, in hexadecimal digits.
pub(super) struct Token(String);

/// Why a request is not let in.
pub(super) type Refusal = (StatusCode, &'static str);

impl Token {
    pub(super) fn new(random: [u8; 16]) -> Self {
        Self(hexadecimal(&random))
    }

    /// In a time that does not tell how much of it is right.
    fn is(&self, said: &[u8]) -> bool {
        let right = self.0.as_bytes();
        let differences = right.iter().zip(said).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
        right.len() == said.len() && differences == 0
    }
}

impl Door {
    pub(super) fn new(port: u16, token: Token) -> Self {
        let mut hosts = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}")).to_vec();
        if port == 80 {
            hosts.extend(["127.0.0.1".to_owned(), "localhost".to_owned()]);
        }
        Self { hosts, token }
    }

    /// What the page is to say.
    pub(super) fn token(&self) -> &str {
        &self.token.0
    }

    /// Whether the request means this server.
    pub(super) fn is_meant(&self, head: &Parts) -> Result<(), Refusal> {
        let by_host = one(&head.headers, &HOST).is_some_and(|host| self.knows(host.as_bytes()));
        // An absolute URI says again whom it means (RFC 9112, section 3.2.2).
        let by_uri = head.uri.authority().is_none_or(|name| self.knows(name.as_str().as_bytes()));
        let refusal = (StatusCode::MISDIRECTED_REQUEST, "this server has no such name");
        if by_host && by_uri { Ok(()) } else { Err(refusal) }
    }

    /// Whether it is not another site that asks.
    pub(super) fn is_own(&self, head: &Parts) -> Result<(), Refusal> {
        let refusal = Err((StatusCode::FORBIDDEN, "another site asks"));
        if !at_most_one(&head.headers, &SEC_FETCH_SITE, |site| site == "same-origin" || site == "none") {
            return refusal;
        }
        let known = |origin: &HeaderValue| {
            origin.as_bytes().strip_prefix(b"http://").is_some_and(|host| self.knows(host))
        };
        if at_most_one(&head.headers, &ORIGIN, known) { Ok(()) } else { refusal }
    }

    /// Whether it may change something.
    pub(super) fn may_change(&self, head: &Parts) -> Result<(), Refusal> {
        self.is_own(head)?;
        let said = one(&head.headers, &TOKEN).is_some_and(|said| self.token.is(said.as_bytes()));
        if said { Ok(()) } else { Err((StatusCode::FORBIDDEN, "the token is missing or of another start")) }
    }

    fn knows(&self, host: &[u8]) -> bool {
        self.hosts.iter().any(|known| known.as_bytes() == host)
    }
}

/// The field's value, if it stands there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn at_most_one(headers: &HeaderMap, name: &HeaderName, good: impl Fn(&HeaderValue) -> bool) -> bool {
    !headers.contains_key(name) || one(headers, name).is_some_and(good)
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::{Door, Token};

    const RIGHT: &str = "000102030405060708090a0b0c0d0e0f";

    fn door() -> Door {
        Door::new(8080, Token::new(std::array::from_fn(|n| n as u8)))
    }

    /// The status of the refusal, if it is one.
    fn asked(uri: &str, fields: &[(&str, &str)], change: bool) -> Option<u16> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let door = door();
        let answer = door
            .is_meant(&head)
            .and_then(|()| if change { door.may_change(&head) } else { door.is_own(&head) });
        answer.err().map(|(status, _)| status.as_u16())
    }

    #[test]
    fn only_by_our_own_name() {
        for host in ["127.0.0.1:8080", "localhost:8080"] {
            assert_eq!(asked("/", &[("host", host)], false), None, "{host}");
        }
        for host in [
            "",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:8081",
            "localhost:80800",
            "LOCALHOST:8080",
            "localhost.:8080",
            "localhost:8080.",
            "127.1:8080",
            "2130706433:8080",
            "0x7f000001:8080",
            "0177.0.0.1:8080",
            "127.0.0.2:8080",
            "0.0.0.0:8080",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:8080",
            "rebound.example:8080",
            "localhost.example:8080",
            "user@localhost:8080",
            " localhost:8080 x",
        ] {
            assert_eq!(asked("/", &[("host", host)], false), Some(421), "{host}");
        }
        assert_eq!(asked("/", &[], false), Some(421), "none at all");
        let twice = [("host", "localhost:8080"), ("host", "localhost:8080")];
        assert_eq!(asked("/", &twice, false), Some(421));
        assert_eq!(asked("http://rebound.example:8080/", &[("host", "localhost:8080")], false), Some(421));
        assert_eq!(asked("http://localhost:8080/", &[("host", "localhost:8080")], false), None);
    }

    #[test]
    fn not_for_other_sites() {
        for (name, value) in [
            ("origin", "http://rebound.example:8080"),
            ("origin", "https://localhost:8080"),
            ("origin", "http://localhost:8081"),
            ("origin", "null"),
            ("origin", ""),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", ""),
        ] {
            let fields = [("host", "localhost:8080"), (name, value), ("netsplit-token", RIGHT)];
            assert_eq!(asked("/", &fields, true), Some(403), "{name}: {value}");
            assert_eq!(asked("/", &fields, false), Some(403), "{name}: {value}");
        }
    }

    #[test]
    fn no_change_without_the_token() {
        let host = ("host", "localhost:8080");
        let with =
            |token| asked("/", &[host, ("origin", "http://localhost:8080"), ("netsplit-token", token)], true);
        assert_eq!(with(RIGHT), None);
        for wrong in ["", "0", &RIGHT[1..], "100102030405060708090a0b0c0d0e0f", &RIGHT.to_uppercase()] {
            assert_eq!(with(wrong), Some(403), "{wrong}");
        }
        assert_eq!(asked("/", &[host], true), Some(403));
        assert_eq!(
            asked("/", &[host, ("netsplit-token", RIGHT), ("netsplit-token", RIGHT)], true),
            Some(403)
        );
    }
}
