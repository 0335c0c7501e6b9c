//! The origin: a healthy HTTP server that contestants reach through the proxy.
//!
//! It speaks HTTP/2 or HTTP/1.1, whichever the client offers, over TLS. It keeps hyper's defaults but for the number of
//! streams, so it defends itself as servers do (20 quick resets get a GOAWAY, which is recorded).
//!
//! Invariant: each counted request that arrives is recorded with the wire it came by, before it is answered.
//! Next: `visit.rs`, what is answered; `wires/mod.rs`, which knows the wire of a connection; `grpc.rs`, the other origin.

mod body;
pub(crate) mod grpc;
mod visit;
mod watched;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use self::{visit::Visit, watched::Watched};
use crate::{
    manifest::Protocol,
    plan::Plan,
    record::{WireId, writer::Recorder},
    wires::{Manners, Wires},
};

/// What the origin needs to know of its surroundings.
pub(crate) struct Origin {
    tls: TlsAcceptor,
    plan: Plan,
    expected: Protocol,
    wires: Arc<Wires>,
    recorder: Recorder,
    strayed: AtomicBool,
}

impl Origin {
    pub(crate) fn new(
        tls: TlsAcceptor,
        plan: &Plan,
        expected: Protocol,
        wires: Arc<Wires>,
        recorder: Recorder,
    ) -> Self {
        Self { tls, plan: plan.clone(), expected, wires, recorder, strayed: AtomicBool::new(false) }
    }

    /// Whether a connection spoke another protocol than the contestant's entry says.
    pub(crate) fn strayed(&self) -> bool {
        self.strayed.load(Ordering::Relaxed)
    }

    /// Serves until it is dropped, and all connections with it.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((connection, peer)) => {
                        tasks.spawn(Arc::clone(&self).serve(connection, peer.port()));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                },
                Some(_) = tasks.join_next() => {}
            }
        }
    }

    async fn serve(self: Arc<Self>, connection: TcpStream, port: u16) {
        // However a connection ends is the contestant's affair; the record shows what became of its requests.
        let Ok(()) = connection.set_nodelay(true) else { return };
        let Ok(tls) = self.tls.accept(connection).await else { return };
        let spoken = match tls.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::H2,
            _ => Protocol::H1,
        };
        if spoken != self.expected {
            self.strayed.store(true, Ordering::Relaxed);
        }
        // The handshake came through the proxy, so the wire is registered; unless it has closed since.
        let Some(wire) = self.wires.by_port(port) else { return };
        let manners = self.wires.dialled(wire);
        match spoken {
            Protocol::H1 => self.http1(tls, wire, manners).await,
            Protocol::H2 => self.http2(tls, wire, manners).await,
        }
    }

    async fn http1(
        self: Arc<Self>,
        tls: TlsStream<TcpStream>,
        wire: WireId,
        manners: watch::Receiver<Manners>,
    ) {
        let visit = Arc::new(Visit { origin: self, wire, manners: manners.clone() });
        let service = service_fn(move |request| Arc::clone(&visit).answer(request));
        let mut connection =
            pin!(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service));
        tokio::select! {
            _ = &mut connection => return,
            () = become_of(manners, Manners::Leaving) => {}
        }
        connection.as_mut().graceful_shutdown();
        _ = connection.await;
    }

    async fn http2(
        self: Arc<Self>,
        tls: TlsStream<TcpStream>,
        wire: WireId,
        manners: watch::Receiver<Manners>,
    ) {
        let streams = self.plan.origin.streams;
        let io = TokioIo::new(Watched::new(tls, wire, Arc::clone(&self.wires)));
        let visit = Arc::new(Visit { origin: self, wire, manners: manners.clone() });
        let service = service_fn(move |request| Arc::clone(&visit).answer(request));
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let mut connection = pin!(builder.max_concurrent_streams(streams).serve_connection(io, service));
        tokio::select! {
            _ = &mut connection => return,
            () = become_of(manners, Manners::Leaving) => {}
        }
        connection.as_mut().graceful_shutdown();
        _ = connection.await;
    }
}

/// Waits until a connection's manners are these, if ever.
async fn become_of(mut manners: watch::Receiver<Manners>, wanted: Manners) {
    if manners.wait_for(|now| *now == wanted).await.is_err() {
        // Nobody is left who could change them.
        std::future::pending().await
    }
}
