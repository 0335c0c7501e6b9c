//! Proxies: which requests go through which, by choice or by the environment.
//!
//! The rules are those of curl and reqwest. Invariants: a proxy that was named and can't be understood is an error of
//! the requests it was meant for, never a reason to go without; its credentials appear in no error and no `Debug`.
//! Next: [`crate::connection`], whose dial goes the way that is chosen here.

mod environment;
mod exceptions;
mod proxy;

use std::fmt;

pub use proxy::Proxy;
pub(crate) use proxy::{Kind, Login};

use crate::name::OriginName;

/// Which proxies a client uses: [`crate::Builder::proxies`].
///
/// ```
/// # fn main() -> Result<(), outlive::Error> {
/// use outlive::{Client, Proxies, Proxy};
///
/// let proxy = Proxy::new("http://proxy.example:3128")?.login("me", "secret");
/// let client = Client::builder().proxies(Proxies::all(proxy).except("localhost, 10.0.0.0/8, .internal")).build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Proxies {
    http: Choice,
    https: Choice,
    except: Box<str>,
}

/// The way for one scheme.
#[derive(Clone, Default)]
pub(crate) enum Choice {
    #[default]
    Direct,
    Proxy(Proxy),
    /// The environment names one that is none, in this variable.
    Broken(&'static str),
}

impl Proxies {
    /// None at all, whatever the environment says.
    pub fn none() -> Self {
        Self::default()
    }

    /// This one for everything.
    pub fn all(proxy: Proxy) -> Self {
        Self { http: Choice::Proxy(proxy.clone()), https: Choice::Proxy(proxy), except: Box::default() }
    }

    /// Those that the environment names now: `HTTP_PROXY` for `http` (not where `REQUEST_METHOD` is set: there a
    /// request's `Proxy` header could have become that variable), `HTTPS_PROXY` for `https`, `ALL_PROXY` for both,
    /// and the exceptions in `NO_PROXY`; each of them, where it is not set, in lower case. Empty means none.
    ///
    /// A client that was not told of proxies does so by itself when it is built, unless it has a Unix socket or a
    /// connector.
    pub fn from_environment() -> Self {
        environment::read(|name| std::env::var(name).ok())
    }

    /// This one for `http` origins.
    #[must_use]
    pub fn http(mut self, proxy: Proxy) -> Self {
        self.http = Choice::Proxy(proxy);
        self
    }

    /// This one for `https` origins.
    #[must_use]
    pub fn https(mut self, proxy: Proxy) -> Self {
        self.https = Choice::Proxy(proxy);
        self
    }

    /// None for these hosts: a list as in `NO_PROXY`, in place of what was said before. Its entries are separated by
    /// commas or spaces: a name (which stands for its subdomains too, with or without a leading dot or `*.`), an IP
    /// address, a network (`10.0.0.0/8`), each with or without a port (`example.com:8080`, `[::1]:8080`), or `*` for all.
    /// Addresses and networks are compared with hosts that are addresses; names are not resolved for it.
    #[must_use]
    pub fn except(mut self, hosts: &str) -> Self {
        self.except = hosts.into();
        self
    }

    pub(crate) fn choice(&self, origin: &OriginName) -> Choice {
        let choice = if origin.is_https() { &self.https } else { &self.http };
        match choice {
            Choice::Direct => Choice::Direct,
            Choice::Proxy(_) | Choice::Broken(_) if exceptions::contain(&self.except, origin) => {
                Choice::Direct
            }
            Choice::Proxy(_) | Choice::Broken(_) => choice.clone(),
        }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http)
            .field("https", &self.https)
            .field("except", &self.except)
            .finish()
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::Proxy(proxy) => proxy.fmt(f),
            Self::Broken(variable) => f.debug_tuple("Broken").field(variable).finish(),
        }
    }
}
