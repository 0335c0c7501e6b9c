//! The line protocol's grammar, the contestant's half.
//!
//! Documented in `contestants/README.md`; this file is its lab side, and pure.
//!
//! Invariant: a line that does not follow the grammar to the letter is rubbish. Guessing what was meant would turn a
//! contestant's bug into a figure.

use crate::record::{Outcome, RequestId};

/// `done <id> <outcome> <µs> [detail]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) request: RequestId,
    pub(crate) outcome: Outcome,
    pub(crate) took: u64,
    pub(crate) detail: String,
}

/// The client and version of a `ready` line.
pub(crate) fn ready(line: &str) -> Option<&str> {
    line.strip_prefix("ready ").map(str::trim).filter(|version| !version.is_empty())
}

/// The parts of a `done` line.
pub(crate) fn done(line: &str) -> Option<Done> {
    let mut words = line.strip_prefix("done ")?.splitn(4, ' ');
    let request = number(words.next()?)?;
    let outcome = match words.next()? {
        "ok" => Outcome::Ok,
        "timeout" => Outcome::Timeout,
        "error" => Outcome::Error,
        _ => return None,
    };
    let took = number(words.next()?)?;
    let detail = words.next().unwrap_or_default().trim().to_owned();
    Some(Done { request, outcome, took, detail })
}

/// Digits only: `u64::from_str` would also take a `+`.
fn number(word: &str) -> Option<u64> {
    if word.bytes().all(|b| b.is_ascii_digit()) { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Done, done, ready};
    use crate::record::Outcome;

    #[test]
    fn what_is_said_is_understood() {
        assert_eq!(ready("ready reqwest 0.13.5"), Some("reqwest 0.13.5"));
        let detail = String::new();
        assert_eq!(done("done 7 ok 123"), Some(Done { request: 7, outcome: Outcome::Ok, took: 123, detail }));
        let detail = "connection reset  by peer".to_owned();
        let error = Done { request: 0, outcome: Outcome::Error, took: 1, detail };
        assert_eq!(done("done 0 error 1 connection reset  by peer"), Some(error));
    }

    #[test]
    fn rubbish_is_not() {
        for line in ["", "ready", "ready ", "Ready x", "hello"] {
            assert_eq!(ready(line), None, "{line}");
        }
        for line in [
            "",
            "done",
            "done 1",
            "done 1 ok",
            "done 1 ok x",
            "done 1 fine 1",
            "done -1 ok 1",
            "done +1 ok 1",
            "go 1",
        ] {
            assert_eq!(done(line), None, "{line}");
        }
    }
}
