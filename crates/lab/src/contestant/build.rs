//! Builds contestants, each build once.
//!
//! Invariant: all builds are over before the first contestant runs, so that no compiler competes with a measurement;
//! and a build that fails costs only the contestants that need it.
//! Next: `../run.rs`, which asks for this.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use tokio::io::AsyncReadExt as _;

use super::process::{Process, Streams};
use crate::{manifest::Entry, progress::Progress};

/// Builds, remembering what was built.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    done: HashMap<(Vec<String>, PathBuf), Result<(), String>>,
}

impl Builds {
    /// Builds this contestant unless the same build was done before. The error says what failed, for a human.
    pub(crate) async fn build(
        &mut self,
        entry: &Entry,
        target: &Path,
        progress: Progress,
    ) -> Result<(), String> {
        if entry.build.is_empty() {
            return Ok(());
        }
        let key = (entry.build.clone(), entry.dir.clone());
        if !self.done.contains_key(&key) {
            let _spinner = progress.building(&entry.name);
            let result = build(entry, target).await;
            self.done.insert(key.clone(), result);
        }
        self.done[&key].clone()
    }
}

async fn build(entry: &Entry, target: &Path) -> Result<(), String> {
    let command = entry.build.join(" ");
    std::fs::create_dir_all(&entry.out)
        .map_err(|error| format!("can't make {}: {error}", entry.out.display()))?;
    // The manifest's `{target}` and Cargo's own idea of it must be the same.
    let env = [("CARGO_TARGET_DIR", target.display().to_string())];
    let started = Process::start(&entry.build, &entry.dir, &env);
    let (mut process, Streams { stdin, stdout }) =
        started.map_err(|error| format!("its build `{command}` can't be started: {error}"))?;
    drop(stdin);
    discard(stdout).await;
    match process.exited().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let words = process.last_words().await.join("\n");
            Err(format!("its build `{command}` failed ({status})\n{words}"))
        }
        Err(error) => Err(format!("its build `{command}` was lost: {error}")),
    }
}

async fn discard(mut stdout: impl tokio::io::AsyncRead + Unpin) {
    let mut chunk = [0; 4096];
    while let Ok(1..) = stdout.read(&mut chunk).await {}
}
