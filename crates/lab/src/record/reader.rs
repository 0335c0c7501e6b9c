//! Reads a record back, whole or broken off.
//!
//! A process that was killed may leave half a line at the end; that line is dropped. Damage anywhere else is an
//! error, because figures from a record with a hole would be wrong without saying so.
//!
//! Invariant: what is returned is what was written, from the beginning, without a gap.

use std::path::Path;

use anyhow::{Context as _, ensure};

use super::{OLDEST, Record, SCHEMA};

/// All records in this file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Record>> {
    let bytes = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    parse(&bytes).with_context(|| path.display().to_string())
}

fn parse(bytes: &[u8]) -> anyhow::Result<Vec<Record>> {
    // What stands after the last line end is a torn line, or nothing.
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
    let lines = bytes[..whole].split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(n, line)| parse_line(line).with_context(|| format!("line {}", n + 1))).collect()
}

fn parse_line(line: &[u8]) -> anyhow::Result<Record> {
    let record = serde_json::from_slice(line)?;
    if let Record::Run { schema, .. } = record {
        ensure!(
            (OLDEST..=SCHEMA).contains(&schema),
            "this record has schema {schema}; this netsplit reads schemas {OLDEST} to {SCHEMA}"
        );
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::{Record, parse};

    const OPENED: &[u8] = b"{\"kind\":\"opened\",\"at\":1,\"wire\":2}\n";

    #[test]
    fn what_is_older_or_newer_is_refused() {
        let head = |schema| {
            let head = r#"{"kind":"run","lab":"0","started":"","cores":2,"plan":{"about":""}"#;
            parse(format!("{head},\"schema\":{schema}}}\n").as_bytes())
        };
        assert_eq!([1, 2, 3, 4].map(|schema| head(schema).is_ok()), [false, true, true, false]);
        assert!(format!("{:#}", head(4).unwrap_err()).contains("reads schemas 2 to 3"));
    }

    #[test]
    fn a_torn_last_line_is_dropped() {
        let torn = [OPENED, b"{\"kind\":\"ope"].concat();
        assert_eq!(parse(&torn).unwrap(), [Record::Opened { at: 1, wire: 2 }]);
        assert_eq!(parse(b"{\"ki").unwrap(), []);
    }

    #[test]
    fn damage_in_the_middle_is_an_error() {
        let damaged = [OPENED, b"{\"kind\":\"ope\n", OPENED].concat();
        assert!(format!("{:#}", parse(&damaged).unwrap_err()).starts_with("line 2"));
    }
}
