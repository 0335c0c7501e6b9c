//! What a human sees while it runs, on standard error.
//!
//! On a terminal: a spinner for each build, a bar for each contestant. Elsewhere (a log, CI): one line when a
//! build begins and when a contestant's turn is over. Quiet: nothing. `NO_COLOR` is honoured by the `console` crate
//! under indicatif.
//!
//! Invariant: nothing here reaches standard output, and when nobody watches, a request costs one atomic addition.
//! Next: `report/table.rs`, what is shown at the end.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{plan::Plan, record::Outcome, report::words::plain, summary::Summary};

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing.
    Quiet,
    /// A line a contestant.
    Lines,
    /// Spinners and bars.
    Bars,
}

/// One contestant's bar.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
    planned: u64,
    failures: AtomicU64,
    cuts: AtomicU64,
}

impl Progress {
    /// What suits this standard error.
    pub(crate) fn fitting(quiet: bool) -> Self {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }

    /// A spinner beside what is being built, until it is dropped.
    pub(crate) fn building(self, contestant: &str) -> Building {
        if self == Self::Lines {
            say(&format!("building {contestant}"));
        }
        let spinner = ProgressBar::with_draw_target(None, self.target());
        spinner.set_style(style("{spinner:.cyan} building {msg}"));
        spinner.set_message(contestant.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        Building(spinner)
    }

    /// A bar for one contestant's turn.
    pub(crate) fn bar(self, contestant: &str, plan: &Plan) -> Bar {
        let bar = ProgressBar::with_draw_target(Some(plan.stop.requests), self.target());
        bar.set_style(style("{prefix:<16} {bar:32.green/black.bright} {pos:>6}/{len} {msg} {elapsed:>4}"));
        bar.set_prefix(contestant.to_owned());
        let bar = Bar {
            bar,
            planned: plan.cuts_planned().unwrap_or(0),
            failures: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
        };
        bar.describe();
        bar
    }

    /// A contestant's turn is over.
    pub(crate) fn over(self, summary: &Summary) {
        let Summary { contestant, status, reason, .. } = summary;
        match (self, summary.failures, reason) {
            (Self::Quiet, ..) => {}
            (_, _, Some(reason)) => say(&format!(
                "{contestant}: {status}: {}",
                reason.lines().map(plain).collect::<Vec<_>>().join("\n    ")
            )),
            (Self::Lines, Some(failures), None) => {
                say(&format!("{contestant}: {failures} of {} requests failed", summary.requests));
            }
            (Self::Lines | Self::Bars, ..) => {}
        }
    }

    fn target(self) -> ProgressDrawTarget {
        match self {
            Self::Bars => ProgressDrawTarget::stderr(),
            Self::Quiet | Self::Lines => ProgressDrawTarget::hidden(),
        }
    }
}

/// A build under way.
#[derive(Debug)]
pub(crate) struct Building(ProgressBar);

impl Drop for Building {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Bar {
    pub(crate) fn request(&self, outcome: Outcome) {
        self.bar.inc(1);
        if outcome != Outcome::Ok {
            self.failures.fetch_add(1, Ordering::Relaxed);
            self.describe();
        }
    }

    pub(crate) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::Relaxed);
        self.describe();
    }

    fn describe(&self) {
        if !self.bar.is_hidden() {
            let (failures, cuts) = (self.failures.load(Ordering::Relaxed), self.cuts.load(Ordering::Relaxed));
            self.bar.set_message(format!("{cuts}/{} cuts {failures:>6} failed", self.planned));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // Leaves the bar where it stopped, also when the turn ended early.
        self.bar.abandon();
    }
}

/// A line for a human. A standard error that is gone is no reason to stop.
pub(crate) fn say(line: &str) {
    _ = writeln!(std::io::stderr(), "{line}");
}

fn style(template: &str) -> ProgressStyle {
    // The templates above are constants, and a test draws them.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
