//! The name of an origin: scheme, host, port.
//!
//! Invariant: two URIs that lead to the same origin have equal names, however they are spelled. Next:
//! [`crate::head`], which reads the name from a request.

use std::fmt;
use std::net::Ipv6Addr;

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
        let bare = bare_host(host)?;
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
        Ok(Self { https, host: bare, port })
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

    /// Host and port as requests name them: the scheme's own port is left out.
    pub(crate) fn authority(&self) -> String {
        match (self.https, self.port) {
            (false, 80) | (true, 443) if self.host.contains(':') => format!("[{}]", self.host),
            (false, 80) | (true, 443) => self.host.to_string(),
            (_, port) => host_and_port(&self.host, port),
        }
    }
}

/// A URI's host in lower case, and without brackets where it is an IPv6 address.
pub(crate) fn bare_host(host: &str) -> Result<Box<str>, &'static str> {
    let Some(bracketed) = host.strip_prefix('[') else { return Ok(host.to_ascii_lowercase().into()) };
    let address = bracketed.strip_suffix(']').unwrap_or(bracketed);
    if address.contains('%') {
        // A zone means something on one machine only, and has no place in a URI (RFC 9844, which took RFC 6874 back).
        return Err("the URI's host has an IPv6 zone id, which a URI cannot carry");
    }
    let address: Ipv6Addr = address.parse().map_err(|_| "the URI's host is no IPv6 address")?;
    Ok(address.to_string().into())
}

/// Both as a URI has them: an IPv6 address in brackets.
pub(crate) fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
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
        write!(f, "{scheme}://{}", host_and_port(&self.host, self.port))
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
        assert_eq!(name("http://[0:0::0001]/"), name("http://[::1]:80/"));
        assert_ne!(name("http://a/"), name("https://a/"));
        assert_ne!(name("http://a:1/"), name("http://a:2/"));
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        assert!(name("/path").is_err());
        assert!(name("ftp://example.com/").is_err());
        assert!(name("http://a:99999/").is_err(), "and not port 80");
        assert!(name("http://[v1.future]/").is_err());
        assert_eq!(name("http://a:/").unwrap(), "http://a:80");
        assert_eq!(name("https://me@[::1]/").unwrap(), "https://[::1]:443");
    }

    #[test]
    fn zones_are_refused() {
        assert!(bare_host("[fe80::1%25eth0]").unwrap_err().contains("zone"));
        assert!(bare_host("[fe80::1%eth0]").unwrap_err().contains("zone"));
    }

    #[test]
    fn an_authority_leaves_the_usual_port_out() {
        let authority = |uri: &str| OriginName::of(&uri.parse().unwrap()).unwrap().authority();
        assert_eq!(authority("http://a:80/"), "a");
        assert_eq!(authority("https://a/"), "a");
        assert_eq!(authority("https://a:80/"), "a:80");
        assert_eq!(authority("http://[::1]/"), "[::1]");
        assert_eq!(authority("http://[::1]:81/"), "[::1]:81");
    }
}
