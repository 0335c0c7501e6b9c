//! Whom to trust, who we are, and what to offer in the TLS handshake.
//!
//! Invariants: what ALPN offers is what the client was told to speak, whoever made the configuration; a client can
//! be built on a system that trusts nobody, and only its handshakes fail. Next: [`crate::connection`], where the
//! handshake happens.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::error::Error;
use crate::outgoing::BoxError;
use crate::settings::Protocol;

/// Whom to trust and who we are, or a whole configuration of the caller's own.
#[derive(Clone)]
pub(crate) enum Trust {
    Roots { base: Base, added: Vec<CertificateDer<'static>>, identity: Option<Arc<CertifiedKey>> },
    Own(Box<ClientConfig>),
}

/// Whom to trust besides those that were added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Base {
    Platform,
    #[cfg(feature = "webpki-roots")]
    Bundled,
    Nobody,
}

impl Default for Trust {
    fn default() -> Self {
        Self::Roots { base: Base::Platform, added: Vec::new(), identity: None }
    }
}

impl Trust {
    pub(crate) fn own(config: ClientConfig) -> Self {
        Self::Own(Box::new(config))
    }

    pub(crate) fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), Error> {
        match self {
            Self::Roots { added, .. } => {
                let checked = RootCertStore::empty().add(certificate.clone());
                checked.map_err(|error| Error::settings(Box::new(error)))?;
                added.push(certificate);
                Ok(())
            }
            Self::Own(_) => Err(Error::settings("add roots to the TLS configuration that was given")),
        }
    }

    pub(crate) fn base(&mut self, new: Base) {
        match self {
            Self::Roots { base, .. } => *base = new,
            Self::Own(_) => {} // It has no others than its own.
        }
    }

    pub(crate) fn identify(
        &mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), Error> {
        match self {
            Self::Roots { identity, .. } => {
                let certified = CertifiedKey::from_der(chain, key, &provider());
                *identity = Some(Arc::new(certified.map_err(|error| Error::settings(Box::new(error)))?));
                Ok(())
            }
            Self::Own(_) => {
                Err(Error::settings("put the certificate into the TLS configuration that was given"))
            }
        }
    }

    /// The configuration, before ALPN. With the platform's trust this reads files, a hundred or more.
    fn config(&self) -> Result<ClientConfig, BoxError> {
        let (base, added, identity) = match self {
            Self::Own(config) => return Ok((**config).clone()),
            Self::Roots { base, added, identity } => (*base, added.clone(), identity.clone()),
        };
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions of TLS");
        let config = match base {
            Base::Platform => {
                let verifier = Verifier::new_with_extra_roots(added, provider()).map_err(NobodyTrusted)?;
                config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            #[cfg(feature = "webpki-roots")]
            Base::Bundled => config.with_root_certificates(store(added, webpki_roots::TLS_SERVER_ROOTS)),
            Base::Nobody => config.with_root_certificates(store(added, &[])),
        };
        Ok(match identity {
            Some(identity) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
            None => config.with_no_client_auth(),
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn store(
    added: Vec<CertificateDer<'static>>,
    others: &[rustls::pki_types::TrustAnchor<'static>],
) -> RootCertStore {
    let mut store = RootCertStore { roots: others.to_vec() };
    store.add_parsable_certificates(added); // Each was parsed when it was added.
    store
}

/// What handshakes need, made when the first one does: clients that never speak TLS read no certificates.
pub(crate) struct Tls {
    trust: Trust,
    protocol: Protocol,
    pub(crate) names: ServerNames,
    made: OnceLock<Configs>,
    /// Held by whoever makes them.
    turn: Mutex<()>,
}

pub(crate) struct Configs {
    pub(crate) origins: Arc<ClientConfig>,
    /// The same trust, HTTP/1.1, and no certificate of our own, which is for the origins' eyes only.
    pub(crate) proxies: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new(trust: Trust, protocol: Protocol, names: ServerNames) -> Self {
        Self { trust, protocol, names, made: OnceLock::new(), turn: Mutex::default() }
    }

    /// What handshakes need. A dial that is called off meanwhile leaves it to the next one; what fails is tried again by
    /// the next: the system may have been mended.
    pub(crate) async fn configs(self: &Arc<Self>) -> Result<&Configs, BoxError> {
        if self.made.get().is_none() {
            let tls = Arc::clone(self);
            tokio::task::spawn_blocking(move || tls.make().map(|_| ())).await??;
        }
        self.made.get().ok_or_else(|| "TLS was not set up".into())
    }

    fn make(&self) -> Result<&Configs, BoxError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let mut origins = self.trust.config()?;
        let mut proxies = origins.clone();
        let offered: &[&[u8]] = match self.protocol {
            Protocol::Auto => &[b"h2", b"http/1.1"],
            Protocol::Http1 => &[b"http/1.1"],
            Protocol::Http2 => &[b"h2"],
        };
        origins.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        proxies.alpn_protocols = vec![b"http/1.1".to_vec()];
        proxies.client_auth_cert_resolver = Arc::new(Anonymous);
        // Sessions that a client certificate was shown in are not the proxies' to resume.
        proxies.resumption = Resumption::default();
        Ok(self.made.get_or_init(|| Configs { origins: Arc::new(origins), proxies: Arc::new(proxies) }))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Has no certificate.
#[derive(Debug)]
struct Anonymous;

impl ResolvesClientCert for Anonymous {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Names that servers are asked for, and have to prove, in place of the URI's host.
#[derive(Clone, Default, Debug)]
pub(crate) struct ServerNames {
    all: Option<ServerName<'static>>,
    by_host: HashMap<Box<str>, ServerName<'static>>,
}

impl ServerNames {
    /// Uses `name` for every host, or for one.
    pub(crate) fn replace(&mut self, host: Option<&str>, name: &str) -> Result<(), Error> {
        let name = ServerName::try_from(name.to_owned()).map_err(|error| Error::settings(Box::new(error)))?;
        match host {
            Some(host) => _ = self.by_host.insert(host.to_ascii_lowercase().into(), name),
            None => self.all = Some(name),
        }
        Ok(())
    }

    /// The name that the server of `host` has to prove.
    pub(crate) fn of(&self, host: &str) -> Result<ServerName<'static>, BoxError> {
        match self.by_host.get(host).or(self.all.as_ref()) {
            Some(name) => Ok(name.clone()),
            None => Ok(ServerName::try_from(host.to_owned())?),
        }
    }
}

/// The platform's verifier could not be had.
#[derive(Debug)]
struct NobodyTrusted(rustls::Error);

impl fmt::Display for NobodyTrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this system's certificate authorities can't be read: install them (Debian, Alpine: the package \
             ca-certificates), name a file of them in SSL_CERT_FILE, or give the client its own \
             (Builder::add_root_pem, or Builder::bundled_roots with the feature webpki-roots)",
        )
    }
}

impl std::error::Error for NobodyTrusted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
