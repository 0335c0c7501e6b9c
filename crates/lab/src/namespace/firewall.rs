//! The firewall of the lab's namespace: drops packets of chosen connections where they arrive.
//!
//! Where they *arrive*: dropped on their way out, packets count as not sent, and the sender's kernel neither retransmits
//! nor backs off as it does for lost ones. The hook `prerouting` is the receiver's side of the loopback interface.
//!
//! A rule set is loaded by `nft -f -`. Starting a program takes milliseconds, in which a request is over; so the next
//! `nft` is always started beforehand and waits for its input, and a cut costs only what the kernel needs.
//!
//! Invariant: it exists only inside a private namespace (`mod.rs`), and with the namespace it goes.

use std::{io, net::Ipv4Addr, process::Stdio};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
};

use crate::plan::{Paths, Plan};

/// The rules of one contestant's turn.
#[derive(Debug)]
pub(crate) struct Firewall {
    /// The proxy's port.
    port: u16,
    /// An `nft` that waits for its input.
    next: Child,
}

impl Firewall {
    /// An empty one, in place of the last contestant's.
    pub(crate) async fn set_up(port: u16) -> io::Result<Self> {
        if !super::is_private() {
            return Err(io::Error::other("there must be no firewall outside a namespace of the lab's own"));
        }
        let mut firewall = Self { port, next: nft()? };
        firewall.load(TABLE).await?;
        Ok(firewall)
    }

    /// What goes wrong from the end of the warm-up on.
    pub(crate) async fn arm(&mut self, plan: &Plan) -> io::Result<()> {
        let rules = rules(plan, self.port);
        if rules.is_empty() { Ok(()) } else { self.load(&rules).await }
    }

    /// Connections of the contestant, by its ports: their packets are dropped from now on.
    pub(crate) async fn drop(&mut self, ports: &[u16]) -> io::Result<()> {
        if ports.is_empty() { Ok(()) } else { self.load(&elements(ports, self.port)).await }
    }

    /// One of the origin's addresses: its packets are dropped from now on, those of new connections, too.
    pub(crate) async fn drop_address(&mut self, address: Ipv4Addr) -> io::Result<()> {
        self.load(&address_rules(address, self.port)).await
    }

    async fn load(&mut self, commands: &str) -> io::Result<()> {
        let mut nft = std::mem::replace(&mut self.next, nft()?);
        if let Some(mut stdin) = nft.stdin.take() {
            stdin.write_all(commands.as_bytes()).await?;
        }
        let output = nft.wait_with_output().await?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("nft: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }
}

fn nft() -> io::Result<Child> {
    let mut command = Command::new("nft");
    command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn()
}

/// `add` before `delete`, since deleting what is not there is an error.
const TABLE: &str = "\
add table inet netsplit
delete table inet netsplit
table inet netsplit {
    set dead { type inet_service . inet_service; }
    chain arriving {
        type filter hook prerouting priority raw; policy accept;
        tcp sport . tcp dport @dead drop
    }
}
";

fn rules(plan: &Plan, port: u16) -> String {
    let mut rules = String::new();
    let ways = [("dport", "sport"), ("sport", "dport")];
    if plan.script.loss_per_mille > 0 {
        for (proxys, _) in ways {
            let share = plan.script.loss_per_mille;
            rules += &format!(
                "add rule inet netsplit arriving tcp {proxys} {port} numgen random mod 1000 < {share} drop\n"
            );
        }
    }
    if let Some(Paths { dead, of }) = plan.script.paths.filter(|_| plan.script.packets) {
        // The contestant's port is all that differs between its connections, and both ways must agree.
        let seed = plan.seed as u32;
        for (proxys, contestants) in ways {
            rules += &format!(
                "add rule inet netsplit arriving tcp {proxys} {port} \
                 jhash tcp {contestants} mod {of} seed 0x{seed:x} < {dead} drop\n"
            );
        }
    }
    rules
}

fn elements(ports: &[u16], proxy: u16) -> String {
    let pairs: Vec<String> =
        ports.iter().flat_map(|port| [format!("{port} . {proxy}"), format!("{proxy} . {port}")]).collect();
    format!("add element inet netsplit dead {{ {} }}\n", pairs.join(", "))
}

fn address_rules(address: Ipv4Addr, proxy: u16) -> String {
    [("daddr", "dport"), ("saddr", "sport")]
        .map(|(end, port)| {
            format!("add rule inet netsplit arriving ip {end} {address} tcp {port} {proxy} drop\n")
        })
        .concat()
}

#[cfg(test)]
mod tests {
    use super::{address_rules, elements, rules};
    use crate::scenario;

    #[test]
    fn both_directions_are_dropped() {
        assert_eq!(
            elements(&[5, 6], 80),
            "add element inet netsplit dead { 5 . 80, 80 . 5, 6 . 80, 80 . 6 }\n"
        );
    }

    #[test]
    fn an_address_is_its_packets_to_and_from_the_proxy() {
        assert_eq!(
            address_rules([127, 0, 0, 1].into(), 80),
            "add rule inet netsplit arriving ip daddr 127.0.0.1 tcp dport 80 drop\n\
             add rule inet netsplit arriving ip saddr 127.0.0.1 tcp sport 80 drop\n"
        );
    }

    #[test]
    fn a_script_becomes_rules() {
        let of = |name| rules(&scenario::plan(name).unwrap(), 80);
        assert_eq!(of("blackhole"), "");
        assert_eq!(of("ecmp"), "", "the proxy does that one");
        assert!(of("loss").contains("tcp dport 80 numgen random mod 1000 < 10 drop"), "{}", of("loss"));
        let ecmp = of("ecmp-packets");
        assert!(ecmp.contains("tcp dport 80 jhash tcp sport mod 2 seed 0xf7be < 1 drop"), "{ecmp}");
        assert!(ecmp.contains("tcp sport 80 jhash tcp dport mod 2 seed 0xf7be < 1 drop"), "{ecmp}");
    }

    #[tokio::test]
    async fn the_machines_own_firewall_is_left_alone() {
        assert!(super::Firewall::set_up(80).await.is_err());
    }
}
