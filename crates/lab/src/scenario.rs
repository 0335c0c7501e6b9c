//! The scenarios by name: a file each, in `../scenarios/`, data and nothing else.
//!
//! A file says what differs from `quick`: `[pace]`, `[stop]`, `[script]` and `[origin]` are the parts of a `Plan`. To add
//! one: write the file, add its name to the list below; `docs/faults.md` tells the rest.
//!
//! Invariant: every name in the list has a file that is a plan (a test reads them all).
//! Next: `plan/mod.rs`, what the data means.

use anyhow::Context as _;

use crate::plan::Plan;

/// What runs when nothing is named.
pub(crate) const DEFAULT: &str = "quick";

/// Names, and the text of each one's file.
macro_rules! scenarios {
    ($($name:literal)*) => {
        const ALL: &[(&str, &str)] = &[$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),*];
    };
}

// In the order in which they are listed: the issue's own, then by what goes wrong.
scenarios! {
    "quick" "seed" "crowd"
    "crowd-10ms" "post" "busiest-400" "all-cut" "timed-out-then-cut"
    "stall-up" "stall-down" "stall-up-streaming" "stall-down-streaming"
    "handlers-stall" "handlers-stall-late" "all-slow" "many-resets"
    "blackhole" "ecmp" "ecmp-packets" "loss"
    "tls-crowd-busy" "grpc-pings" "write-blocked" "write-blocked-for-good"
    "reset" "fin-mid-body" "goaway" "restart" "paused-200ms" "paused-5s" "far"
}

/// All names, in order.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// The scenario's plan, as it stands.
pub(crate) fn plan(name: &str) -> anyhow::Result<Plan> {
    let (name, text) = ALL
        .iter()
        .find(|(known, _)| *known == name)
        .with_context(|| format!("there is no scenario `{name}`; `netsplit list` names them"))?;
    let plan: Plan = toml::from_str(text).with_context(|| format!("scenarios/{name}.toml"))?;
    Ok(Plan { name: (*name).to_owned(), ..plan })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{names, plan};

    #[test]
    fn every_name_has_a_plan_that_goes_into_a_record_and_comes_back() {
        for name in names() {
            let plan = plan(name).unwrap();
            assert_eq!(plan.name, name);
            let json = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<crate::plan::Plan>(&json).unwrap(), plan, "{name}");
        }
    }

    #[test]
    fn every_file_has_a_name() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let files: BTreeSet<String> = files.map(|file| file.to_str().unwrap().replace(".toml", "")).collect();
        assert_eq!(files, names().map(str::to_owned).collect());
    }

    #[test]
    fn the_first_three_are_what_they_always_were() {
        let numbers = |name| {
            let plan = plan(name).unwrap();
            (plan.stop.requests, plan.script.every, plan.pace.timeout_ms, plan.pace.workers)
        };
        assert_eq!(numbers("quick"), (3_000, 1_000, 10, 1));
        assert_eq!(numbers("seed"), (30_000, 10_000, 10, 1));
        assert_eq!(numbers("crowd"), (30_000, 10_000, 50, 64));
    }
}
