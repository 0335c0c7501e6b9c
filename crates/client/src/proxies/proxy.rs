//! One proxy: how to speak with it, where it is, and the login.
//!
//! Invariant: neither `Debug` nor an error says the login. Next: [`super::Proxies`].

use std::fmt;
use std::fmt::Write as _;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::error::Error;
use crate::name::{bare_host, host_and_port};

/// A proxy.
#[derive(Clone)]
pub struct Proxy {
    pub(crate) kind: Kind,
    /// In lower case; an IPv6 address without its brackets.
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
    pub(crate) login: Login,
}

/// How to speak with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Http,
    /// The same, over TLS.
    Https,
    /// SOCKS5 with addresses: names are resolved here.
    Socks5,
    /// SOCKS5 with names: the proxy resolves them.
    Socks5h,
}

#[derive(Clone)]
pub(crate) enum Login {
    None,
    /// For HTTP proxies: the field's value, ready.
    Basic(HeaderValue),
    /// For SOCKS5 (RFC 1929): user and password.
    Password(Box<str>, Box<str>),
}

impl Proxy {
    /// The proxy at this URI: `http://host:port`, `https://host:port` (spoken to over TLS), `socks5://host:port` (names
    /// are resolved here) or `socks5h://host:port` (the proxy resolves them). Without a scheme: `http`. Without a port:
    /// 80, 443, 1080. A login can stand before the host, percent-encoded (`user:password@`).
    ///
    /// # Errors
    ///
    /// When it is no such URI. The error does not repeat it.
    pub fn new(uri: &str) -> Result<Self, Error> {
        Self::parse(uri).map_err(Error::settings)
    }

    pub(super) fn parse(uri: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "the proxy is not a URI with http, https, socks5 or socks5h, a host and a port";
        let understood = Matcher::builder().all(uri).build().intercept(&Uri::from_static("http://a/"));
        let understood = understood.ok_or(WRONG)?;
        let uri = understood.uri();
        let (kind, port) = match uri.scheme_str() {
            Some("http") => (Kind::Http, 80),
            Some("https") => (Kind::Https, 443),
            Some("socks5") => (Kind::Socks5, 1080),
            Some("socks5h") => (Kind::Socks5h, 1080),
            Some(_) | None => return Err(WRONG),
        };
        let authority = uri.authority().ok_or(WRONG)?;
        if uri.port_u16().is_none() && authority.as_str() != authority.host() {
            return Err("the proxy's port is not a number below 65536");
        }
        let host = bare_host(authority.host())?;
        if host.is_empty() {
            return Err(WRONG);
        }
        let login = match (understood.basic_auth(), understood.raw_auth()) {
            (Some(basic), _) => Login::Basic(basic.clone()),
            (None, Some((user, password))) => Login::Password(user.into(), password.into()),
            (None, None) => Login::None,
        };
        if let Login::Password(user, password) = &login {
            if user.len() > 255 || password.len() > 255 || user.is_empty() || password.is_empty() {
                return Err("SOCKS5 takes a user and a password of 1 to 255 bytes each (RFC 1929)");
            }
        }
        Ok(Self { kind, host, port: uri.port_u16().unwrap_or(port), login })
    }

    /// Logs in: with HTTP proxies by the Basic scheme (RFC 7617), with SOCKS5 ones by RFC 1929, for which user and
    /// password have 1 to 255 bytes each (the proxy's handshake fails otherwise).
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = match self.kind {
            Kind::Socks5 | Kind::Socks5h => Login::Password(user.into(), password.into()),
            Kind::Http | Kind::Https => {
                // One parser and one encoder for logins, wherever they come from.
                let uri = format!("http://{}:{}@a", percent_encoded(user), percent_encoded(password));
                let read = Matcher::builder().all(uri).build().intercept(&Uri::from_static("http://a/"));
                read.and_then(|read| read.basic_auth().cloned()).map_or(Login::None, Login::Basic)
            }
        };
        self
    }

    /// What its clients send to it as `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        match &self.login {
            Login::Basic(value) => Some(value),
            Login::None | Login::Password(..) => None,
        }
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Socks5 => "socks5",
            Kind::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}", host_and_port(&self.host, self.port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: &str) {
        let proxy = Proxy::parse(uri).unwrap();
        let login = match &proxy.login {
            Login::None => String::new(),
            Login::Basic(value) => value.to_str().unwrap().to_owned(),
            Login::Password(user, password) => format!("{user} {password}"),
        };
        assert_eq!(format!("{proxy} {login}").trim_end(), expected);
    }

    #[test]
    fn uris() {
        check("http://a:3128", "http://a:3128");
        check("A:3128", "http://a:3128");
        check("a", "http://a:80");
        check("https://a/", "https://a:443");
        check("socks5://a", "socks5://a:1080");
        check("socks5h://[::1]:1", "socks5h://[::1]:1");
        check("http://Aladdin:open%20sesame@a", "http://a:80 Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        check("socks5://me:s%40crt@a", "socks5://a:1080 me s@crt");
    }

    #[test]
    fn what_is_none_is_refused_and_not_repeated() {
        let long = format!("socks5://u:{}@a", "x".repeat(256));
        for uri in [
            "",
            "ftp://u:secret@a",
            "http://u:secret@",
            "socks4://secret",
            "a:secret",
            "http://a:99999",
            &long,
        ] {
            let error = Proxy::new(uri).unwrap_err();
            let mut text = format!("{error} {error:?}");
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                text += &format!("{error} {error:?}");
                source = error.source();
            }
            assert!(!text.contains("secret") && !text.contains("xxx"), "{text}");
        }
    }

    #[test]
    fn a_login_is_kept_to_itself() {
        let proxy = Proxy::new("http://a").unwrap().login("Aladdin", "open sesame");
        assert_eq!(proxy.authorization().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(format!("{proxy:?} {proxy}"), "Proxy(http://a:80) http://a:80");
        assert!(proxy.authorization().unwrap().is_sensitive());
        let client = crate::Client::builder().proxies(super::super::Proxies::all(proxy));
        assert!(!format!("{client:?} {:?}", client.clone().build()).contains("QWxh"));
    }
}
