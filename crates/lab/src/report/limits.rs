//! What a run may cost at most, for CI: `--max-failures` and `--max-magnification`.
//!
//! Invariant: a figure that does not exist breaks no limit; what did not run is another status' affair.

use super::figures::{grouped, magnification};
use crate::summary::Run;

/// The most that any contestant may have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) failures: Option<u64>,
    pub(crate) magnification: Option<f64>,
}

impl Limits {
    /// Who broke which limit, a line each.
    pub(crate) fn broken(self, runs: &[Run]) -> Vec<String> {
        let mut broken = Vec::new();
        for run in runs {
            for summary in run.rows.iter().map(|row| &row.summary) {
                let who = format!("{} in {}", summary.contestant, run.plan.name);
                let failures = self.failures.zip(summary.failures).filter(|(most, is)| is > most);
                let times = self.magnification.zip(summary.magnification).filter(|(most, is)| is > most);
                if let Some((most, is)) = failures {
                    broken.push(format!(
                        "{who}: {} failures, at most {} are allowed",
                        grouped(is),
                        grouped(most)
                    ));
                }
                if let Some((most, is)) = times {
                    let [is, most] = [is, most].map(magnification);
                    broken.push(format!("{who}: magnified {is}, at most {most} is allowed"));
                }
            }
        }
        broken
    }
}
