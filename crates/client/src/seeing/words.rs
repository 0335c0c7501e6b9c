//! The words of OpenTelemetry's semantic conventions for what has other names here.
//!
//! Invariant: an attribute has few values, whatever callers think of. Next: those who speak so, [`super::figures`], [`super::spans`]
//! and [`super::tracing`].

use http::{Method, Version};

/// As `network.protocol.version` has it.
pub(super) fn version_number(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// As `http.request.method` has it: methods that are not registered are all the same.
pub(super) fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "TRACE" => "TRACE",
        "CONNECT" => "CONNECT",
        _ => OTHER,
    }
}

#[cfg(any(feature = "opentelemetry", feature = "tracing"))]
pub(super) use of_spans::{span_name, without_query};

const OTHER: &str = "_OTHER";

#[cfg(any(feature = "opentelemetry", feature = "tracing"))]
mod of_spans {
    use http::{Method, Uri};

    use super::{OTHER, method_name};

    /// What the span of a request is called.
    pub(crate) fn span_name(method: &Method) -> &'static str {
        match method_name(method) {
            OTHER => "HTTP",
            name => name,
        }
    }

    /// As `url.full` has it. A query may have secrets in it.
    pub(crate) fn without_query(uri: &Uri) -> String {
        let (scheme, authority) =
            (uri.scheme_str().unwrap_or(""), uri.authority().map_or("", |a| a.as_str()));
        let query = if uri.query().is_some() { "?..." } else { "" };
        format!("{scheme}://{authority}{}{query}", uri.path())
    }
}
