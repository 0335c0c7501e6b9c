//! What is taken where a URL is.
//!
//! Invariant: what is percent-encoded already stays as it is. Next: [`super::request`].

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::Error;

/// What is taken where a URL is: text, an [`http::Uri`], and `url::Url` with feature `url`. It must be absolute, with the scheme
/// `http` or `https`. Characters that have no place in a URL's path or query, such as spaces and letters beyond ASCII, are
/// percent-encoded (RFC 3986 section 2.1); a host has to be ASCII (`url::Url` knows how to make it so).
pub trait IntoUrl: Sealed {}

/// Nobody else makes URLs, so that more can be taken later.
pub trait Sealed {
    /// The URL, or what is wrong with it.
    fn into_uri(self) -> Result<Uri, Error>;
}

/// What RFC 3986 allows nowhere in a path, a query or a fragment.
const NOWHERE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

fn parse(text: &str) -> Result<Uri, Error> {
    let authority = text.find("://").map_or(0, |scheme| scheme + 3);
    let length = text[authority..].find(['/', '?', '#']).unwrap_or(text.len() - authority);
    let (place, path) = text.split_at(authority + length);
    format!("{place}{}", utf8_percent_encode(path, NOWHERE)).parse().map_err(Error::request)
}

impl Sealed for &str {
    fn into_uri(self) -> Result<Uri, Error> {
        parse(self)
    }
}

impl Sealed for String {
    fn into_uri(self) -> Result<Uri, Error> {
        parse(&self)
    }
}

impl Sealed for &String {
    fn into_uri(self) -> Result<Uri, Error> {
        parse(self)
    }
}

impl Sealed for Uri {
    fn into_uri(self) -> Result<Uri, Error> {
        Ok(self)
    }
}

impl Sealed for &Uri {
    fn into_uri(self) -> Result<Uri, Error> {
        Ok(self.clone())
    }
}

#[cfg(feature = "url")]
impl Sealed for url::Url {
    fn into_uri(self) -> Result<Uri, Error> {
        parse(self.as_str())
    }
}

#[cfg(feature = "url")]
impl Sealed for &url::Url {
    fn into_uri(self) -> Result<Uri, Error> {
        parse(self.as_str())
    }
}

impl<T: Sealed> IntoUrl for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_is_encoded_and_nothing_else() {
        let check = |text: &str, uri: &str| assert_eq!(text.into_uri().unwrap(), uri, "{text}");
        check("http://a/b c?d=ü", "http://a/b%20c?d=%C3%BC");
        check("http://a/%20?x=%zz&y=1+2", "http://a/%20?x=%zz&y=1+2");
        check("https://[::1]:8/a#b c", "https://[::1]:8/a");
        check("http://a?q=\"", "http://a/?q=%22");
    }

    #[test]
    fn what_is_no_url_is_the_callers_fault() {
        for text in ["", "http://", "http://a b/", "http://münchen.example/"] {
            assert!(text.into_uri().unwrap_err().is_request(), "{text}");
        }
    }
}
