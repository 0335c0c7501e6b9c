//! What the lab decides about the client: whom it trusts and which HTTP version it speaks.

use std::env;
use std::fs;

use http::{StatusCode, Version};

use crate::{BoxError, Outcome};

/// The environment variables of the protocol, read.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The only certificate authority to trust, as PEM.
    pub ca_pem: Vec<u8>,
    /// The HTTP version to negotiate.
    pub protocol: Protocol,
    /// Whether there is TLS to negotiate it in. Without, HTTP/2 is spoken with prior knowledge.
    pub scheme: Scheme,
}

/// What every URL of a run begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plaintext.
    Http,
    /// TLS.
    Https,
}

/// The HTTP version of a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 only.
    H1,
    /// HTTP/2 only.
    H2,
}

impl Setup {
    /// Reads `NETSPLIT_CA`, and the file it names, `NETSPLIT_PROTOCOL` and `NETSPLIT_SCHEME`.
    pub(crate) fn from_env() -> Result<Self, BoxError> {
        let protocol = Protocol::parse(&variable("NETSPLIT_PROTOCOL")?)?;
        // A lab from before this variable speaks TLS only.
        let scheme = env::var("NETSPLIT_SCHEME").map_or(Ok(Scheme::Https), |text| Scheme::parse(&text))?;
        let path = variable("NETSPLIT_CA")?;
        let ca_pem = fs::read(&path).map_err(|error| format!("NETSPLIT_CA: cannot read {path}: {error}"))?;
        if !holds_certificate(&ca_pem) {
            return Err(format!("NETSPLIT_CA: no certificate in {path}").into());
        }
        Ok(Self { ca_pem, protocol, scheme })
    }
}

/// A client made with an empty list of authorities would start, and then fail every request.
fn holds_certificate(pem: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    pem.windows(BEGIN.len()).any(|part| part == BEGIN)
}

fn variable(name: &str) -> Result<String, BoxError> {
    Ok(env::var(name)
        .map_err(|error| format!("{name}: {error}; the lab sets it, see contestants/README.md"))?)
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, BoxError> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err(format!("NETSPLIT_SCHEME is {text:?}, expected http or https").into()),
        }
    }
}

impl Protocol {
    fn parse(text: &str) -> Result<Self, BoxError> {
        match text {
            "h1" => Ok(Self::H1),
            "h2" => Ok(Self::H2),
            _ => Err(format!("NETSPLIT_PROTOCOL is {text:?}, expected h1 or h2").into()),
        }
    }

    /// The outcome of a response that has arrived whole. One in another HTTP version than asked for is an error: a run
    /// that fell back in silence would measure something else.
    pub fn judge(self, version: Version, status: StatusCode) -> Outcome {
        let wanted = match self {
            Self::H1 => Version::HTTP_11,
            Self::H2 => Version::HTTP_2,
        };
        if version != wanted {
            Outcome::Error(format!("answered in {version:?} instead of {wanted:?}"))
        } else if !status.is_success() {
            Outcome::Error(format!("status {status}"))
        } else {
            Outcome::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_has_two_names() {
        assert_eq!(Protocol::parse("h1").unwrap(), Protocol::H1);
        assert_eq!(Protocol::parse("h2").unwrap(), Protocol::H2);
        let error = Protocol::parse("HTTP/2").unwrap_err().to_string();
        assert_eq!(error, "NETSPLIT_PROTOCOL is \"HTTP/2\", expected h1 or h2");
    }

    #[test]
    fn a_scheme_has_two_names() {
        assert_eq!(Scheme::parse("http").unwrap(), Scheme::Http);
        assert_eq!(Scheme::parse("https").unwrap(), Scheme::Https);
        let error = Scheme::parse("ftp").unwrap_err().to_string();
        assert_eq!(error, "NETSPLIT_SCHEME is \"ftp\", expected http or https");
    }

    #[test]
    fn an_authority_is_a_certificate_not_a_key() {
        assert!(holds_certificate(b"a comment\n-----BEGIN CERTIFICATE-----\nMIIB"));
        assert!(!holds_certificate(b"-----BEGIN PRIVATE KEY-----\nMIIB"));
        assert!(!holds_certificate(b""));
    }

    #[test]
    fn only_a_2xx_in_the_version_asked_for_is_ok() {
        let check = |protocol: Protocol, version, status: u16, outcome: &str| {
            let found = protocol.judge(version, StatusCode::from_u16(status).unwrap());
            assert_eq!(format!("{found:?}"), outcome);
        };
        check(Protocol::H1, Version::HTTP_11, 200, "Ok");
        check(Protocol::H2, Version::HTTP_2, 204, "Ok");
        check(Protocol::H2, Version::HTTP_2, 503, r#"Error("status 503 Service Unavailable")"#);
        check(Protocol::H2, Version::HTTP_2, 301, r#"Error("status 301 Moved Permanently")"#);
        check(Protocol::H2, Version::HTTP_11, 200, r#"Error("answered in HTTP/1.1 instead of HTTP/2.0")"#);
        check(Protocol::H1, Version::HTTP_10, 200, r#"Error("answered in HTTP/1.0 instead of HTTP/1.1")"#);
    }
}
