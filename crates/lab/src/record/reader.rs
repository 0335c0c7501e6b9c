//! Reads a record back, whole or broken off.
//!
//! A process that was killed may leave half a line at the end; that line is dropped. Damage anywhere else is an
//! error, because figures from a record with a hole would be wrong without saying so.
//!
//! A finished record may be packed by `zstd`; to its tenth, which is what makes a matrix fit for keeping. It is read as if it were
//! not, and under its old name.
//!
//! Invariant: what is returned is what was written, from the beginning, without a gap.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use ruzstd::decoding::StreamingDecoder;

use super::{OLDEST, Record, SCHEMA};

/// What `zstd` adds to the name of a file that it packs.
pub(crate) const PACKED: &str = "zst";

/// All records in this file, or in what it was packed into.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Record>> {
    let bytes = match fs::read(path) {
        Err(_) if packed(path).exists() => unpack(&packed(path)),
        bytes => bytes,
    };
    let bytes = bytes.with_context(|| format!("can't read {}", path.display()))?;
    parse(&bytes).with_context(|| path.display().to_string())
}

/// Whether there is such a file, packed or not.
pub(crate) fn is_there(path: &Path) -> bool {
    path.exists() || packed(path).exists()
}

/// Removes it, however it stands there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(if path.exists() { path.to_owned() } else { packed(path) })
}

fn packed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{PACKED}"));
    name.into()
}

fn unpack(path: &Path) -> io::Result<Vec<u8>> {
    let packed = fs::read(path)?;
    let (mut rest, mut bytes) = (packed.as_slice(), Vec::new());
    // A file may be several frames one after the other.
    while !rest.is_empty() {
        let mut decoder = StreamingDecoder::new(&mut rest).map_err(io::Error::other)?;
        decoder.read_to_end(&mut bytes)?;
        let decoder = decoder.into_frame_decoder();
        let (told, found) = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
        if told.is_some() && told != found {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is another"));
        }
    }
    Ok(bytes)
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
