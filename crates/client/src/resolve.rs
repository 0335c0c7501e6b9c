//! From a host's name to addresses: the hook, the system's resolver, names told by hand, and the order to dial in.
//!
//! Invariant: what leaves here is never empty, names each address once, and stands in the order of preference of
//! RFC 8305 section 4. Next: [`crate::origin`], which asks once for all who wait.

#[cfg(feature = "hickory")]
mod hickory;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use crate::outgoing::BoxError;
use crate::settings::MAX_ADDRESSES;

#[cfg(feature = "hickory")]
pub use hickory::Hickory;

/// A resolution under way: what [`Resolve::resolve`] returns.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, BoxError>> + Send + 'a>>;

/// Finds the addresses of hosts: [`crate::Builder::resolver`].
///
/// A client asks once per origin, however many requests wait for the answer, and again in the background when the
/// answer has grown old: [`crate::Builder::resolution_age`]. It asks for names only, never for IP addresses.
///
/// ```
/// use std::net::SocketAddr;
///
/// /// Knows one host.
/// struct Here;
///
/// impl outlive::Resolve for Here {
///     fn resolve<'a>(&'a self, host: &'a str, port: u16) -> outlive::Resolving<'a> {
///         Box::pin(async move {
///             if host == "here" { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) } else { Err("who?".into()) }
///         })
///     }
/// }
///
/// let client = outlive::Client::builder().resolver(Here).build();
/// ```
pub trait Resolve: Send + Sync + 'static {
    /// All addresses to which `host` and `port` lead, the preferred one first. `host` is in lower case, as the URI has
    /// it (not decoded, no brackets). The answer's port is dialled as it stands, so it can be another one than `port`,
    /// as SRV records have it. The addresses' families are interleaved by the client (RFC 8305 section 4).
    ///
    /// An error, or no address at all, fails the requests that wait; addresses known from before stay in use.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a>;
}

impl<R: Resolve + ?Sized> Resolve for Arc<R> {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        (**self).resolve(host, port)
    }
}

/// The operating system's resolver (`getaddrinfo`), on tokio's threads for blocking work. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// The resolver of one client, and the names that it was told by hand.
#[derive(Clone)]
pub(crate) struct Names {
    resolver: Arc<dyn Resolve>,
    told: HashMap<Box<str>, Vec<IpAddr>>,
}

impl Names {
    pub(crate) fn ask(&mut self, resolver: impl Resolve) {
        self.resolver = Arc::new(resolver);
    }

    pub(crate) fn tell(&mut self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        self.told.insert(host.to_ascii_lowercase().into(), addresses.into_iter().collect());
    }

    /// The addresses of a host that `fits`, in the order in which to dial them.
    pub(crate) async fn look_up(
        &self,
        host: &str,
        port: u16,
        fits: impl Fn(&SocketAddr) -> bool,
    ) -> Result<Vec<SocketAddr>, BoxError> {
        let found = match self.told.get(host) {
            Some(told) => told.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
            None => self.resolver.resolve(host, port).await?,
        };
        if found.is_empty() {
            return Err("the name has no address".into());
        }
        let fitting: Vec<_> = found.into_iter().filter(fits).collect();
        if fitting.is_empty() {
            return Err("the name has no address of the family that connections are bound to".into());
        }
        Ok(in_order(&fitting))
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), told: HashMap::new() }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("told", &self.told).finish_non_exhaustive()
    }
}

/// The families in turn, beginning with that of the first address: so that where one family does not work, the second
/// dial does (RFC 8305 section 4, with a First Address Family Count of 1).
fn in_order(found: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_family = found.first().is_some_and(SocketAddr::is_ipv6);
    let mut first = found.iter().filter(|address| address.is_ipv6() == first_family);
    let mut second = found.iter().filter(|address| address.is_ipv6() != first_family);
    let mut order = Vec::with_capacity(found.len());
    for _ in 0..found.len() {
        for address in [first.next(), second.next()].into_iter().flatten() {
            if !order.contains(address) {
                order.push(*address);
            }
        }
    }
    order.truncate(MAX_ADDRESSES);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &str, expected: &str) {
        let found: Vec<SocketAddr> = found.split_whitespace().map(|one| one.parse().unwrap()).collect();
        let order: Vec<_> = in_order(&found).iter().map(ToString::to_string).collect();
        assert_eq!(order.join(" "), expected);
    }

    #[test]
    fn families_take_turns() {
        check("", "");
        check("[::1]:1 [::2]:1 1.1.1.1:1 1.1.1.2:1", "[::1]:1 1.1.1.1:1 [::2]:1 1.1.1.2:1");
        check("1.1.1.1:1 [::1]:1 [::2]:1 [::3]:1", "1.1.1.1:1 [::1]:1 [::2]:1 [::3]:1");
        check("1.1.1.1:1 1.1.1.2:1", "1.1.1.1:1 1.1.1.2:1");
        check("1.1.1.1:1 1.1.1.1:1 1.1.1.1:2", "1.1.1.1:1 1.1.1.1:2");
    }

    #[test]
    fn no_more_than_the_pool_keeps_in_mind() {
        let many: Vec<_> = (0..200).map(|host| SocketAddr::from(([10, 0, 0, host], 80))).collect();
        assert_eq!(in_order(&many).len(), MAX_ADDRESSES);
    }
}
