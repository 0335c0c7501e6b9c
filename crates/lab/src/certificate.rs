//! A certificate authority and a server certificate, made at start.
//!
//! Contestants trust the authority through `NETSPLIT_CA`, as a client in production trusts its own: none of them has
//! to switch verification off, which could change how it behaves.
//!
//! Invariant: private keys live in memory only and end with the run; the PEM file holds nothing secret.
//! Next: `origin.rs`, which serves with it.

use std::{net::Ipv4Addr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::stage;

/// What the lab shows to contestants, and what they are to trust.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The authority's certificate, PEM.
    pub(crate) authority: String,
    /// TLS as the origin speaks it: HTTP/2 and HTTP/1.1 by ALPN, the client chooses by what it offers.
    pub(crate) server: Arc<ServerConfig>,
}

impl Identity {
    /// A new authority, and a certificate for the loopback address signed by it.
    pub(crate) fn make() -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let params = authority_params();
        let authority = params.self_signed(&key)?;
        let issuer = Issuer::new(params, key);

        let leaf_key = KeyPair::generate()?;
        let leaf = leaf_params()?.signed_by(&leaf_key, &issuer)?;
        let leaf_key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], leaf_key)?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { authority: authority.pem(), server: Arc::new(server) })
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "netsplit authority, for one run");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params() -> Result<CertificateParams, rcgen::Error> {
    let names = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string(), stage::NAME.to_owned()];
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "netsplit origin");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}
