//! Origin, proxy and wires, set up for one contestant.
//!
//! Each contestant gets a stage of its own, so that what one leaves behind (stalled wires, open streams) can't touch
//! the next, and wires are counted from 1.
//!
//! Invariant: dropping the stage ends every task and closes every socket of it.
//! Next: `experiment.rs`, what is played on it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::{
    certificate::Identity, manifest::Protocol, origin::Origin, plan::Plan, proxy, record::writer::Recorder,
    wires::Wires,
};

/// A running origin behind a running proxy.
pub(crate) struct Stage {
    /// The contestant's wires.
    pub(crate) wires: Arc<Wires>,
    /// What the contestant is to speak.
    pub(crate) protocol: Protocol,
    origin: Arc<Origin>,
    proxy: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Stage {
    /// Both listen on free ports of the loopback address.
    pub(crate) async fn set_up(
        identity: &Identity,
        plan: &Plan,
        protocol: Protocol,
        recorder: &Recorder,
    ) -> std::io::Result<Self> {
        let wires = Arc::new(Wires::new(recorder.clone()));
        let tls = TlsAcceptor::from(Arc::clone(&identity.server));
        let origin = Arc::new(Origin::new(tls, plan, protocol, Arc::clone(&wires), recorder.clone()));
        let behind = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (origin_address, proxy) = (behind.local_addr()?, front.local_addr()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&origin).run(behind));
        tasks.spawn(proxy::run(front, origin_address, Arc::clone(&wires)));
        Ok(Self { wires, protocol, origin, proxy, _tasks: tasks })
    }

    /// The address of a path, as contestants are told it. It names the loopback address rather than `localhost`, so
    /// that no resolver takes part in a dial.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.proxy)
    }

    /// Whether the contestant spoke another protocol than its entry says.
    pub(crate) fn strayed(&self) -> bool {
        self.origin.strayed()
    }
}
