//! The figures as CSV: a head, and a line for each contestant of each run; `../summary/mod.rs` defines the figures.
//!
//! Invariant: every line has as many fields as the head, and a figure that does not exist is an empty field, never a 0.
//! Next: `words.rs`, what a field may hold.

use super::words::field;
use crate::{
    manifest::Protocol,
    plan::{Method, Slow},
    record::Status,
    summary::{Run, Summary},
};

/// The columns, in order: each is a figure of `Summary`.
macro_rules! columns {
    ($($name:ident)*) => {
        const HEAD: &[&str] = &[$(stringify!($name)),*];

        fn cells(summary: &Summary) -> Vec<String> {
            // Without `..`: a new figure does not compile until it has a column.
            let Summary { $($name),* } = summary;
            vec![$($name.cell()),*]
        }
    };
}

columns! {
    plan contestant client protocol version status reason requests method workers rate timeout_ms unplug_interval
    seed streams slow cuts_planned cuts failures timeouts errors slow_failures in_flight_at_cuts magnification
    longest_run failures_per_cut dials dials_in_warm_up recovery_ms_median recovery_ms wall_s p50_us p50_at_least
    p99_us p99_at_least lab_p50_us lab_p99_us offered sent_late extra_attempts extra_per_cut seen_twice
    posts_seen_twice most_dials closed_by_it memory_kib memory_growth_kib pings resets goaways goaways_enraged
    goaway_words late_p99_us late_max_us steal_per_mille
}

/// The whole file.
pub(super) fn write(runs: &[Run]) -> String {
    let mut text = HEAD.join(",") + "\n";
    for row in runs.iter().flat_map(|run| &run.rows) {
        text.push_str(&cells(&row.summary).join(","));
        text.push('\n');
    }
    text
}

/// What stands in a field.
trait Cell {
    fn cell(&self) -> String;
}

macro_rules! cell_by_display {
    ($($kind:ty)*) => { $(impl Cell for $kind { fn cell(&self) -> String { self.to_string() } })* };
}

cell_by_display!(u32 u64 f64 bool Protocol Method Status);

impl Cell for String {
    fn cell(&self) -> String {
        field(self)
    }
}

impl Cell for Slow {
    fn cell(&self) -> String {
        format!("1 in {} by {} ms", self.every, self.by_ms)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> String {
        self.as_ref().map_or(String::new(), Cell::cell)
    }
}

impl<T: Cell> Cell for Vec<T> {
    fn cell(&self) -> String {
        self.iter().map(Cell::cell).collect::<Vec<_>>().join(";")
    }
}
