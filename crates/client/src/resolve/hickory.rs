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

    /// Asks with a resolver of the caller's own making.
    pub fn with(resolver: TokioResolver) -> Self {
        Self(resolver)
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
