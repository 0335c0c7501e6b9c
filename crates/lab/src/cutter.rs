//! Cuts: whoever does a fault (wire, origin, firewall, proxy), this is where it is told to.
//!
//! Invariant: when `cut` returns the fault has struck, and what it returns is what it hit.
//! Next: `wires/mod.rs` chooses the victims, `namespace/firewall.rs` drops packets.

use std::{io, sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    fault::{Fault, Whose},
    namespace::firewall::Firewall,
    plan::Plan,
    record::WireId,
    stage,
    wires::{Standing, Wires},
};

/// The hand that cuts, for one contestant's turn.
#[derive(Debug)]
pub(crate) struct Cutter {
    wires: Arc<Wires>,
    firewall: Option<Firewall>,
    rng: fastrand::Rng,
    /// Pauses that will end.
    pauses: JoinSet<()>,
}

impl Cutter {
    pub(crate) fn new(plan: &Plan, wires: Arc<Wires>, firewall: Option<Firewall>) -> Self {
        let rng = fastrand::Rng::with_seed(plan.seed);
        Self { wires, firewall, rng, pauses: JoinSet::new() }
    }

    /// What goes wrong for the whole counted part goes wrong from now on.
    pub(crate) async fn arm(&mut self, plan: &Plan) -> io::Result<()> {
        self.wires.arm();
        match &mut self.firewall {
            Some(firewall) => firewall.arm(plan).await,
            None => Ok(()),
        }
    }

    /// Cuts as the script says. Returns the wires that were hit.
    pub(crate) async fn cut(&mut self, plan: &Plan) -> io::Result<Vec<WireId>> {
        let fault = plan.script.fault;
        if fault.whose() == Whose::Proxy {
            self.upset(fault, Duration::from_millis(plan.script.lasts_ms));
        }
        let victims = self.wires.cut(&mut self.rng, fault, plan.script.which);
        if let (Whose::Firewall, Some(firewall)) = (fault.whose(), &mut self.firewall) {
            match fault {
                Fault::AddressLost => firewall.drop_address(stage::ADDRESSES[0]).await?,
                _ => firewall.drop(&victims.ports).await?,
            }
        }
        Ok(victims.wires)
    }

    /// The proxy takes longer; or it pauses or refuses, and serves again after a while.
    fn upset(&mut self, fault: Fault, lasts: Duration) {
        if fault == Fault::Longer {
            return self.wires.lengthen();
        }
        self.wires.stand(if fault == Fault::Pause { Standing::Paused } else { Standing::Down });
        let wires = Arc::clone(&self.wires);
        self.pauses.spawn(async move {
            tokio::time::sleep(lasts).await;
            wires.stand(Standing::Up);
        });
    }
}
