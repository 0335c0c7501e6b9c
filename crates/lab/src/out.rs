//! The directory of a run.
//!
//! Invariant: a directory belongs to one run for good. Two runs that begin within one second get two directories.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    certificate::Identity,
    clock::utc_now,
    plan::Plan,
    record::{Record, SCHEMA},
};

/// Below the project's root, where Git ignores it.
const PARENT: &str = "netsplit-out";

/// Makes the given directory, or a new one named by time and scenario.
pub(crate) fn make(given: Option<PathBuf>, root: &Path, scenario: &str) -> anyhow::Result<PathBuf> {
    match given {
        Some(dir) => {
            fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
            Ok(dir)
        }
        None => {
            let parent = root.join(PARENT);
            fs::create_dir_all(&parent).with_context(|| format!("can't make {}", parent.display()))?;
            // Colons are awkward in file names, and `tar` takes them for hosts.
            let name = format!("{}-{}", utc_now().replace(':', ""), scenario);
            fresh(&parent, &name).with_context(|| format!("can't make a directory in {}", parent.display()))
        }
    }
}

fn fresh(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let mut dir = parent.join(name);
    for n in 2.. {
        match fs::create_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                dir = parent.join(format!("{name}-{n}"))
            }
            result => return result.map(|()| dir),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The record's first line.
pub(crate) fn head(plan: &Plan) -> Record {
    Record::Run {
        schema: SCHEMA,
        lab: env!("CARGO_PKG_VERSION").to_owned(),
        started: utc_now(),
        cores: std::thread::available_parallelism().map_or(1, Into::into),
        plan: Box::new(plan.clone()),
    }
}

/// Writes the authority's certificate where contestants can read it.
pub(crate) fn publish(identity: &Identity, dir: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(dir.join("ca.pem"))?;
    fs::write(&path, &identity.authority).with_context(|| format!("can't write {}", path.display()))?;
    Ok(path)
}
