//! A network namespace of the lab's own, for faults that happen to packets.
//!
//! A proxy that stops copying is no lost packet: its kernel goes on acknowledging. To lose packets takes a firewall, and
//! a firewall of the machine is not ours to touch. So the lab starts itself once more, through `unshare`, in a network
//! namespace where there is nothing but a loopback interface and the lab: as root directly, else by way of a user
//! namespace. Origin, proxy and contestants then run inside. When the lab ends, the kernel takes all of it away.
//!
//! Invariant: no firewall rule is made unless the network namespace is another than the one the lab was started in.
//! Next: `firewall.rs`, what is dropped there.

pub(crate) mod firewall;

use std::{
    ffi::OsString,
    fs, io,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use crate::manifest::is_there;

/// Tells the inner lab which namespace the outer one was in.
const OUTSIDE: &str = "NETSPLIT_OUTSIDE";

/// Names the namespace of whoever reads it.
const OWN: &str = "/proc/self/ns/net";

/// Whether this is the inner lab already. What the variable says is not believed but compared.
pub(crate) fn is_private() -> bool {
    let own = fs::read_link(OWN).ok().and_then(|link| link.into_os_string().into_string().ok());
    match (std::env::var(OUTSIDE).ok(), own) {
        (Some(outside), Some(own)) => outside.starts_with("net:[") && outside != own,
        _ => false,
    }
}

/// Why there can be no namespace here, or what makes one.
pub(crate) fn way() -> Result<&'static [&'static str], String> {
    let tools = [("unshare", "util-linux"), ("ip", "iproute2"), ("nft", "nftables")];
    let missing: Vec<String> = tools
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(program, package)| format!("{program} (Debian package {package})"))
        .collect();
    if !missing.is_empty() {
        return Err(format!("needs {}, to drop packets in a network namespace", missing.join(" and ")));
    }
    let mut said = String::new();
    for way in [&["unshare", "-n", "--"][..], &["unshare", "-Urn", "--"]] {
        match try_out(way) {
            Ok(()) => return Ok(way),
            Err(words) => said = words,
        }
    }
    Err(format!("no network namespace with a firewall can be made here, with or without root: {said}"))
}

/// The firewall is the part that a kernel may lack, so that is what is tried.
fn try_out(way: &[&str]) -> Result<(), String> {
    let output = Command::new(way[0])
        .args(&way[1..])
        .args(["nft", "add table inet netsplit"])
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
    let outside = match fs::read_link(OWN) {
        Ok(outside) => outside,
        Err(error) => return error,
    };
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    Command::new(way[0]).args(&way[1..]).arg(program).args(args).env(OUTSIDE, outside).exec()
}

/// Makes the loopback interface of the namespace usable.
pub(crate) fn furnish() -> io::Result<()> {
    if !is_private() {
        return Err(io::Error::other("this is not a namespace of the lab's own"));
    }
    let status = Command::new("ip").args(["link", "set", "lo", "up"]).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("ip link set lo up: {status}"))) }
}

/// Whether namespaces can be seen at all: not where there is no `/proc`.
#[cfg(test)]
fn has_namespaces() -> bool {
    std::path::Path::new(OWN).exists()
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
