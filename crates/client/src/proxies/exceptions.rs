//! Whom to reach without a proxy: lists as in `NO_PROXY`.
//!
//! The rules of names, addresses and networks are hyper-util's, which are curl's; ports are added here. Next:
//! [`super::Proxies`].

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::name::OriginName;

/// Whether the list has this origin.
pub(super) fn contain(list: &str, origin: &OriginName) -> bool {
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).map(|entry| {
        let (host, port) = cut(entry);
        (host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host), port)
    });
    let here: Vec<_> = entries
        .filter(|(_, port)| port.is_none_or(|port| port.parse() == Ok(origin.port())))
        .map(|(host, _)| host)
        .collect();
    let Ok(uri) = origin.to_string().parse::<Uri>() else { return false };
    // Everything goes to a proxy, except what is on the list.
    Matcher::builder().all("http://a").no(here.join(",")).build().intercept(&uri).is_none()
}

/// An entry's host and, if it has one, its port.
fn cut(entry: &str) -> (&str, Option<&str>) {
    if let Some((host, port)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, port.strip_prefix(':'));
    }
    match entry.rsplit_once(':') {
        // An IPv6 address without brackets has more of them, and no port.
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        Some(_) | None => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let table = [
            // list, URI, whether it is on the list
            ("", "http://a/", false),
            ("*", "http://a/", true),
            ("example.com", "http://example.com/", true),
            ("example.com", "http://www.example.com/", true),
            ("example.com", "http://notexample.com/", false),
            (".example.com", "http://www.example.com/", true),
            (".example.com", "http://example.com/", true),
            ("*.example.com", "http://www.example.com/", true),
            ("EXAMPLE.com", "http://Example.COM/", true),
            ("a, example.com ,b", "http://example.com/", true),
            ("a example.com b", "https://example.com/", true),
            ("example.com:8080", "http://example.com:8080/", true),
            ("example.com:8080", "http://www.example.com:8080/", true),
            ("example.com:8080", "http://example.com/", false),
            ("example.com:443", "https://example.com/", true),
            ("example.com:x", "http://example.com/", false),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("10.0.0.0/8:81", "http://10.1.2.3:81/", true),
            ("10.0.0.0/8:81", "http://10.1.2.3/", false),
            ("127.0.0.1", "http://127.0.0.1:99/", true),
            ("127.0.0.1", "http://localhost/", false),
            ("::1", "http://[::1]/", true),
            ("[::1]", "http://[::1]:80/", true),
            ("[::1]:81", "http://[::1]:81/", true),
            ("[::1]:81", "http://[::1]/", false),
            ("fd00::/8", "http://[fd12::1]/", true),
            ("*:81", "http://a:81/", true),
            ("*:81", "http://a/", false),
        ];
        for (list, uri, expected) in table {
            let origin = OriginName::of(&uri.parse().unwrap()).unwrap();
            assert_eq!(contain(list, &origin), expected, "{list:?} {uri}");
        }
    }
}
