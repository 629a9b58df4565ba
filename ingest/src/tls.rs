//! TLS of the door's own: 1.2 and 1.3, an RSA chain as the provider's suites need, changed without a dropped
//! connection.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use schemas::Timestamp;
use serde::{Deserialize, Serialize};
use stage::{Clock, config::ConfigError};
use tokio_rustls::TlsAcceptor;
use x509_parser::{parse_x509_certificate, public_key::PublicKey};

/// How often the files are looked at: who renews a certificate sees it in use soon after.
const LOOK: Duration = Duration::from_secs(2);
/// Below this the rest of a certificate's life is an alarm: renewal a month before has failed for two weeks.
const ALARM: Duration = Duration::from_hours(14 * 24);

/// `[door.tls]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The whole chain, own certificate first, PEM. An RSA certificate: the provider's documented suites know no other.
    pub chain_file: PathBuf,
    /// Its private key, PEM.
    pub key_file: PathBuf,
}

/// A certificate in use.
struct Loaded {
    server: Arc<ServerConfig>,
    /// When the first certificate of the chain to run out does so.
    expires: Timestamp,
    /// What the files looked like when they were read.
    seen: Seen,
}

/// Size and time of both files: enough to see that one was replaced.
type Seen = [Option<(u64, SystemTime)>; 2];

/// TLS with the newest sound certificate.
pub(crate) struct Tls {
    config: Config,
    loaded: RwLock<Loaded>,
}

impl Tls {
    /// Reads the files; the error names the file.
    pub(crate) fn open(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            loaded: RwLock::new(load(config)?),
            config: config.clone(),
        })
    }

    /// Takes a connection's handshake with the certificate that is in use now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&loaded.server))
    }

    /// Reads replaced files, and tells how long the certificate lasts, for ever. A replacement that is not sound is
    /// told of and not used.
    pub(crate) async fn follow(&self, clock: Arc<dyn Clock>) {
        let mut alarmed = false;
        loop {
            self.look();
            let left = self.left(clock.now());
            metrics::gauge!("idtrail_ingest_certificate_expires_seconds").set(left.as_secs_f64());
            if left < ALARM && !alarmed {
                let days = left.as_secs() / 86_400;
                tracing::error!(
                    days,
                    "the door's certificate runs out; replace {}",
                    self.config.chain_file.display()
                );
            }
            alarmed = left < ALARM;
            tokio::time::sleep(LOOK).await;
        }
    }

    fn look(&self) {
        let seen = seen(&self.config);
        if self
            .loaded
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .seen
            == seen
        {
            return;
        }
        match load(&self.config) {
            Ok(loaded) => {
                tracing::info!("the door's certificate was replaced");
                *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
            }
            Err(error) => {
                metrics::counter!("idtrail_ingest_certificate_refused_total").increment(1);
                tracing::error!("the door's new certificate is not used: {error}");
                self.loaded
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .seen = seen;
            }
        }
    }

    fn left(&self, now: Timestamp) -> Duration {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let micros = loaded.expires.micros().saturating_sub(now.micros()).max(0);
        Duration::from_micros(micros.unsigned_abs())
    }
}

fn seen(config: &Config) -> Seen {
    [&config.chain_file, &config.key_file].map(|file| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    })
}

fn load(config: &Config) -> Result<Loaded, ConfigError> {
    let seen = seen(config);
    let chain = CertificateDer::pem_file_iter(&config.chain_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&config.chain_file, &error.to_string()))?;
    // The error of a key never shows what stands in its file.
    let key = PrivateKeyDer::from_pem_file(&config.key_file).map_err(|_| {
        wrong(
            &config.key_file,
            "no private key in PEM form can be read from it",
        )
    })?;
    let expires = inspect(&chain).map_err(|why| wrong(&config.chain_file, &why))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong(&config.chain_file, &error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            wrong(
                &config.chain_file,
                &format!("it does not go with its key: {error}"),
            )
        })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded {
        server: Arc::new(server),
        expires,
        seen,
    })
}

/// Holds a chain against what the provider can use; when it runs out.
fn inspect(chain: &[CertificateDer<'_>]) -> Result<Timestamp, String> {
    let mut expires = i64::MAX;
    for (number, certificate) in chain.iter().enumerate() {
        let (_, read) = parse_x509_certificate(certificate)
            .map_err(|_| format!("certificate {} of it cannot be read", number + 1))?;
        expires = expires.min(read.validity().not_after.timestamp());
        if number == 0 && !matches!(read.public_key().parsed(), Ok(PublicKey::RSA(_))) {
            return Err(
                "the provider's suites need an RSA certificate, and this is none".to_owned(),
            );
        }
    }
    if chain.is_empty() {
        return Err("no certificate stands in it".to_owned());
    }
    Ok(Timestamp::from_micros(expires.saturating_mul(1_000_000)))
}

fn wrong(file: &Path, why: &str) -> ConfigError {
    ConfigError::File {
        file: file.to_owned(),
        why: why.to_owned(),
    }
}
