//! With whom TLS comes about, and with whom it does not.

use std::{fs, net::Ipv4Addr};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, server::WebPkiClientVerifier};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::broker::kafka::security::{Security, Stream};

/// An authority, and a leaf of it for `localhost` and 127.0.0.1.
struct Made {
    authority: String,
    chain: String,
    key: String,
}

impl Made {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = parameters.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(parameters, key);
        let key = KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let parameters = CertificateParams::new(names).unwrap();
        let chain = parameters.signed_by(&key, &issuer).unwrap().pem();
        Self {
            authority,
            chain,
            key: key.serialize_pem(),
        }
    }

    /// A broker's side; with `clients` it wants a certificate of theirs.
    fn acceptor(&self, clients: Option<&Self>) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(certificate(&clients.authority)).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let config = builder
            .with_single_cert(vec![certificate(&self.chain)], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn security(pairs: &[(&str, &str)]) -> Result<Security, BrokerError> {
    let pairs = [&[("security.protocol", "ssl")], pairs].concat();
    let owned = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Security::of(&owned.collect())
}

/// What of `why` is told of properties that are refused.
fn assert_refused(pairs: &[(&str, &str)], why: &str) {
    let Err(BrokerError::Settings(said)) = security(pairs) else {
        panic!("taken, or refused as something else: {why}");
    };
    assert!(said.contains(why), "{said}");
    assert!(
        !said.contains("BEGIN") && !said.contains("nowhere"),
        "{said}"
    );
}

/// Connects to a broker that says a word of its own and repeats what it hears.
async fn heard(security: &Security, host: &str, broker: TlsAcceptor) -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let serve = async {
        let (stream, _) = listener.accept().await?;
        let mut stream = broker.accept(stream).await?;
        stream.write_all(b"broker ").await?;
        let mut word = [0; 4];
        stream.read_exact(&mut word).await?;
        stream.write_all(&word).await?;
        stream.shutdown().await
    };
    let ask = async {
        let stream = TcpStream::connect(address).await?;
        let mut stream = security.secure(host, stream).await?;
        assert!(matches!(stream, Stream::Tls(_)) && stream.is_write_vectored());
        stream.write_all(b"door").await?;
        stream.flush().await?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await?;
        Ok(heard)
    };
    let (_served, asked) = tokio::join!(serve, ask);
    asked
}

#[tokio::test]
async fn a_broker_with_a_certificate_of_the_authority_is_spoken_with() {
    let made = Made::new();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, &made.authority).unwrap();
    for property in [
        ("ssl.ca.location", file.to_str().unwrap()),
        ("ssl.ca.pem", made.authority.as_str()),
    ] {
        let security = security(&[property]).unwrap();
        for host in ["localhost", "127.0.0.1"] {
            let heard = heard(&security, host, made.acceptor(None)).await;
            assert_eq!(heard.unwrap(), "broker door", "{host}");
        }
    }
}

#[tokio::test]
async fn a_broker_that_could_be_anybody_is_not() {
    let made = Made::new();
    let trusting = security(&[("ssl.ca.pem", &made.authority)]).unwrap();
    for (broker, host, why) in [
        (&made, "kafka.example.test", "not valid for name"),
        (&made, "127.0.0.2", "not valid for name"),
        // Its authority bears the same name.
        (&Made::new(), "localhost", "BadSignature"),
        (&made, "no host", "neither that of a host nor an address"),
    ] {
        let error = heard(&trusting, host, broker.acceptor(None)).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains(why), "{host}: {said}");
    }
}

#[tokio::test]
async fn without_an_authority_those_of_the_platform_are_trusted() {
    for pairs in [&[][..], &[("ssl.ca.location", "probe")]] {
        match security(pairs) {
            Ok(security) => {
                let acceptor = Made::new().acceptor(None);
                heard(&security, "localhost", acceptor).await.unwrap_err();
            }
            Err(why) => assert!(
                why.to_string().contains("`ssl.ca.location` is missing"),
                "{why}"
            ),
        }
    }
}

#[tokio::test]
async fn a_broker_that_asks_for_a_certificate_gets_ours() {
    let (broker, ours) = (Made::new(), Made::new());
    let trusted = ("ssl.ca.pem", broker.authority.as_str());
    let anonymous = security(&[trusted]).unwrap();
    heard(&anonymous, "localhost", broker.acceptor(Some(&ours)))
        .await
        .unwrap_err();

    let folder = TempDir::new().unwrap();
    let (chain, key) = (
        folder.path().join("chain.pem"),
        folder.path().join("key.pem"),
    );
    fs::write(&chain, &ours.chain).unwrap();
    fs::write(&key, &ours.key).unwrap();
    for own in [
        [
            ("ssl.certificate.location", chain.to_str().unwrap()),
            ("ssl.key.location", key.to_str().unwrap()),
        ],
        [
            ("ssl.certificate.pem", ours.chain.as_str()),
            ("ssl.key.pem", ours.key.as_str()),
        ],
    ] {
        let known = security(&[trusted, own[0], own[1]]).unwrap();
        let heard = heard(&known, "localhost", broker.acceptor(Some(&ours))).await;
        assert_eq!(heard.unwrap(), "broker door");
    }
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let (made, other) = (Made::new(), Made::new());
    let trusted = ("ssl.ca.pem", made.authority.as_str());
    let chain = ("ssl.certificate.pem", made.chain.as_str());
    let key = ("ssl.key.pem", made.key.as_str());
    assert_refused(
        &[("ssl.ca.location", "/nowhere")],
        "`ssl.ca.location` names a file that cannot be read",
    );
    assert_refused(&[("ssl.ca.location", "")], "`ssl.ca.location` names a file");
    assert_refused(
        &[("ssl.ca.pem", "")],
        "no certificate in PEM form can be read from `ssl.ca.pem`",
    );
    assert_refused(&[("ssl.ca.pem", &made.key)], "no certificate in PEM form");
    let cut = &made.authority[..made.authority.len() / 2];
    assert_refused(&[("ssl.ca.pem", cut)], "no certificate in PEM form");
    let strange = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_refused(
        &[("ssl.ca.pem", strange)],
        "no certificate that can be trusted",
    );
    assert_refused(
        &[trusted, ("ssl.ca.location", "/nowhere")],
        "either `ssl.ca.location` or `ssl.ca.pem`",
    );
    assert_refused(&[trusted, chain], "`ssl.key.location` is missing");
    assert_refused(&[trusted, key], "`ssl.certificate.location` is missing");
    assert_refused(
        &[trusted, chain, ("ssl.key.pem", &made.chain)],
        "no private key in PEM form",
    );
    assert_refused(
        &[trusted, chain, ("ssl.key.pem", &other.key)],
        "do not go together",
    );
    assert_refused(
        &[trusted, chain, key, ("ssl.key.location", "/nowhere")],
        "not both",
    );
}
