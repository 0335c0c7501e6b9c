//! The choices a caller can make, and their defaults.
//!
//! Invariant: everything has a default; [`Builder::build`] cannot fail. Next: [`crate::settings`], where the
//! defaults stand with their reasons.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::client::Client;
use crate::deadline::Timeouts;
use crate::error::Error;
use crate::pool_limits::PoolLimits;
use crate::rescue::Rescue;
use crate::seeing::Observer;
use crate::settings::{self, Choice, Protocol, Settings};
use crate::tls::Trust;

/// Makes a [`Client`].
///
/// Trusts Mozilla's certificate authorities (compiled in, from `webpki-roots`: the same everywhere; the operating
/// system's own are not asked), unless told otherwise.
#[derive(Clone)]
#[must_use = "it makes a client only when `build` is called"]
pub struct Builder {
    trust: Trust,
    protocol: Protocol,
    max_streams: u32,
    timeouts: Timeouts,
    rescue: Rescue,
    traced: Option<Choice>,
    pub(crate) pool: PoolLimits,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    connect_timeout: Duration,
    idle_timeout: Duration,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            trust: Trust::default(),
            protocol: Protocol::default(),
            max_streams: settings::MAX_STREAMS,
            timeouts: Timeouts::default(),
            rescue: Rescue::default(),
            traced: None,
            pool: PoolLimits::default(),
            observer: None,
            connect_timeout: settings::CONNECT_TIMEOUT,
            idle_timeout: settings::IDLE_TIMEOUT,
        }
    }

    /// Which versions of HTTP to speak. Default: [`Protocol::Auto`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Trusts the certificate authorities in this PEM text too.
    ///
    /// # Errors
    ///
    /// When the text is not PEM or holds no certificate, or one that is no certificate.
    pub fn add_root_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.trust.add(certificate.map_err(|error| Error::settings(error.to_string()))?)?;
            found = true;
        }
        if found { Ok(self) } else { Err(Error::settings("the PEM text holds no certificate")) }
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
        self.trust.forget_defaults();
        self
    }

    /// Uses this TLS configuration instead: its roots, client certificates, versions and the rest. Its ALPN
    /// protocols are replaced by those that [`Builder::protocol`] means.
    pub fn tls(mut self, config: ClientConfig) -> Self {
        self.trust = Trust::own(config);
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

    /// When requests that may be processed more than once are sent again. A request can have its own: [`Rescue`] among its
    /// extensions. Default: [`Rescue::OnSuspicion`].
    pub fn rescue(mut self, rescue: Rescue) -> Self {
        self.rescue = rescue;
        self
    }

    /// How long opening a connection may take, from the name's resolution to the end of TLS. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
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
        let Self {
            trust,
            protocol,
            max_streams,
            timeouts,
            rescue,
            traced,
            pool,
            observer,
            connect_timeout,
            idle_timeout,
        } = self;
        let tls = trust.config(protocol);
        Client::with(Settings {
            tls,
            protocol,
            max_streams,
            timeouts,
            rescue,
            traced,
            pool,
            observer,
            connect_timeout,
            idle_timeout,
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("protocol", &self.protocol)
            .field("max_streams", &self.max_streams)
            .field("timeouts", &self.timeouts)
            .field("rescue", &self.rescue)
            .field("pool", &self.pool)
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}
