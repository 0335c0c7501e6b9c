//! The scenarios by name: a file each, in `../scenarios/`, data and nothing else.
//!
//! A file says what differs from `quick`: `[pace]`, `[stop]`, `[script]` and `[origin]` are the parts of a `Plan`, and
//! `[short]` is what its short form, the matrix's, has less of. To add one: write the file, add its name to the list below;
//! `docs/faults.md` tells the rest.
//!
//! Invariant: every name in the list has a file that is a plan, and a short form that ends in seconds whatever a contestant does
//! (a test reads them all).
//! Next: `plan/mod.rs`, what the data means; `plan/short.rs`, the short form.

use anyhow::Context as _;

use crate::plan::{Plan, Short};

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
    "crowd-10ms" "post" "open-loop" "large-bodies" "busiest-400" "all-cut" "timed-out-then-cut"
    "stall-up" "stall-down" "stall-up-streaming" "stall-down-streaming"
    "handlers-stall" "handlers-stall-late" "slow-1-in-100" "all-slow" "many-resets"
    "blackhole" "ecmp" "ecmp-packets" "loss" "address-lost" "nat-forgets"
    "tls-crowd-busy" "grpc-pings" "write-blocked" "write-blocked-for-good"
    "reset" "fin-mid-body" "goaway" "restart" "paused-200ms" "paused-5s" "far" "delay-jumps" "narrow"
    "no-fault"
}

/// All names, in order.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// The scenario's plan, as it stands.
pub(crate) fn plan(name: &str) -> anyhow::Result<Plan> {
    Ok(read(name)?.0)
}

/// The scenario's plan in its short form.
pub(crate) fn short(name: &str) -> anyhow::Result<Plan> {
    read(name).map(|(plan, short)| short.apply(plan))
}

/// Whether turns of its short form may run beside each other.
pub(crate) fn goes_abreast(name: &str) -> bool {
    read(name).is_ok_and(|(_, short)| short.abreast)
}

fn read(name: &str) -> anyhow::Result<(Plan, Short)> {
    let (name, text) = ALL
        .iter()
        .find(|(known, _)| *known == name)
        .with_context(|| format!("there is no scenario `{name}`; `netsplit list` names them"))?;
    let parsed = || -> Result<(Plan, Short), toml::de::Error> {
        // Taken out first: a plan goes into records, and how it could be shorter is no part of it.
        let mut file: toml::Table = toml::from_str(text)?;
        let short = file.remove("short").map_or_else(|| Ok(Short::default()), toml::Value::try_into)?;
        Ok((file.try_into()?, short))
    };
    let (plan, short) = parsed().with_context(|| format!("scenarios/{name}.toml"))?;
    Ok((Plan { name: (*name).to_owned(), ..plan }, short))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{goes_abreast, names, plan, short};
    use crate::{fault::Fault, plan::Overrides};

    #[test]
    fn what_goes_abreast_bears_it() {
        let abreast: Vec<_> = names().filter(|name| goes_abreast(name)).collect();
        assert!(!abreast.is_empty());
        for name in abreast {
            let plan = short(name).unwrap();
            assert!(plan.bears_neighbours(), "{name}");
            let quick = Overrides { timeout_ms: Some(10), ..Overrides::default() };
            let about_packets = Overrides { fault: Some(Fault::Blackhole), ..Overrides::default() };
            for flags in [quick, about_packets] {
                let other = flags.apply(plan.clone());
                assert!(!other.bears_neighbours(), "{other}");
            }
        }
    }

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
    fn short_forms_do_the_same_with_less() {
        for name in names() {
            let (long, short) = (plan(name).unwrap(), short(name).unwrap());
            assert!(short.stop.requests <= long.stop.requests, "{name}");
            assert_eq!(short.cuts_planned().unwrap_or(0), long.cuts_planned().unwrap_or(0).min(1), "{name}");
            assert_eq!((&short.origin, short.script.fault), (&long.origin, long.script.fault), "{name}");
        }
    }

    /// The matrix is to end below 90 minutes on two processors; starting a contestant takes about 0.7 s. This is what it would take if
    /// all lost everything everywhere. Measured, it came to five sixths of that, for who recovers takes a tenth, and some start slowly.
    #[test]
    fn a_matrix_ends_within_90_minutes() {
        let contestants =
            include_str!("../../../contestants/contestants.toml").matches("[[contestant]]").count();
        let most_ms: u64 =
            names().map(|name| short(name).unwrap().stop.for_ms.unwrap_or(u64::MAX / 64)).sum();
        let minutes = contestants as u64 * (most_ms + 700 * names().count() as u64) / 60_000;
        assert!(minutes * 5 / 6 < 90, "{minutes} min, if every turn took as long as it may");
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
