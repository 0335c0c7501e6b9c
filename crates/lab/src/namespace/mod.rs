//! Namespaces of the lab's own, for faults that happen to packets, and for an origin with a name.
//!
//! A proxy that stops copying is no lost packet: its kernel goes on acknowledging. To lose packets takes a firewall, and
//! a firewall of the machine is not ours to touch. So the lab starts itself once more, through `unshare`, in a network
//! namespace where there is nothing but a loopback interface and the lab: as root directly, else by way of a user
//! namespace. Origin, proxy and contestants then run inside. A mount namespace comes with it, in which resolvers find the origin's name
//! in a hosts file of the lab's. When the lab ends, the kernel takes all of it away.
//!
//! Invariant: no firewall rule is made and nothing is mounted unless both namespaces are others than those the lab was started in.
//! Next: `firewall.rs`, what is dropped there.

pub(crate) mod firewall;

use std::{
    ffi::OsString,
    fs,
    io::{self, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Command, Stdio},
};

use crate::{manifest::is_there, stage};

/// Tells the inner lab which namespaces the outer one was in.
const OUTSIDE: &str = "NETSPLIT_OUTSIDE";

/// Name the namespaces of whoever reads them.
const OWN: [&str; 2] = ["/proc/self/ns/net", "/proc/self/ns/mnt"];

/// What makes them: as root, or by way of a user namespace. What is mounted inside must not be seen outside.
const WAYS: [&[&str]; 2] = [
    &["unshare", "-mn", "--propagation", "private", "--"],
    &["unshare", "-Urmn", "--propagation", "private", "--"],
];

/// Where resolvers look before they ask anybody.
const HOSTS: &str = "/etc/hosts";

/// Whether this is the inner lab already. What the variable says is not believed but compared.
pub(crate) fn is_private() -> bool {
    let (Ok(outside), Ok(own)) = (std::env::var(OUTSIDE), own()) else { return false };
    let outside: Vec<&str> = outside.split(' ').collect();
    let differs = |(outside, own): (&&str, &String)| {
        let kind = own.find('[').map_or(own.as_str(), |end| &own[..=end]);
        outside.starts_with(kind) && *outside != own
    };
    outside.len() == own.len() && outside.iter().zip(&own).all(differs)
}

/// `net:[4026531840]`, `mnt:[4026531841]`.
fn own() -> io::Result<Vec<String>> {
    OWN.iter().map(|link| Ok(fs::read_link(link)?.to_string_lossy().into_owned())).collect()
}

/// Why there can be no namespace here, or what makes one.
pub(crate) fn way() -> Result<&'static [&'static str], String> {
    let tools = [("unshare", "util-linux"), ("mount", "mount"), ("ip", "iproute2"), ("nft", "nftables")];
    let missing: Vec<String> = tools
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(program, package)| format!("{program} (Debian package {package})"))
        .collect();
    if !missing.is_empty() {
        return Err(format!("needs {}, to drop packets in a network namespace", missing.join(" and ")));
    }
    let mut said = String::new();
    for way in WAYS {
        match try_out(way) {
            Ok(()) => return Ok(way),
            Err(words) => said = words,
        }
    }
    Err(format!("no network namespace with a firewall can be made here, with or without root: {said}"))
}

/// The firewall is the part that a kernel may lack, and mounting what a policy may forbid; so these are tried.
fn try_out(way: &[&str]) -> Result<(), String> {
    let output = Command::new(way[0])
        .args(&way[1..])
        .args(["sh", "-c", "nft 'add table inet netsplit' && mount --no-mtab --bind /etc/hosts /etc/hosts"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("it failed in silence").to_owned())
}

/// Becomes the inner lab: the same command line, in a namespace. Returns only when that fails.
pub(crate) fn enter(way: &[&str], args: impl Iterator<Item = OsString>) -> io::Error {
    let outside = match own() {
        Ok(outside) => outside.join(" "),
        Err(error) => return error,
    };
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    Command::new(way[0]).args(&way[1..]).arg(program).args(args).env(OUTSIDE, outside).exec()
}

/// Makes the loopback interface of the namespace usable, and gives the origin a name there.
pub(crate) fn furnish() -> io::Result<()> {
    if !is_private() {
        return Err(io::Error::other("this is not a namespace of the lab's own"));
    }
    run(&["ip", "link", "set", "lo", "up"])?;
    let mut hosts = tempfile::NamedTempFile::new()?;
    // The machine's own names are looked up inside too.
    hosts.write_all(&fs::read(HOSTS)?)?;
    writeln!(hosts)?;
    for address in stage::ADDRESSES {
        writeln!(hosts, "{address} {}", stage::NAME)?;
    }
    fs::set_permissions(hosts.path(), fs::Permissions::from_mode(0o644))?;
    // Only this mount namespace sees it; the file's content stays as long as it is mounted.
    run(&["mount", "--no-mtab", "--bind", &hosts.path().to_string_lossy(), HOSTS])
}

fn run(command: &[&str]) -> io::Result<()> {
    let status = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{}: {status}", command.join(" ")))) }
}

/// Whether namespaces can be seen at all: not where there is no `/proc`.
#[cfg(test)]
fn has_namespaces() -> bool {
    OWN.iter().all(|link| std::path::Path::new(link).exists())
}

#[cfg(test)]
mod tests {
    use super::{furnish, has_namespaces, is_private};

    #[test]
    fn the_machines_own_namespace_is_left_alone() {
        if has_namespaces() {
            assert!(!is_private());
        }
        assert!(furnish().is_err());
    }
}
