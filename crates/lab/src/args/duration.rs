//! Times as people type them: `10ms`, `1.5s`, `2m`.
//!
//! The contestants' protocol counts timeouts in whole milliseconds, so that is what a typed time must come to.
//!
//! Invariant: the result is at least 1 and at most a day. A bare number is refused: its unit would be a guess.

const DAY_MS: f64 = 86_400_000.0;

/// A typed time in milliseconds.
pub(super) fn milliseconds(typed: &str) -> Result<u64, String> {
    let digits = typed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &typed[digits.len()..] {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        "" => return Err("a time needs a unit: 10ms, 1s, 2m".into()),
        other => return Err(format!("`{other}` is no unit of time; use ms, s or m")),
    };
    let number: f64 = digits.parse().map_err(|_| format!("`{digits}` is not a number"))?;
    let ms = number * scale;
    if !(1.0..=DAY_MS).contains(&ms) {
        return Err("a time must be between 1ms and a day".into());
    }
    if ms.fract() != 0.0 {
        return Err("a time must be a whole number of milliseconds".into());
    }
    Ok(ms as u64)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn units() {
        assert_eq!(milliseconds("10ms"), Ok(10));
        assert_eq!(milliseconds("1.5s"), Ok(1500));
        assert_eq!(milliseconds("2m"), Ok(120_000));
    }

    #[test]
    fn refused() {
        for bad in ["", "10", "ms", "0ms", "-1s", "1.5ms", "1h", "nanms", "infs", "1e9s", "2d", "ümls"] {
            assert!(milliseconds(bad).is_err(), "{bad}");
        }
    }
}
