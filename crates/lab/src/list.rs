//! `netsplit list`: what can be run here, and against what.
//!
//! Invariant: it builds nothing and starts nothing; whether a toolchain is there is read off `PATH`.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
};

use clap::ValueEnum as _;

use crate::{args::MATRIX, fault::Fault, manifest::Manifest, scenario};

/// Prints scenarios, contestants and faults.
pub(crate) fn print(manifest: Option<&Path>) -> anyhow::Result<()> {
    let manifest = Manifest::load(manifest)?;
    _ = io::stdout().write_all(text(&manifest).as_bytes());
    Ok(())
}

fn text(manifest: &Manifest) -> String {
    let mut text = String::from("scenarios\n");
    let widest = scenario::names().map(str::len).max().unwrap_or(0);
    for name in scenario::names() {
        // That each of them is a plan is tested.
        let Ok(plan) = scenario::plan(name) else { continue };
        _ = writeln!(text, "  {name:widest$}  {}", plan.about);
    }
    _ = writeln!(
        text,
        "  {MATRIX:widest$}  the short form of each, with every contestant; it may be interrupted"
    );
    text.push_str("\ncontestants\n");
    let widest = manifest.entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in &manifest.entries {
        let state = match entry.missing().as_slice() {
            [] => String::new(),
            missing => format!(" (skipped: {} not on PATH)", missing.join(", ")),
        };
        _ = writeln!(text, "  {:widest$}  {}  {}{state}", entry.name, entry.protocol, entry.about);
    }
    text.push_str("\nfaults\n");
    for fault in Fault::value_variants() {
        _ = writeln!(text, "  {fault}: {}", fault.about());
    }
    text
}
