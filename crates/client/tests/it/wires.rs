//! Wires between client and server that can be stalled, which is how a connection dies without a sign.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards to a server over wires that can be stalled: bytes stop, sockets stay open, nobody is told.
pub struct Wires {
    pub address: SocketAddr,
    stalls: Arc<Mutex<Vec<watch::Sender<bool>>>>,
    task: JoinHandle<()>,
}

impl Wires {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stalls = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(forward(listener, server, Arc::clone(&stalls)));
        Self { address, stalls, task }
    }

    /// How many there have been.
    pub fn count(&self) -> usize {
        self.stalls.lock().unwrap().len()
    }

    /// Stops all that there are now.
    pub fn stall(&self) {
        for stall in self.stalls.lock().unwrap().iter() {
            stall.send_replace(true);
        }
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(listener: TcpListener, server: SocketAddr, stalls: Arc<Mutex<Vec<watch::Sender<bool>>>>) {
    let mut wires = tokio::task::JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let (stall, stalled) = watch::channel(false);
        stalls.lock().unwrap().push(stall);
        wires.spawn(async move {
            let far = TcpStream::connect(server).await.unwrap();
            near.set_nodelay(true).unwrap();
            far.set_nodelay(true).unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::join!(carry(near_in, far_out, stalled.clone()), carry(far_in, near_out, stalled));
        });
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut stalled: watch::Receiver<bool>,
) {
    let stalled = async move { stalled.wait_for(|stalled| *stalled).await.is_ok() };
    let mut stalled = std::pin::pin!(stalled);
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            biased;
            _ = &mut stalled => std::future::pending().await,
            read = from.read(&mut bytes) => read,
        };
        match read {
            Ok(length @ 1..) if to.write_all(&bytes[..length]).await.is_ok() => {}
            Ok(_) | Err(_) => {
                _ = to.shutdown().await;
                return;
            }
        }
    }
}
