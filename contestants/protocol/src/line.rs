//! The lines themselves: text in, [`Request`] out; [`Outcome`] in, text out.
//!
//! Parsing is strict, since a line that is not exactly as agreed means that the lab or the pipe is broken, and a
//! measurement made through it would be worth nothing. No I/O here.

use std::fmt::{Display, Formatter};
use std::time::Duration;

use http::Method;

use crate::{Outcome, Protocol};

/// What a `go` line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The lab's number for it, never used twice in a run.
    pub id: u64,
    /// The HTTP method.
    pub method: Method,
    /// Where to. Not looked at here: a URL that the client does not take is that request's error.
    pub url: String,
    /// How long the request may take, from its start to the last byte of the response's body.
    pub timeout: Duration,
}

/// The body of a POST: an empty gRPC message (no compression, a length of 0), which means nothing to other origins.
const MESSAGE: &[u8] = &[0; 5];

impl Request {
    /// The request's headers beside those that every client makes itself, for this version of HTTP.
    pub fn headers(&self, protocol: Protocol) -> &'static [(&'static str, &'static str)] {
        match (self.method == Method::POST, protocol) {
            (true, Protocol::H2) => &[("content-type", "application/grpc"), ("te", "trailers")],
            (true, Protocol::H1) => &[("content-type", "application/grpc")],
            (false, _) => &[],
        }
    }

    /// Its body.
    pub fn body(&self) -> &'static [u8] {
        if self.method == Method::POST { MESSAGE } else { &[] }
    }
}

/// Reads `go <id> <method> <url> <timeout_ms>`, without its line end.
pub(crate) fn parse(line: &str) -> Result<Request, Malformed> {
    let malformed = |what| Malformed { what, line: line.to_owned() };
    let mut fields = line.split(' ');
    let mut field = |what| fields.next().filter(|field| !field.is_empty()).ok_or_else(|| malformed(what));

    if field("no word")? != "go" {
        return Err(malformed("not a `go`"));
    }
    let id = decimal(field("no id")?).ok_or_else(|| malformed("the id is not a decimal number"))?;
    let method = field("no method")?.parse().map_err(|_| malformed("the method is not a token"))?;
    let url = field("no URL")?.to_owned();
    let timeout = decimal(field("no timeout")?)
        .map(Duration::from_millis)
        .ok_or_else(|| malformed("the timeout is not a decimal number"))?;
    match fields.next() {
        None => Ok(Request { id, method, url, timeout }),
        Some(_) => Err(malformed("more than five words")),
    }
}

/// Only digits: `str::parse` alone would also take `+1`.
fn decimal(field: &str) -> Option<u64> {
    field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok())?
}

/// Formats `done <id> <outcome> <µs> [detail]`, with its line end.
pub(crate) fn done(id: u64, outcome: &Outcome, took: Duration) -> String {
    let took = took.as_micros();
    match outcome {
        Outcome::Ok => format!("done {id} ok {took}\n"),
        Outcome::Timeout => format!("done {id} timeout {took}\n"),
        Outcome::Error(detail) => {
            // The detail is an error's text, which may have line ends of its own.
            let detail = detail.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("done {id} error {took} {detail}\n")
        }
    }
}

/// A line that is not a `go` line.
#[derive(Debug)]
pub(crate) struct Malformed {
    what: &'static str,
    line: String,
}

impl Display for Malformed {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "malformed line, {}: {:?}; expected: go <id> <method> <url> <timeout_ms>",
            self.what, self.line
        )
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_line_is_read() {
        let request = parse("go 7 GET https://127.0.0.1:8443/r/7 10").unwrap();
        assert_eq!(
            request,
            Request {
                id: 7,
                method: Method::GET,
                url: "https://127.0.0.1:8443/r/7".to_owned(),
                timeout: Duration::from_millis(10),
            }
        );
        assert_eq!(parse("go 8 PURGE https://h/ 10").unwrap().method.as_str(), "PURGE");
        assert_eq!(parse("go 18446744073709551615 GET https://h/ 0").unwrap().id, u64::MAX);
    }

    #[test]
    fn a_post_is_an_empty_grpc_call() {
        let post = parse("go 7 POST http://127.0.0.1:80/r/7 10").unwrap();
        assert_eq!(post.body(), [0; 5]);
        let headers = post.headers(Protocol::H2);
        assert_eq!(headers, [("content-type", "application/grpc"), ("te", "trailers")]);
        assert_eq!(post.headers(Protocol::H1), &headers[..1]);
        let get = parse("go 7 GET http://127.0.0.1:80/r/7 10").unwrap();
        assert!(get.body().is_empty() && get.headers(Protocol::H2).is_empty());
    }

    #[test]
    fn what_is_not_a_go_line_is_refused_and_says_why() {
        let cases = [
            ("", "no word"),
            ("stop", "not a `go`"),
            ("GO 1 GET https://h/ 10", "not a `go`"),
            (" go 1 GET https://h/ 10", "no word"),
            ("go", "no id"),
            ("go x GET https://h/ 10", "the id is not a decimal number"),
            ("go -1 GET https://h/ 10", "the id is not a decimal number"),
            ("go +1 GET https://h/ 10", "the id is not a decimal number"),
            ("go 18446744073709551616 GET https://h/ 10", "the id is not a decimal number"),
            ("go 1", "no method"),
            ("go 1  GET https://h/ 10", "no method"),
            ("go 1 G\u{e4}T https://h/ 10", "the method is not a token"),
            ("go 1 GET", "no URL"),
            ("go 1 GET https://h/", "no timeout"),
            ("go 1 GET https://h/ ", "no timeout"),
            ("go 1 GET https://h/ 10ms", "the timeout is not a decimal number"),
            ("go 1 GET https://h/ 10\r", "the timeout is not a decimal number"),
            ("go 1 GET https://h/ 10 ", "more than five words"),
            ("go 1 GET https://h/ 10 go 2", "more than five words"),
        ];
        for (line, why) in cases {
            assert_eq!(parse(line).expect_err(line).what, why, "for {line:?}");
        }
    }

    #[test]
    fn a_refusal_shows_the_line_on_one_line() {
        let message = parse("go 1\nrubbish\u{7}").unwrap_err().to_string();
        assert!(message.contains(r#""go 1\nrubbish\u{7}""#), "{message}");
    }

    #[test]
    fn a_done_line_is_written() {
        let took = Duration::from_micros(1_234);
        assert_eq!(done(7, &Outcome::Ok, took), "done 7 ok 1234\n");
        assert_eq!(done(8, &Outcome::Timeout, took), "done 8 timeout 1234\n");
        assert_eq!(done(9, &Outcome::Error("status 503".to_owned()), took), "done 9 error 1234 status 503\n");
    }

    #[test]
    fn a_detail_stays_on_its_line() {
        let outcome = Outcome::Error("a\r\nb\ndone 1 ok 0\n".to_owned());
        assert_eq!(done(2, &outcome, Duration::ZERO), "done 2 error 0 a b done 1 ok 0\n");
    }
}
