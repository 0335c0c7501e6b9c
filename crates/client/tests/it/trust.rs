//! Whom do we trust, who are we, and whom do we ask for?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use outlive::{Client, Connect, Connecting, Destination, ErrorKind, Protocol, Proxies, Proxy, Sent};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::fixture::{Server, Speech, eventually, in_environment, logged, text};
use crate::proxy::{Kind, ProxyServer, Speaks};

/// A server's side of TLS, and the authority to trust for it, in PEM. With `clients`, an authority in PEM, it wants a
/// certificate of the client.
pub fn acceptor(clients: Option<&str>, protocols: &[&[u8]]) -> (String, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let mut config = config.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    (made.cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// An authority, and a certificate and key that it issued: all in PEM.
fn issued() -> (String, String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["client.test".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn a_server_that_asks_who_we_are() {
    let (authority, certificate, key) = issued();
    let (ca, tls) = acceptor(Some(&authority), &[b"http/1.1"]);
    let kind = Kind { tls: Some(tls), speaks: Speaks::Http(None) };
    let server = ProxyServer::with(kind, "127.0.0.1:1".parse().unwrap()).await;
    let uri = format!("https://localhost:{}/", server.address.port());
    let builder = || Client::builder().add_root_pem(ca.as_bytes()).unwrap().only_added_roots();

    let known = builder().client_certificate_pem(certificate.as_bytes(), key.as_bytes()).unwrap().build();
    assert_eq!(text(known.request(get(&uri)).await.unwrap()).await, "forwarded");
    // With TLS 1.3 the refusal arrives after the handshake, with or instead of the first response.
    let error = builder().build().request(get(&uri)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Lost | ErrorKind::Peer), "{error:?}");
    assert_eq!(server.told().len(), 1);
}

#[tokio::test]
async fn a_proxy_does_not_see_who_we_are() {
    let (authority, certificate, key) = issued();
    let origin = Server::start(Speech::Http1Tls).await;
    // One that insists on a certificate learns nothing.
    let (ca, tls) = acceptor(Some(&authority), &[b"http/1.1"]);
    let kind = Kind { tls: Some(tls), speaks: Speaks::Http(None) };
    let curious = ProxyServer::with(kind, origin.address).await;
    let proxy = Proxy::new(&format!("https://localhost:{}", curious.address.port())).unwrap();
    let builder = origin.builder().add_root_pem(ca.as_bytes()).unwrap().only_added_roots();
    let builder = builder.client_certificate_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let client = builder.proxies(Proxies::all(proxy)).build();
    let error = client.request(origin.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Proxy, Sent::Never), "{error:?}");
    assert!(curious.told().is_empty());
}

#[tokio::test]
async fn a_certificate_and_a_key_that_do_not_fit() {
    let [(_, certificate, _), (_, _, key)] = [issued(), issued()];
    let wrong = Client::builder().client_certificate_pem(certificate.as_bytes(), key.as_bytes());
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Settings);
    assert!(Client::builder().client_certificate_pem(b"", key.as_bytes()).is_err());
    assert!(Client::builder().client_certificate_pem(certificate.as_bytes(), b"none").is_err());
}

#[tokio::test]
async fn another_name_to_be_proven() {
    let server = Server::start(Speech::Http2Tls).await;
    let uri = format!("https://127.0.0.1:{}/hello", server.address.port());
    let error = server.client().request(get(&uri)).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Tls, Sent::Never));
    let renamed = server.builder().server_name("localhost").unwrap().build();
    assert_eq!(text(renamed.request(get(&uri)).await.unwrap()).await, "hello");
    // What is said of one host comes before what is said of all.
    let both = server.builder().server_name("other.test").unwrap();
    let both = both.server_name_of("127.0.0.1", "localhost").unwrap().build();
    assert_eq!(text(both.request(get(&uri)).await.unwrap()).await, "hello");
    assert!(Client::builder().server_name("no name").is_err());
}

#[tokio::test]
async fn roots_that_are_added_join_those_of_the_system() {
    let server = Server::start(Speech::Http1Tls).await;
    // The system does not know this server; the roots of its own are asked too.
    let error = Client::new().request(server.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Tls, Sent::Never));
    let (ca, tls) = acceptor(None, &[b"http/1.1"]);
    let kind = Kind { tls: Some(tls), speaks: Speaks::Http(None) };
    let known = ProxyServer::with(kind, server.address).await;
    let client = Client::builder().add_root_pem(ca.as_bytes()).unwrap().build();
    let uri = format!("https://localhost:{}/", known.address.port());
    assert_eq!(text(client.request(get(&uri)).await.unwrap()).await, "forwarded");
}

#[cfg(feature = "webpki-roots")]
#[tokio::test]
async fn bundled_roots_know_no_server_of_ours() {
    let server = Server::start(Speech::Http1Tls).await;
    let client = Client::builder().bundled_roots().build();
    let error = client.request(server.get("/hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Tls, Sent::Never));
}

#[tokio::test]
async fn a_configuration_of_the_callers_own() {
    let (ca, tls) = acceptor(None, &[b"http/1.1"]);
    let kind = Kind { tls: Some(tls), speaks: Speaks::Http(None) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = ProxyServer::with(kind, listener.local_addr().unwrap()).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder().tls(config).build();
    let uri = format!("https://localhost:{}/", server.address.port());
    assert_eq!(text(client.request(get(&uri)).await.unwrap()).await, "forwarded");
}

#[test]
fn a_system_that_trusts_nobody() {
    // No file and no folder of certificates. A client can be built; its handshakes say what to do.
    let nothing = [("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/nowhere/at/all")];
    if !in_environment("trust::a_system_that_trusts_nobody", &nothing) {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let server = Server::start(Speech::Http2Tls).await;
        let client = Client::new();
        let error = client.request(server.get("/hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Tls, Sent::Never));
        let log = logged(&error);
        assert!(log.contains("ca-certificates") && log.contains("SSL_CERT_FILE"), "{log}");
        // Plain HTTP does without, and so do roots of one's own.
        let plain = Server::start(Speech::Http1).await;
        assert_eq!(text(client.request(plain.get("/hello")).await.unwrap()).await, "hello");
        assert_eq!(text(server.client().request(server.get("/hello")).await.unwrap()).await, "hello");
    });
}

/// What a certificate can be wrong in; ALPN too.
#[derive(Default)]
struct Wrong {
    from: Option<(i32, i32)>,
    names: Vec<&'static str>,
    self_signed: bool,
    protocols: Vec<&'static [u8]>,
}

/// Shows a certificate, in memory, and counts the bytes that it was told in the clear or after a handshake.
struct Shows {
    tls: TlsAcceptor,
    told: Arc<AtomicUsize>,
}

impl Shows {
    /// With the authority to trust.
    fn wrong(wrong: &Wrong) -> (String, Self) {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = wrong.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if let Some((from, until)) = wrong.from {
            (params.not_before, params.not_after) =
                (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(until, 1, 1));
        }
        if wrong.self_signed {
            params.distinguished_name.push(rcgen::DnType::CommonName, "nobody");
        }
        let made =
            if wrong.self_signed { params.self_signed(&key) } else { params.signed_by(&key, &authority) };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![made.unwrap().der().clone()];
        let mut config = config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = wrong.protocols.iter().map(|name| name.to_vec()).collect();
        (authority.pem(), Self { tls: TlsAcceptor::from(Arc::new(config)), told: Arc::default() })
    }
}

impl Connect for Shows {
    fn connect<'a>(&'a self, _to: &'a Destination) -> Connecting<'a> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (tls, told) = (self.tls.clone(), Arc::clone(&self.told));
        tokio::spawn(async move {
            let Ok(mut stream) = tls.accept(far).await else { return };
            while stream.read_u8().await.is_ok() {
                told.fetch_add(1, SeqCst);
            }
        });
        Box::pin(async { Ok(Box::new(near) as _) })
    }
}

/// The error says what is wrong, and not a byte of the request goes out.
#[tokio::test]
async fn certificates_that_prove_nothing() {
    let good = || Wrong { names: vec!["localhost"], ..Wrong::default() };
    let both: Vec<&[u8]> = vec![b"h2", b"http/1.1"];
    for (name, wrong, kind, says) in [
        ("expired", Wrong { from: Some((2000, 2001)), ..good() }, ErrorKind::Tls, "expired"),
        ("not valid yet", Wrong { from: Some((2900, 2901)), ..good() }, ErrorKind::Tls, "not valid yet"),
        (
            "another name",
            Wrong { names: vec!["example.com"], ..good() },
            ErrorKind::Tls,
            "not valid for name",
        ),
        ("no name", Wrong { names: vec![], ..good() }, ErrorKind::Tls, "not valid for"),
        ("signed by itself", Wrong { self_signed: true, ..good() }, ErrorKind::Tls, "UnknownIssuer"),
        (
            "no HTTP/2",
            Wrong { protocols: vec![b"http/1.1"], ..good() },
            ErrorKind::Dial,
            "NoApplicationProtocol",
        ),
        ("no word of HTTP/2", good(), ErrorKind::Dial, "does not offer HTTP/2"),
        ("nothing", Wrong { protocols: both, ..good() }, ErrorKind::Lost, ""),
    ] {
        let (authority, shows) = Shows::wrong(&wrong);
        let told = Arc::clone(&shows.told);
        let client = Client::builder().add_root_pem(authority.as_bytes()).unwrap().only_added_roots();
        let client = client.protocol(Protocol::Http2).connector(shows).build();
        if name == "nothing" {
            // So that the others fail for the reason that they name.
            let request = tokio::spawn(client.request(get("https://localhost/")));
            eventually("it is told something", async || told.load(SeqCst) > 0).await;
            request.abort();
            continue;
        }
        let error = client.request(get("https://localhost/")).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (kind, Sent::Never), "{name}: {}", logged(&error));
        assert!(logged(&error).contains(says), "{name}: {}", logged(&error));
        assert_eq!(told.load(SeqCst), 0, "{name}");
    }
}
