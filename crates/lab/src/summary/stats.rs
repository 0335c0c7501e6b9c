//! Small statistics.
//!
//! Invariant: no figure from nothing: an empty input gives `None`, never 0.

/// The median, where `None` stands for "never": later than every number. `None` when that is the median.
pub(super) fn median(values: &[Option<f64>]) -> Option<f64> {
    let mut values: Vec<f64> = values.iter().map(|v| v.unwrap_or(f64::INFINITY)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    let median = f64::midpoint(lower, upper);
    median.is_finite().then(|| round(median))
}

/// The most `true` in a row.
pub(super) fn longest_run(failed: impl Iterator<Item = bool>) -> u64 {
    let mut longest = 0;
    let mut current = 0;
    for failed in failed {
        current = if failed { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}

/// To three digits after the point: finer than any clock here deserves.
pub(super) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{longest_run, median};

    #[test]
    fn never_is_later_than_every_number() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[Some(3.0), None, Some(1.0)]), Some(3.0));
        assert_eq!(median(&[Some(3.0), None, None]), None);
        assert_eq!(median(&[Some(3.0), Some(1.0)]), Some(2.0));
        assert_eq!(median(&[Some(3.0), None]), None);
    }

    #[test]
    fn runs() {
        assert_eq!(longest_run([].into_iter()), 0);
        assert_eq!(longest_run([true, true, false, true, true, true, false].into_iter()), 3);
    }
}
