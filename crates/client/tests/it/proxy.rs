//! Proxies by hand: HTTP ones, with and without TLS and a login, and SOCKS5. They note what they are told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a proxy is.
#[derive(Clone)]
pub struct Kind {
    pub tls: Option<TlsAcceptor>,
    pub speaks: Speaks,
}

#[derive(Clone, Copy)]
pub enum Speaks {
    /// Wants this as `Proxy-Authorization`, if any.
    Http(Option<&'static str>),
    /// Wants this user and password, if any.
    Socks(Option<(&'static str, &'static str)>),
}

/// A proxy on the loopback that takes every host for `origin`. It ends when it is dropped.
pub struct ProxyServer {
    pub address: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ProxyServer {
    pub async fn start(speaks: Speaks, origin: SocketAddr) -> Self {
        Self::with(Kind { tls: None, speaks }, origin).await
    }

    pub async fn with(kind: Kind, origin: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&told);
        let task = tokio::spawn(async move {
            let mut pipes = tokio::task::JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let (kind, notes) = (kind.clone(), Arc::clone(&notes));
                pipes.spawn(async move {
                    match kind.tls {
                        None => serve(tcp, kind.speaks, origin, &notes).await,
                        Some(tls) => match tls.accept(tcp).await {
                            Ok(tls) => serve(tls, kind.speaks, origin, &notes).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, told, task }
    }

    /// What it was told, a line (SOCKS) or head (HTTP) each.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<T>(near: T, speaks: Speaks, origin: SocketAddr, told: &Mutex<Vec<String>>) -> Option<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    match speaks {
        Speaks::Http(login) => http(near, login, origin, told).await,
        Speaks::Socks(login) => socks(near, login, origin, told).await,
    }
}

/// Forwards what is in absolute form by answering it itself; tunnels what is CONNECT.
async fn http<T>(
    mut near: T,
    login: Option<&str>,
    origin: SocketAddr,
    told: &Mutex<Vec<String>>,
) -> Option<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        told.lock().unwrap().push(head.clone());
        let wanted = login.map(|login| format!("proxy-authorization: {}\r\n", login.to_lowercase()));
        if wanted.is_some_and(|wanted| !head.contains(&wanted)) {
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                           proxy-authenticate: Basic realm=\"test\"\r\ncontent-length: 0\r\n\r\n";
            near.write_all(refusal.as_bytes()).await.ok()?;
        } else if head.starts_with("connect ") {
            near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
            let mut far = TcpStream::connect(origin).await.ok()?;
            tokio::io::copy_bidirectional(&mut near, &mut far).await.ok()?;
            return Some(());
        } else {
            near.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nforwarded").await.ok()?;
        }
    }
}

/// RFC 1928 and RFC 1929, the parts that clients use.
async fn socks<T>(
    mut near: T,
    login: Option<(&str, &str)>,
    origin: SocketAddr,
    told: &Mutex<Vec<String>>,
) -> Option<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    assert_eq!(near.read_u8().await.ok()?, 5);
    let methods = bytes(&mut near).await?;
    match login {
        None => near.write_all(&[5, 0]).await.ok()?,
        Some(_) if !methods.contains(&2) => {
            near.write_all(&[5, 0xFF]).await.ok()?;
            return None;
        }
        Some((user, password)) => {
            near.write_all(&[5, 2]).await.ok()?;
            assert_eq!(near.read_u8().await.ok()?, 1);
            let (his, its) = (bytes(&mut near).await?, bytes(&mut near).await?);
            let is_right = his == user.as_bytes() && its == password.as_bytes();
            near.write_all(&[1, u8::from(!is_right)]).await.ok()?;
            if !is_right {
                return None;
            }
        }
    }
    let mut head = [0; 4];
    near.read_exact(&mut head).await.ok()?;
    let host = match head[3] {
        1 => std::net::Ipv4Addr::from(near.read_u32().await.ok()?).to_string(),
        3 => String::from_utf8(bytes(&mut near).await?).unwrap(),
        other => panic!("address type {other}"),
    };
    let port = near.read_u16().await.ok()?;
    told.lock().unwrap().push(format!("{host} {port}"));
    near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    let mut far = TcpStream::connect(origin).await.ok()?;
    tokio::io::copy_bidirectional(&mut near, &mut far).await.ok()?;
    Some(())
}

/// A length, and as many bytes.
async fn bytes<T: AsyncRead + Unpin>(near: &mut T) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::from(near.read_u8().await.ok()?)];
    near.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}
