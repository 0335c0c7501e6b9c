//! Which version of a client was built in: read from the `Cargo.lock` of the build, so that it cannot be wrong.

use crate::BoxError;

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The version of the package `name`. An error when the lock file has none, or more than one: then no one could say
/// which of them was measured.
pub(crate) fn locked(name: &str) -> Result<&'static str, BoxError> {
    version_in(LOCK, name)
}

/// The same for a contestant with a workspace of its own, which brings its own `Cargo.lock`.
pub fn version_in<'a>(lock: &'a str, name: &str) -> Result<&'a str, BoxError> {
    let versions = versions(lock, name);
    match versions[..] {
        [version] => Ok(version),
        _ => Err(format!("Cargo.lock has {} versions of {name:?}, expected one", versions.len()).into()),
    }
}

/// Cargo writes `name = "..."`, then `version = "..."`, on lines of their own.
fn versions<'a>(lock: &'a str, name: &str) -> Vec<&'a str> {
    let value = |line: &'a str, key| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
    let lines = lock.lines().zip(lock.lines().skip(1));
    lines
        .filter(|(line, _)| value(line, "name") == Some(name))
        .filter_map(|(_, next)| value(next, "version"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_by_the_whole_name() {
        let lock = "[[package]]\nname = \"hyper\"\nversion = \"1.2.3\"\n\n\
                    [[package]]\nname = \"hyper-util\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"hyper\"\nversion = \"0.14.0\"\n";
        assert_eq!(versions(lock, "hyper-util"), ["0.1.0"]);
        assert_eq!(versions(lock, "hyper"), ["1.2.3", "0.14.0"]);
        assert!(versions(lock, "yper").is_empty());
    }

    #[test]
    fn this_project_s_lock_file_names_this_crate() {
        assert_eq!(locked("contestant-protocol").unwrap(), env!("CARGO_PKG_VERSION"));
        assert_eq!(
            locked("no-such-crate").unwrap_err().to_string(),
            "Cargo.lock has 0 versions of \"no-such-crate\", expected one"
        );
    }
}
