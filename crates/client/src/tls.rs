//! Whom to trust, and what to offer in the TLS handshake.
//!
//! Invariant: what ALPN offers is what the client was told to speak, whoever made the configuration. Next:
//! [`crate::connection`], where the handshake happens.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;
use crate::settings::Protocol;

/// The certificate authorities to trust, or a whole configuration of the caller's own.
#[derive(Clone)]
pub(crate) enum Trust {
    Roots { added: RootCertStore, defaults: Defaults },
    Own(Box<ClientConfig>),
}

#[derive(Clone, Copy)]
pub(crate) enum Defaults {
    Included,
    Forgotten,
}

impl Default for Trust {
    fn default() -> Self {
        Self::Roots { added: RootCertStore::empty(), defaults: Defaults::Included }
    }
}

impl Trust {
    pub(crate) fn own(config: ClientConfig) -> Self {
        Self::Own(Box::new(config))
    }

    pub(crate) fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), Error> {
        match self {
            Self::Roots { added, .. } => {
                added.add(certificate).map_err(|error| Error::settings(Box::new(error)))
            }
            Self::Own(_) => Err(Error::settings("add roots to the TLS configuration that was given")),
        }
    }

    pub(crate) fn forget_defaults(&mut self) {
        match self {
            Self::Roots { defaults, .. } => *defaults = Defaults::Forgotten,
            Self::Own(_) => {} // It has no others than its own.
        }
    }

    pub(crate) fn config(self, protocol: Protocol) -> Arc<ClientConfig> {
        let mut config = match self {
            Self::Own(config) => *config,
            Self::Roots { mut added, defaults } => {
                if let Defaults::Included = defaults {
                    added.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                }
                ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                    .with_safe_default_protocol_versions()
                    .expect("ring supports the default versions of TLS")
                    .with_root_certificates(added)
                    .with_no_client_auth()
            }
        };
        let offered: &[&[u8]] = match protocol {
            Protocol::Auto => &[b"h2", b"http/1.1"],
            Protocol::Http1 => &[b"http/1.1"],
            Protocol::Http2 => &[b"h2"],
        };
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}
