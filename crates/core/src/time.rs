//! Time as the core knows it: a plain number that its caller hands in.
//!
//! The core owns no clock. The glue and the simulator count microseconds from a start of their own choosing
//! and pass the count in with every fact, so that any history can be replayed exactly (promise P16).
//! Invariant: arithmetic saturates; no pair of times, however absurd, makes the core panic.

use core::fmt;
use core::ops::{Add, Div, Mul, Sub};

/// An instant: microseconds since a start that the core's caller chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Time(u64);

/// A length of time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Span(u64);

impl Time {
    /// The caller's start.
    pub const ZERO: Self = Self(0);
    /// Later than anything that will be handed in.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the caller's start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the caller's start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it is not in the past.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than anything that will be measured.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// A span of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Its length in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How far apart two spans are.
    pub const fn abs_diff(self, other: Self) -> Self {
        Self(self.0.abs_diff(other.0))
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Time {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u32> for Span {
    type Output = Self;
    fn mul(self, times: u32) -> Self {
        Self(self.0.saturating_mul(times as u64))
    }
}

impl Div<u32> for Span {
    type Output = Self;
    fn div(self, parts: u32) -> Self {
        Self(self.0 / (parts.max(1) as u64))
    }
}

/// The earlier of two times, where there are any.
pub(crate) fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (only, None) | (None, only) => only,
    }
}

/// Milliseconds, with as many decimals as the microseconds need: `12`, `0.25`.
fn fmt_millis(micros: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = match (micros / 1000, micros % 1000) {
        (whole, 0) => format!("{whole}"),
        (whole, rest) => format!("{whole}.{rest:03}").trim_end_matches('0').to_owned(),
    };
    f.pad(&text)
}

/// Reads what [`fmt_millis`] wrote.
fn parse_millis(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || whole.is_empty() || !rest.bytes().chain(whole.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: u64 = format!("{rest:0<3}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(micros)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_millis(self.0, f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_millis(self.0, f)
    }
}

/// A text that is not a number of milliseconds with at most three decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotMillis;

impl core::str::FromStr for Time {
    type Err = NotMillis;
    fn from_str(text: &str) -> Result<Self, NotMillis> {
        parse_millis(text).map(Self).ok_or(NotMillis)
    }
}

impl core::str::FromStr for Span {
    type Err = NotMillis;
    fn from_str(text: &str) -> Result<Self, NotMillis> {
        parse_millis(text).map(Self).ok_or(NotMillis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millis_survive_a_round_trip_as_text() {
        for micros in [0, 1, 10, 250, 999, 1000, 1001, 12_345, 20_000, 1_234_567_890] {
            let time = Time::from_micros(micros);
            assert_eq!(time.to_string().parse(), Ok(time), "{time}");
        }
        for bad in ["", ".5", "1.2345", "-1", "x", "1.x", "99999999999999999999"] {
            assert_eq!(bad.parse::<Time>(), Err(NotMillis), "{bad}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Time::NEVER + Span::MAX, Time::NEVER);
        assert_eq!(Time::ZERO - Span::MAX, Time::ZERO);
        assert_eq!(Time::ZERO.since(Time::NEVER), Span::ZERO);
        assert_eq!(Span::MAX * 3, Span::MAX);
        assert_eq!(Span::from_micros(9) / 0, Span::from_micros(9));
    }
}
