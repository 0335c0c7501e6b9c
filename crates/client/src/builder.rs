//! The choices a caller can make, and their defaults.
//!
//! Invariant: everything has a default; [`Builder::build`] cannot fail. Next: [`crate::settings`], where the
//! defaults stand with their reasons.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::client::Client;
use crate::connect::{Connect, Means};
use crate::connection::{Phases, TcpKeepalive, TcpOptions};
use crate::deadline::Timeouts;
use crate::error::Error;
use crate::head_limits::HeadLimits;
use crate::pool_limits::PoolLimits;
use crate::proxies::Proxies;
use crate::rescue::Rescue;
use crate::resolve::{Names, Resolve};
use crate::seeing::Observer;
use crate::settings::{self, Choice, Protocol, Settings};
use crate::tls::{Base, ServerNames, Tls, Trust};

/// Makes a [`Client`].
///
/// Unless told otherwise it resolves names and trusts certificates as the operating system does, and uses the proxies
/// that the environment names ([`Proxies::from_environment`]).
#[derive(Clone)]
#[must_use = "it makes a client only when `build` is called"]
pub struct Builder {
    names: Names,
    means: Means,
    tcp: TcpOptions,
    proxies: Option<Proxies>,
    trust: Trust,
    server_names: ServerNames,
    protocol: Protocol,
    max_streams: u32,
    timeouts: Timeouts,
    continue_wait: Duration,
    rescue: Rescue,
    traced: Option<Choice>,
    pub(crate) pool: PoolLimits,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    phases: Phases,
    resolution_age: Duration,
    idle_timeout: Duration,
    pub(crate) head: HeadLimits,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            names: Names::default(),
            means: Means::default(),
            tcp: TcpOptions::default(),
            proxies: None,
            trust: Trust::default(),
            server_names: ServerNames::default(),
            protocol: Protocol::default(),
            max_streams: settings::MAX_STREAMS,
            timeouts: Timeouts::default(),
            continue_wait: settings::CONTINUE_WAIT,
            rescue: Rescue::default(),
            traced: None,
            pool: PoolLimits::default(),
            observer: None,
            phases: Phases::new(settings::CONNECT_TIMEOUT),
            resolution_age: settings::RESOLUTION_AGE,
            idle_timeout: settings::IDLE_TIMEOUT,
            head: HeadLimits::default(),
        }
    }

    /// Which versions of HTTP to speak. Default: [`Protocol::Auto`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// At most this many requests at a time on one connection, even where the server allows more. Default: 100.
    /// Fewer means more connections, and less lost with each. At least 1.
    pub fn max_streams_per_connection(mut self, streams: u32) -> Self {
        self.max_streams = streams.max(1);
        self
    }

    /// Gives a request up that takes longer than this, from the first poll to the end of the response's body. A
    /// request can have its own: [`crate::RequestTimeout`]. Default: none.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.request = Some(timeout);
        self
    }

    /// When a request is given up, by phase. A request can have its own: [`Timeouts`] among its extensions. Default: never.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// How long a request with `Expect: 100-continue` holds its body back while the server says nothing. A request can have its
    /// own: [`crate::ContinueWait`]. Default: 1 s.
    pub fn continue_wait(mut self, wait: Duration) -> Self {
        self.continue_wait = wait;
        self
    }

    /// When requests that may be processed more than once are sent again. A request can have its own: [`Rescue`] among its
    /// extensions. Default: [`Rescue::OnSuspicion`].
    pub fn rescue(mut self, rescue: Rescue) -> Self {
        self.rescue = rescue;
        self
    }

    /// Connections that are unused for this long are closed. Default: 90 s.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Writes down every fact and every decision about the connections of the origins that `choose` chooses by their
    /// names (`https://example.com:443`), from the first on, up to 200,000 lines each: [`Client::trace`] gives them. What is
    /// written is numbers and times, nothing of requests or responses.
    pub fn trace(mut self, choose: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.traced = Some(Arc::new(choose));
        self
    }

    /// Makes the client. Opens no connection yet.
    #[must_use]
    pub fn build(self) -> Client {
        let Self { names, means, tcp, proxies, trust, server_names, protocol, .. } = self;
        let proxies = match (&means, proxies) {
            #[cfg(unix)]
            (Means::Unix(_), _) => Proxies::none(),
            (Means::Tcp | Means::Hook(_), Some(chosen)) => chosen,
            (Means::Tcp, None) => Proxies::from_environment(),
            (Means::Hook(_), None) => Proxies::none(),
        };
        Client::with(Settings {
            names,
            means,
            tcp,
            proxies,
            tls: Arc::new(Tls::new(trust, protocol, server_names)),
            protocol,
            max_streams: self.max_streams,
            timeouts: self.timeouts,
            continue_wait: self.continue_wait,
            rescue: self.rescue,
            traced: self.traced,
            pool: self.pool,
            observer: self.observer,
            phases: self.phases,
            resolution_age: self.resolution_age,
            idle_timeout: self.idle_timeout,
            head: self.head,
        })
    }
}

/// # Names
///
/// Each origin's name is resolved once for all its connections. The pool spreads these over the addresses, leaves
/// failing ones alone for a while, and gives a dial that is late another address's company (RFC 8305).
impl Builder {
    /// Resolves names with this. Default: [`crate::SystemResolver`].
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.names.ask(resolver);
        self
    }

    /// Resolves this host to these addresses, with the URI's port, and asks no resolver. Also the host of a proxy.
    pub fn resolve(mut self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.names.tell(host, addresses);
        self
    }

    /// When a connection is dialled and its host's name was resolved longer ago than this, the name is resolved again,
    /// in the background: the dial goes to an address that is known. A dial that fails has the same done at once (but
    /// not more than once per second). Default: 30 s.
    pub fn resolution_age(mut self, age: Duration) -> Self {
        self.resolution_age = age;
        self
    }
}

/// # Timeouts of a dial
///
/// They bound the pool's dials, for which requests wait; a request that does not want to wait as long has its own
/// timeout, which ends no dial. An error says which phase took too long: [`crate::Phase`].
impl Builder {
    /// How long opening a connection may take, from TCP to the end of TLS; and, for itself, resolving a name, which is
    /// done once for many connections. A dial that is late gets company and is dialled anew: all of them together are one as
    /// to this limit, so a request that waits where no connection is open fails a tenth of a second after it at the latest. Default: 10 s, for a lost SYN is
    /// sent again after 1, 3 and 7 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.phases.whole = timeout;
        self
    }

    /// How long resolving a name may take. Default, and at most: [`Builder::connect_timeout`].
    pub fn resolve_timeout(mut self, timeout: Duration) -> Self {
        self.phases.resolve = Some(timeout);
        self
    }

    /// How long connecting to one address may take (or the Unix socket, or the connector). Default, and at most: what
    /// is left of [`Builder::connect_timeout`].
    pub fn tcp_timeout(mut self, timeout: Duration) -> Self {
        self.phases.connect = Some(timeout);
        self
    }

    /// How long the proxy's handshake may take. Default, and at most: what is left of [`Builder::connect_timeout`].
    pub fn proxy_timeout(mut self, timeout: Duration) -> Self {
        self.phases.proxy = Some(timeout);
        self
    }

    /// How long the TLS handshake may take. Default, and at most: what is left of [`Builder::connect_timeout`].
    pub fn tls_timeout(mut self, timeout: Duration) -> Self {
        self.phases.tls = Some(timeout);
        self
    }
}

/// # Below HTTP
impl Builder {
    /// Sends small segments at once (`TCP_NODELAY`). Default: yes, for a request must not wait for the acknowledgement
    /// of another.
    pub fn tcp_nodelay(mut self, nodelay: bool) -> Self {
        self.tcp.nodelay = nodelay;
        self
    }

    /// TCP's own probes of silent connections (`SO_KEEPALIVE`), or `None`. Default: after 15 s, each 15 s, 3 of them.
    pub fn tcp_keepalive(mut self, keepalive: impl Into<Option<TcpKeepalive>>) -> Self {
        self.tcp.keepalive = keepalive.into();
        self
    }

    /// Linux: how long what was sent may stay unacknowledged before the kernel closes the connection
    /// (`TCP_USER_TIMEOUT`, RFC 5482), in whole milliseconds. Default: the kernel's rule, about a quarter of an hour; the
    /// pool itself closes a connection that is silent although asked after 5 s, or 30 s where the other kernel acknowledges.
    /// Elsewhere it does nothing.
    pub fn tcp_user_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.tcp.user_timeout = timeout.into();
        self
    }

    /// Linux: takes more to send only while fewer bytes than this are unsent in the kernel (`TCP_NOTSENT_LOWAT`), so that
    /// proof of life does not queue behind an upload. Default: the kernel's. Elsewhere it does nothing.
    pub fn tcp_notsent_lowat(mut self, bytes: impl Into<Option<u32>>) -> Self {
        self.tcp.notsent_lowat = bytes.into();
        self
    }

    /// Opens connections from this address. With an address of one family, hosts' addresses of the other are not used;
    /// it can be called once for each family.
    pub fn local_address(mut self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.tcp.from_v4 = Some(address),
            IpAddr::V6(address) => self.tcp.from_v6 = Some(address),
        }
        self
    }

    /// Opens connections through this network interface (`SO_BINDTODEVICE`), `eth0` say.
    #[cfg(target_os = "linux")]
    pub fn interface(mut self, name: &str) -> Self {
        self.tcp.interface = Some(name.into());
        self
    }

    /// Opens all connections to this Unix socket, whatever their origin, and uses no proxy. What is spoken on it follows
    /// from the URI as ever: `https` means TLS.
    #[cfg(unix)]
    pub fn unix_socket(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.means = Means::Unix(path.as_ref().into());
        self
    }

    /// Opens connections with this, in place of TCP. It leads to proxies too, but only to those that
    /// [`Builder::proxies`] names: the environment's are not used.
    pub fn connector(mut self, connector: impl Connect) -> Self {
        self.means = Means::Hook(Arc::new(connector));
        self
    }

    /// Uses these proxies. Default: [`Proxies::from_environment`].
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = Some(proxies);
        self
    }
}

/// # TLS
///
/// The certificate authorities that the operating system trusts are read when the first handshake needs them. Where
/// there are none, that handshake fails and says what to do.
impl Builder {
    /// Trusts the certificate authorities in this PEM text too.
    ///
    /// # Errors
    ///
    /// When the text is not PEM or holds no certificate, or one that is no certificate.
    pub fn add_root_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        for certificate in certificates(pem)? {
            self.trust.add(certificate)?;
        }
        Ok(self)
    }

    /// Trusts this certificate authority (DER) too.
    ///
    /// # Errors
    ///
    /// When it is not a certificate.
    pub fn add_root_der(mut self, certificate: &[u8]) -> Result<Self, Error> {
        self.trust.add(CertificateDer::from(certificate.to_vec()))?;
        Ok(self)
    }

    /// Trusts only the certificate authorities that were added.
    pub fn only_added_roots(mut self) -> Self {
        self.trust.base(Base::Nobody);
        self
    }

    /// Trusts Mozilla's certificate authorities, compiled in, in place of the operating system's (feature
    /// `webpki-roots`): the same everywhere, and as old as the program.
    #[cfg(feature = "webpki-roots")]
    pub fn bundled_roots(mut self) -> Self {
        self.trust.base(Base::Bundled);
        self
    }

    /// Proves to origins who we are, where they ask: a chain of certificates, its own first, and the private key
    /// (PKCS#8, PKCS#1 or SEC1), both PEM. Proxies are not shown it.
    ///
    /// # Errors
    ///
    /// When the texts are not that, or the key is not the certificate's.
    pub fn client_certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| Error::settings(error.to_string()))?;
        self.trust.identify(certificates(chain)?, key)?;
        Ok(self)
    }

    /// Asks every server to prove this name (a DNS name or an IP address), in place of its URI's host.
    ///
    /// # Errors
    ///
    /// When it is no name.
    pub fn server_name(mut self, name: &str) -> Result<Self, Error> {
        self.server_names.replace(None, name)?;
        Ok(self)
    }

    /// The same for one host, whatever was said for all.
    ///
    /// # Errors
    ///
    /// When `name` is no name.
    pub fn server_name_of(mut self, host: &str, name: &str) -> Result<Self, Error> {
        self.server_names.replace(Some(host), name)?;
        Ok(self)
    }

    /// Uses this TLS configuration instead: its roots, client certificates, versions and the rest. Its ALPN
    /// protocols are replaced by those that [`Builder::protocol`] means.
    pub fn tls(mut self, config: ClientConfig) -> Self {
        self.trust = Trust::own(config);
        self
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| Error::settings(error.to_string()))?;
    if read.is_empty() { Err(Error::settings("the PEM text holds no certificate")) } else { Ok(read) }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("protocol", &self.protocol)
            .field("max_streams", &self.max_streams)
            .field("timeouts", &self.timeouts)
            .field("rescue", &self.rescue)
            .field("pool", &self.pool)
            .field("phases", &self.phases)
            .field("idle_timeout", &self.idle_timeout)
            .field("head", &self.head)
            .field("means", &self.means)
            .field("tcp", &self.tcp)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
