//! Origin, proxy and wires, set up for one contestant.
//!
//! Each contestant gets a stage of its own, so that what one leaves behind (stalled wires, open streams) can't touch
//! the next, and wires are counted from 1.
//!
//! Invariant: dropping the stage ends every task and closes every socket of it.
//! Next: `experiment.rs`, what is played on it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    certificate::Identity,
    cutter::Cutter,
    manifest::Protocol,
    namespace::firewall::Firewall,
    origin::{Origin, grpc},
    plan::{Plan, Server},
    proxy,
    record::writer::Recorder,
    wires::Wires,
};

/// The origin's addresses, where it has several; all of them are the loopback interface's.
pub(crate) const ADDRESSES: [Ipv4Addr; 3] =
    [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];

/// What it is called then. Names below `test` are nobody's (RFC 6761).
pub(crate) const NAME: &str = "origin.test";

/// How many connections may wait to be accepted; tokio's own number for its listeners.
const BACKLOG: u32 = 1024;

/// What stages are made from.
pub(crate) struct Props {
    pub(crate) identity: Identity,
    pub(crate) grpc: grpc::Program,
    pub(crate) recorder: Recorder,
}

/// A running origin behind a running proxy.
pub(crate) struct Stage {
    /// The contestant's wires.
    pub(crate) wires: Arc<Wires>,
    /// What the contestant is to speak.
    pub(crate) protocol: Protocol,
    /// What goes before `://`.
    pub(crate) scheme: &'static str,
    /// What contestants dial.
    host: String,
    origin: Option<Arc<Origin>>,
    proxy: SocketAddr,
    tasks: JoinSet<()>,
}

impl Stage {
    /// Both listen on free ports of the loopback address; where the origin has several, the proxy on all.
    pub(crate) async fn set_up(props: &Props, plan: &Plan, protocol: Protocol) -> io::Result<Self> {
        Self::around(Arc::new(Wires::new(plan, props.recorder.clone())), props, plan, protocol).await
    }

    /// The same, with wires that are there already.
    pub(crate) async fn around(
        wires: Arc<Wires>,
        props: &Props,
        plan: &Plan,
        protocol: Protocol,
    ) -> io::Result<Self> {
        let named = plan.script.names_origin();
        // In the lab's own namespace there is nobody else who could dial.
        let any = if named { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let front = listen(any, plan.origin.receive_buffer)?;
        let mut stage = Self {
            wires,
            protocol,
            scheme: if plan.origin.server == Server::Grpc { "http" } else { "https" },
            host: if named { NAME.to_owned() } else { Ipv4Addr::LOCALHOST.to_string() },
            origin: None,
            proxy: front.local_addr()?,
            tasks: JoinSet::new(),
        };
        let behind = match plan.origin.server {
            Server::Hyper => stage.hyper(props, plan).await?,
            Server::Grpc => {
                let server = props.grpc.start(plan).await?;
                let address = server.address();
                stage.tasks.spawn(server.run(Arc::clone(&stage.wires), props.recorder.clone()));
                address
            }
        };
        stage.tasks.spawn(proxy::run(front, behind, Arc::clone(&stage.wires)));
        Ok(stage)
    }

    async fn hyper(&mut self, props: &Props, plan: &Plan) -> io::Result<SocketAddr> {
        let tls = TlsAcceptor::from(Arc::clone(&props.identity.server));
        let wires = Arc::clone(&self.wires);
        let origin = Arc::new(Origin::new(tls, plan, self.protocol, wires, props.recorder.clone()));
        let behind = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = behind.local_addr()?;
        self.tasks.spawn(Arc::clone(&origin).run(behind));
        self.origin = Some(origin);
        Ok(address)
    }

    /// The hand that cuts this stage's wires; with a firewall where the plan needs one.
    pub(crate) async fn cutter(&self, plan: &Plan) -> io::Result<Cutter> {
        let firewall = match plan.script.needs_namespace() {
            true => Some(Firewall::set_up(self.proxy.port()).await?),
            false => None,
        };
        Ok(Cutter::new(plan, Arc::clone(&self.wires), firewall))
    }

    /// The address of a path, as contestants are told it. It names the loopback address rather than `localhost`, so
    /// that no resolver takes part in a dial, but where the origin has several addresses.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}:{}{path}", self.scheme, self.host, self.proxy.port())
    }

    /// Whether the contestant spoke another protocol than its entry says.
    pub(crate) fn strayed(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.strayed())
    }
}

/// Listens for contestants, with receive buffers of this size; 0 leaves that to the kernel.
fn listen(address: Ipv4Addr, receive_buffer: u32) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    if receive_buffer > 0 {
        // Accepted sockets inherit it. Set before the handshake, so that no larger window is ever announced.
        socket.set_recv_buffer_size(receive_buffer)?;
    }
    socket.bind((address, 0).into())?;
    socket.listen(BACKLOG)
}
