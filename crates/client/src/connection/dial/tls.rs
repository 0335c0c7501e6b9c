//! The TLS handshake, with an origin or with a proxy.
//!
//! Invariant: a handshake that fails because nothing is trusted says what to do. Next: [`crate::tls`], where the
//! configurations are made.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{DialError, Step};
use crate::connect::Carrier;
use crate::outgoing::BoxError;
use crate::tls::Tls;

pub(super) async fn to_origin<T: Carrier>(
    io: T,
    host: &str,
    tls: &Arc<Tls>,
) -> Result<TlsStream<T>, DialError> {
    let failed = |error| DialError::because(Step::Tls, error);
    let config = &tls.configs().await.map_err(failed)?.origins;
    let server = tls.names.of(host).map_err(failed)?;
    let shaken = TlsConnector::from(Arc::clone(config)).connect(server, io).await;
    shaken.map_err(|error| DialError::because(step_of(&error), error))
}

pub(super) async fn to_proxy<T: Carrier>(
    io: T,
    host: &str,
    tls: &Arc<Tls>,
) -> Result<TlsStream<T>, BoxError> {
    let config = &tls.configs().await?.proxies;
    let server = ServerName::try_from(host.to_owned())?;
    Ok(TlsConnector::from(Arc::clone(config)).connect(server, io).await?)
}

/// What a failed handshake failed at: trust, or, when the server says so, the protocols that were offered (RFC 7301).
fn step_of(error: &io::Error) -> Step {
    let refused = rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol);
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) if *error == refused => Step::Protocol,
        Some(_) => Step::Tls,
        // No word about trust: the connection broke under the handshake.
        None => Step::Connect,
    }
}
