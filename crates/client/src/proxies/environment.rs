//! What the environment says about proxies.
//!
//! Next: [`super::Proxies`].

use super::{Choice, Proxies, Proxy};

/// Reads the variables through `lookup`.
pub(super) fn read(lookup: impl Fn(&str) -> Option<String>) -> Proxies {
    let first = |names: &[&'static str]| {
        names.iter().find_map(|name| {
            let value = lookup(name)?.trim().to_owned();
            Some(match value.as_str() {
                "" => Choice::Direct,
                value => Proxy::parse(value).map_or(Choice::Broken(name), Choice::Proxy),
            })
        })
    };
    // A CGI program finds a request's `Proxy` header in HTTP_PROXY, and its client must not obey it; the lower case
    // name is safe (https://httpoxy.org).
    let is_cgi = lookup("REQUEST_METHOD").is_some();
    let http = if is_cgi { first(&["http_proxy"]) } else { first(&["HTTP_PROXY", "http_proxy"]) };
    let https = first(&["HTTPS_PROXY", "https_proxy"]);
    let all = || first(&["ALL_PROXY", "all_proxy"]);
    Proxies {
        http: http.or_else(all).unwrap_or_default(),
        https: https.or_else(all).unwrap_or_default(),
        except: lookup("NO_PROXY").or_else(|| lookup("no_proxy")).unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::OriginName;

    /// What is chosen for `uri` with these variables.
    #[track_caller]
    fn check(variables: &[(&str, &str)], uri: &str, expected: &str) {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let origin = OriginName::of(&uri.parse().unwrap()).unwrap();
        assert_eq!(format!("{:?}", read(lookup).choice(&origin)), expected);
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let both = [("HTTP_PROXY", "http://p:1"), ("HTTPS_PROXY", "http://q:2")];
        check(&both, "http://a/", "Proxy(http://p:1)");
        check(&both, "https://a/", "Proxy(http://q:2)");
        check(&[("https_proxy", "q:2")], "https://a/", "Proxy(http://q:2)");
        check(&[("https_proxy", "q:2")], "http://a/", "Direct");
        check(&[("ALL_PROXY", "socks5h://s")], "http://a/", "Proxy(socks5h://s:1080)");
        check(&[("all_proxy", "s"), ("HTTPS_PROXY", "q")], "https://a/", "Proxy(http://q:80)");
        check(&[("ALL_PROXY", "s"), ("HTTPS_PROXY", "")], "https://a/", "Direct");
        check(&[], "https://a/", "Direct");
    }

    #[test]
    fn a_request_cannot_choose_the_proxy_of_a_cgi_program() {
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil:1"), ("HTTPS_PROXY", "q:2")];
        check(&cgi, "http://a/", "Direct");
        check(&cgi, "https://a/", "Proxy(http://q:2)");
        check(&[("REQUEST_METHOD", "GET"), ("http_proxy", "p:1")], "http://a/", "Proxy(http://p:1)");
    }

    #[test]
    fn what_is_not_understood_is_not_ignored() {
        check(&[("HTTP_PROXY", "ftp://u:secret@p")], "http://a/", "Broken(\"HTTP_PROXY\")");
        check(&[("HTTP_PROXY", "ftp://p"), ("NO_PROXY", "a")], "http://a/", "Direct");
    }
}
