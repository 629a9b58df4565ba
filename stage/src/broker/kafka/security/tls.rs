//! TLS to a broker: 1.2 and 1.3, the broker always verified, and a certificate of our own where it asks for one.

use std::{io::ErrorKind, sync::Arc};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::{
    BrokerError,
    properties::{Properties, both, missing, wrong},
};

/// Whom we trust, who we are and how we prove it: each by the name of a file, or as text.
const AUTHORITIES: [&str; 2] = ["ssl.ca.location", "ssl.ca.pem"];
const CHAIN: [&str; 2] = ["ssl.certificate.location", "ssl.certificate.pem"];
const KEY: [&str; 2] = ["ssl.key.location", "ssl.key.pem"];

/// What asks librdkafka to look for the platform's roots.
const PROBE: &str = "probe";

/// What begins TLS on a connection.
pub(super) fn connector(properties: &Properties<'_>) -> Result<TlsConnector, BrokerError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong(&format!("TLS cannot be had: {error}")))?;
    let trusting = trusting(builder, properties)?;
    let config = match (given(properties, CHAIN)?, given(properties, KEY)?) {
        (None, None) => trusting.with_no_client_auth(),
        (Some(chain), Some(key)) => {
            let (of_chain, of_key) = (chain.property, key.property);
            trusting
                .with_client_auth_cert(chain.certificates()?, key.private()?)
                .map_err(|error| {
                    wrong(&format!(
                        "`{of_key}` and `{of_chain}` do not go together: {error}"
                    ))
                })?
        }
        (Some(chain), None) => {
            let why = format!("`{}` is of no use without its key", chain.property);
            return Err(missing(KEY[0], &why));
        }
        (None, Some(key)) => {
            let why = format!("`{}` is of no use without its certificate", key.property);
            return Err(missing(CHAIN[0], &why));
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Trusts the authorities that the properties name and no other, or else those of the platform.
fn trusting(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    properties: &Properties<'_>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, BrokerError> {
    let authorities = match properties.get(AUTHORITIES[0]) {
        Some(PROBE) => None,
        _ => given(properties, AUTHORITIES)?,
    };
    let Some(authorities) = authorities else {
        return builder.with_platform_verifier().map_err(|error| {
            let why = format!("the platform's certificates cannot be had ({error})");
            missing(AUTHORITIES[0], &why)
        });
    };
    let mut roots = RootCertStore::empty();
    let (_, strange) = roots.add_parsable_certificates(authorities.certificates()?);
    let property = authorities.property;
    if roots.is_empty() {
        return Err(wrong(&format!(
            "`{property}` holds no certificate that can be trusted"
        )));
    }
    if strange > 0 {
        tracing::warn!(
            strange,
            "certificates of `{property}` cannot be read and are not trusted"
        );
    }
    Ok(builder.with_root_certificates(roots))
}

/// PEM, and the property that gave it. It may be a key.
struct Pem {
    property: &'static str,
    bytes: Zeroizing<Vec<u8>>,
}

/// What stands in a file that a property names, or in the property itself.
fn given(
    properties: &Properties<'_>,
    names: [&'static str; 2],
) -> Result<Option<Pem>, BrokerError> {
    let [by_file, by_text] = names;
    let (property, bytes) = match (properties.get(by_file), properties.get(by_text)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(both(names)),
        (Some(file), None) => (
            by_file,
            std::fs::read(file).map_err(|error| unread(by_file, error.kind()))?,
        ),
        (None, Some(text)) => (by_text, text.as_bytes().to_vec()),
    };
    let bytes = Zeroizing::new(bytes);
    Ok(Some(Pem { property, bytes }))
}

fn unread(property: &str, why: ErrorKind) -> BrokerError {
    wrong(&format!(
        "`{property}` names a file that cannot be read: {why}"
    ))
}

// The errors of the parser show what they stumble over, which may be a key.
impl Pem {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, BrokerError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        let found = read.ok().filter(|found| !found.is_empty());
        found.ok_or_else(|| {
            wrong(&format!(
                "no certificate in PEM form can be read from `{}`",
                self.property
            ))
        })
    }

    fn private(&self) -> Result<PrivateKeyDer<'static>, BrokerError> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|_| {
            wrong(&format!(
                "no private key in PEM form, and without a password, can be read from `{}`",
                self.property
            ))
        })
    }
}

#[cfg(test)]
mod tests;
