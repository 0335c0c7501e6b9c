//! The name of an origin: scheme, host, port.
//!
//! Invariant: two URIs that lead to the same origin have equal names, however they are spelled. Next:
//! [`crate::head`], which reads the name from a request.

use std::fmt;

use http::Uri;

/// The name of an origin: scheme, host and port, normalised, so that equal names mean the same origin.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OriginName {
    https: bool,
    /// In lower case; an IPv6 address without its brackets.
    host: Box<str>,
    port: u16,
}

impl OriginName {
    /// Reads the name of the origin that `uri` leads to, or says what is wrong with it.
    pub(crate) fn of(uri: &Uri) -> Result<Self, &'static str> {
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) => return Err("the URI's scheme is neither http nor https"),
            None => return Err("the URI is not absolute: it needs a scheme and a host"),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("the URI has no host")?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = match (uri.port_u16(), written_port(uri, host)) {
            (Some(port), _) => port,
            (None, "") => {
                if https {
                    443
                } else {
                    80
                }
            }
            (None, _) => return Err("the URI's port is not a number below 65536"),
        };
        Ok(Self { https, host: bare.to_ascii_lowercase().into(), port })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// The host in lower case; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own if the URI had none.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The port as the URI has it, empty if it has none: `http` takes any digits, and knows no port where they are too many.
fn written_port<'a>(uri: &'a Uri, host: &str) -> &'a str {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let place = authority.rsplit_once('@').map_or(authority, |(_credentials, place)| place);
    place.get(host.len()..).unwrap_or("").trim_start_matches(':')
}

impl fmt::Display for OriginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(uri: &str) -> Result<String, &'static str> {
        OriginName::of(&uri.parse().unwrap()).map(|name| name.to_string())
    }

    #[test]
    fn spelling_does_not_matter() {
        assert_eq!(name("https://Example.COM/a"), name("https://example.com:443/b?c"));
        assert_eq!(name("http://[::1]/").unwrap(), "http://[::1]:80");
        assert_ne!(name("http://a/"), name("https://a/"));
        assert_ne!(name("http://a:1/"), name("http://a:2/"));
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        assert!(name("/path").is_err());
        assert!(name("ftp://example.com/").is_err());
        assert!(name("http://a:99999/").is_err(), "and not port 80");
        assert_eq!(name("http://a:/").unwrap(), "http://a:80");
        assert_eq!(name("https://me@[::1]/").unwrap(), "https://[::1]:443");
    }
}
