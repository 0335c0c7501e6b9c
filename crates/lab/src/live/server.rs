//! The server around the page: loopback, HTTP/1.1, and a limit to everything.
//!
//! Invariant: it listens on 127.0.0.1 and nowhere else. Whoever sends slowly, much or often is cut off, and costs nobody
//! else anything but a place.
//! Next: `api.rs`, what is answered.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::api::Api;

/// Connections at the same time: the pages that may watch (`hub::PAGES`), and the files and deeds of as many.
const CONNECTIONS: usize = 64;

/// How long a request's head may take, and a connection may be idle.
const HEAD_IN: Duration = Duration::from_secs(10);

/// The longest head. A browser's has about 1 KiB; hyper takes no less than 8.
const MOST_HEAD: usize = 16 * 1024;

/// Takes the port; 0 is any that is free.
pub(super) async fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until it is dropped, and all connections with it.
pub(super) async fn run(listener: TcpListener, api: Arc<Api>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((connection, _)) if tasks.len() < CONNECTIONS => {
                    tasks.spawn(serve(connection, Arc::clone(&api)));
                }
                Ok(_) => {}
                // No file descriptor left, perhaps: not to become a busy loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

async fn serve(connection: TcpStream, api: Arc<Api>) {
    let service = service_fn(|request| api.answer(request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_IN).max_buf_size(MOST_HEAD);
    // However it ends, it is the other side's affair.
    _ = connection.set_nodelay(true);
    _ = builder.serve_connection(TokioIo::new(connection), service).await;
}
