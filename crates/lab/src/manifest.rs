//! The list of contestants.
//!
//! The lab imports no HTTP client; this file is the only door. Its format is documented in `contestants/README.md`.
//!
//! Invariant: a `Manifest` that exists is usable: names are unique, no command is empty, every placeholder is filled.
//! Next: `contestant/build.rs` and `contestant/mod.rs` start what is listed.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

/// Where the manifest stands in the project.
pub(crate) const IN_PROJECT: &str = "contestants/contestants.toml";

/// What `--only` says for every contestant.
pub(crate) const ALL: &str = "all";

/// The protocol version a contestant speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// HTTP/1.1
    H1,
    /// HTTP/2
    H2,
}

/// One client program and how to get it going.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Unique; what `--only` names.
    pub(crate) name: String,
    /// The library under test.
    pub(crate) client: String,
    /// What it is to speak.
    pub(crate) protocol: Protocol,
    /// One line for a human.
    pub(crate) about: String,
    /// It runs only when it is named: it needs another language's packages, or takes long to build.
    #[serde(default)]
    pub(crate) on_request: bool,
    /// It can't speak its protocol without TLS.
    #[serde(default)]
    pub(crate) tls_only: bool,
    /// Programs without which it can't be built or run.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// How to build it; empty when there is nothing to build.
    #[serde(default)]
    pub(crate) build: Vec<String>,
    /// How to start it.
    pub(crate) run: Vec<String>,
    /// Where both are started.
    #[serde(default = "here")]
    pub(crate) dir: PathBuf,
    /// Where its build may put things: `{out}`.
    #[serde(skip)]
    pub(crate) out: PathBuf,
}

/// All contestants, and the project they belong to.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// The project's root: the directory above the manifest's own.
    pub(crate) root: PathBuf,
    /// Cargo's target directory, in which contestants are built.
    pub(crate) target: PathBuf,
    /// The contestants, in the order in which they run.
    pub(crate) entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    contestant: Vec<Entry>,
}

fn here() -> PathBuf {
    ".".into()
}

impl Manifest {
    /// Reads the given manifest, or the project's: the one in this directory or the nearest above it.
    pub(crate) fn load(given: Option<&Path>) -> anyhow::Result<Self> {
        let path = match given {
            Some(path) => path.to_owned(),
            None => find(&std::env::current_dir()?)?,
        };
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        let path = std::path::absolute(&path)?;
        let root = path.parent().and_then(Path::parent).unwrap_or(Path::new("/")).to_owned();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let target = std::path::absolute(target)?;
        let entries = parse(&text, &root, &target).with_context(|| path.display().to_string())?;
        Ok(Self { root, target, entries })
    }

    /// Keeps only the named contestants, in the manifest's order. No names keeps those that need not be named, [`ALL`] keeps
    /// all.
    pub(crate) fn keep(&mut self, only: &[String]) -> anyhow::Result<()> {
        let known: Vec<&str> = self.entries.iter().map(|e| e.name.as_str()).collect();
        for name in only.iter().filter(|name| *name != ALL) {
            if !known.contains(&name.as_str()) {
                bail!("there is no contestant `{name}`; there are: {}", known.join(", "));
            }
        }
        let all = only.iter().any(|name| name == ALL);
        self.entries.retain(|entry| match only {
            [] => !entry.on_request,
            names => all || names.contains(&entry.name),
        });
        Ok(())
    }
}

impl Entry {
    /// The programs it needs that are not there.
    pub(crate) fn missing(&self) -> Vec<&str> {
        self.needs.iter().map(String::as_str).filter(|program| !is_there(program)).collect()
    }

    /// Why it can't run on this machine, if a program is missing.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let missing = self.missing();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        (!missing.is_empty()).then(|| format!("needs {}, which {verb} not on PATH", missing.join(" and ")))
    }

    fn check(&self) -> anyhow::Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        ensure!(
            !self.name.is_empty() && self.name.chars().all(plain),
            "a name is letters, digits and `-_.`: `{}`",
            self.name
        );
        ensure!(!self.run.is_empty(), "`run` of {} is empty", self.name);
        Ok(())
    }

    fn fill(&mut self, root: &Path, target: &Path) -> anyhow::Result<()> {
        let own = self.dir.file_name().unwrap_or("root".as_ref());
        self.out = target.join("contestants").join(own);
        let (target, out) = (display(target)?, display(&self.out)?);
        for word in self.build.iter_mut().chain(&mut self.run) {
            *word = word.replace("{target}", &target).replace("{out}", &out);
        }
        self.dir = root.join(&self.dir);
        Ok(())
    }
}

fn parse(text: &str, root: &Path, target: &Path) -> anyhow::Result<Vec<Entry>> {
    let File { contestant: mut entries } = toml::from_str(text)?;
    ensure!(!entries.is_empty(), "it lists no contestant");
    let mut names = HashSet::new();
    for entry in &mut entries {
        entry.check()?;
        entry.fill(root, target)?;
        ensure!(names.insert(entry.name.clone()), "two contestants are called `{}`", entry.name);
    }
    Ok(entries)
}

fn find(from: &Path) -> anyhow::Result<PathBuf> {
    let found = from.ancestors().map(|dir| dir.join(IN_PROJECT)).find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "there is no {IN_PROJECT} here or above; run this inside the project, or give --manifest FILE"
        )
    })
}

fn display(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}

/// Whether this machine has a program.
pub(crate) fn is_there(program: &str) -> bool {
    is_on(&std::env::var_os("PATH").unwrap_or_default(), program)
}

/// Whether a program is in one of the directories of `path`. A file that can't be executed counts as there: starting
/// it then fails with the system's own, better message.
fn is_on(path: &std::ffi::OsStr, program: &str) -> bool {
    std::env::split_paths(path).any(|dir| dir.join(program).is_file())
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Protocol::H1 => "h1",
            Protocol::H2 => "h2",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Manifest, parse};

    const TWO: &str = r#"
        [[contestant]]
        name = "a-h2"
        client = "a"
        protocol = "h2"
        about = "a, defaults"
        needs = ["cargo"]
        build = ["cargo", "build"]
        run = ["{target}/release/a", "--flag"]

        [[contestant]]
        name = "b-h1"
        client = "b"
        protocol = "h1"
        about = "b"
        run = ["{out}/b"]
        dir = "contestants/b"
    "#;

    fn entries(text: &str) -> anyhow::Result<Vec<super::Entry>> {
        parse(text, Path::new("/p"), Path::new("/p/target"))
    }

    #[test]
    fn placeholders_are_filled() {
        let entries = entries(TWO).unwrap();
        assert_eq!(entries[0].run, ["/p/target/release/a", "--flag"]);
        assert_eq!(entries[0].dir, Path::new("/p/."));
        assert_eq!(entries[1].run, ["/p/target/contestants/b/b"]);
        assert_eq!(entries[1].dir, Path::new("/p/contestants/b"));
        assert!(entries[1].needs.is_empty() && entries[1].build.is_empty());
    }

    #[test]
    fn only_keeps_the_manifests_order_and_names_the_unknown() {
        let entries = entries(TWO).unwrap();
        let mut manifest = Manifest { root: "/p".into(), target: "/t".into(), entries };
        manifest.keep(&["b-h1".into(), "a-h2".into()]).unwrap();
        assert_eq!(manifest.entries[0].name, "a-h2");
        manifest.keep(&["b-h1".into()]).unwrap();
        assert_eq!(manifest.entries.len(), 1);
        let error = manifest.keep(&["c".into()]).unwrap_err();
        assert_eq!(error.to_string(), "there is no contestant `c`; there are: b-h1");
    }

    #[test]
    fn some_run_only_when_they_are_named() {
        let entries = entries(&TWO.replace("about = \"b\"", "about = \"b\"\non_request = true")).unwrap();
        let left = |only: &[&str]| {
            let mut manifest = Manifest { root: "/p".into(), target: "/t".into(), entries: entries.clone() };
            manifest.keep(&only.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
            manifest.entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
        };
        assert_eq!(left(&[]), ["a-h2"]);
        assert_eq!(left(&["b-h1"]), ["b-h1"]);
        assert_eq!(left(&["all"]), ["a-h2", "b-h1"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, error) in [
            ("b-h1", "a-h2", "two contestants are called `a-h2`"),
            ("b-h1", "b/h1", "a name is letters"),
            ("protocol = \"h1\"", "protocol = \"h3\"", "h3"),
            ("run = [\"{out}/b\"]", "run = []", "`run` of b-h1 is empty"),
            ("about = \"b\"", "abuot = \"b\"", "abuot"),
        ] {
            let message = format!("{:#}", entries(&TWO.replace(from, to)).unwrap_err());
            assert!(message.contains(error), "{message}");
        }
        assert!(entries("").is_err());
    }
}
