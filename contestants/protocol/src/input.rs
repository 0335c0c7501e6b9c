//! Standard input: one `go` line after another, until it ends.
//!
//! Read by the main thread, with blocking reads: tokio's standard input would add a hop through its blocking pool to
//! every request, and would keep the process from ending at once.

use std::io::BufRead;

use crate::{BoxError, Request, line};

/// Calls `start` for each `go` line, as soon as it is there. Ends well when the input ends; a last line without a line
/// end was cut off with it and does not count.
pub(crate) fn each_request(mut input: impl BufRead, mut start: impl FnMut(Request)) -> Result<(), BoxError> {
    let mut line = String::new();
    loop {
        line.clear();
        input.read_line(&mut line).map_err(|error| format!("cannot read standard input: {error}"))?;
        match line.strip_suffix('\n') {
            Some(line) => start(line::parse(line)?),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], ids: &[u64], error: Option<&str>) {
        let mut started = Vec::new();
        let result = each_request(input, |request| started.push(request.id));
        assert_eq!(started, ids);
        match (result, error) {
            (Ok(()), None) => {}
            (Err(found), Some(wanted)) => assert!(found.to_string().contains(wanted), "{found}"),
            (result, _) => panic!("{result:?}, but expected {error:?}"),
        }
    }

    #[test]
    fn the_end_of_input_is_the_end_of_the_run() {
        check(b"", &[], None);
        check(b"go 1 GET https://h/ 10\ngo 2 GET https://h/ 10\n", &[1, 2], None);
        check(b"go 1 GET https://h/ 10\ngo 2 GET https:", &[1], None);
    }

    #[test]
    fn rubbish_is_an_error_and_nothing_after_it_starts() {
        check(b"go 1 GET https://h/ 10\nrubbish\ngo 2 GET https://h/ 10\n", &[1], Some("\"rubbish\""));
        check(b"\n", &[], Some("malformed line"));
        check(b"go 1 GET https://h/\xff 10\n", &[], Some("cannot read standard input"));
    }
}
