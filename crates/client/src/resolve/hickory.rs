//! Hickory DNS: a resolver that asks the DNS servers itself, without a thread per question.
//!
//! Next: [`super::Resolve`], which it implements.

use std::fmt;
use std::net::SocketAddr;

use hickory_resolver::TokioResolver;

use super::{Resolve, Resolving};
use crate::error::Error;

/// Asks the DNS servers itself (feature `hickory`), without a blocking thread for each question, and keeps answers for
/// as long as their records say. Unlike the system's resolver it knows only DNS and the hosts file.
#[derive(Clone)]
pub struct Hickory(TokioResolver);

impl Hickory {
    /// Asks the servers that the system is set up with (on Unix: `/etc/resolv.conf`).
    ///
    /// # Errors
    ///
    /// When the system's settings can't be read.
    pub fn from_system() -> Result<Self, Error> {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        resolver.map(Self).map_err(|error| Error::settings(Box::new(error)))
    }
}

impl Resolve for Hickory {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move {
            let found = self.0.lookup_ip(host).await?;
            Ok(found.iter().map(|ip| SocketAddr::new(ip, port)).collect())
        })
    }
}

impl fmt::Debug for Hickory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hickory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use tokio::net::UdpSocket;

    /// Answers each question for an IPv4 address of `service.test` with 127.0.0.1, and others with nothing (RFC 1035).
    async fn name_server(socket: UdpSocket) {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            // A query by hickory: the header, one question, and perhaps an EDNS record, which is left out.
            let name_end = 12 + question[12..length].iter().position(|byte| *byte == 0).unwrap() + 1;
            let asks_for_a = question[name_end..name_end + 2] == [0, 1];
            let is_known = question[12..name_end] == *b"\x07service\x04test\0";
            let mut answer = question[..name_end + 4].to_vec();
            answer[2..4].copy_from_slice(&[0x81, if is_known { 0x80 } else { 0x83 }]);
            answer[4..12].copy_from_slice(&[0, 1, 0, u8::from(is_known && asks_for_a), 0, 0, 0, 0]);
            if is_known && asks_for_a {
                answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    }

    #[tokio::test]
    async fn asks_its_name_servers() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut connection = ConnectionConfig::udp();
        connection.port = socket.local_addr().unwrap().port();
        let server = NameServerConfig::new([127, 0, 0, 1].into(), true, vec![connection]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let server = tokio::spawn(name_server(socket));
        let resolver = TokioResolver::builder_with_config(config, Default::default()).build().unwrap();
        let hickory = Hickory(resolver);
        assert_eq!(hickory.resolve("service.test", 81).await.unwrap(), ["127.0.0.1:81".parse().unwrap()]);
        assert!(hickory.resolve("other.test", 81).await.is_err());
        server.abort();
    }
}
