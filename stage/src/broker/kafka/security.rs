//! How the door's connections to Kafka are made safe, as librdkafka's properties of the same names say.
//!
//! Knows no client of Kafka: who connects hands over the stream, and carries what the login says.

use std::{collections::BTreeMap, io};

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use self::properties::Properties;
use super::BrokerError;

mod login;
mod properties;
mod scram;
mod stream;
mod tls;

pub(super) use self::{login::Login, stream::Stream};

/// What `security.protocol` may say: whether there is TLS, and whether there is a login.
const PROTOCOLS: [(&str, bool, bool); 4] = [
    ("PLAINTEXT", false, false),
    ("SSL", true, false),
    ("SASL_PLAINTEXT", false, true),
    ("SASL_SSL", true, true),
];

/// How a connection to Kafka is made safe.
#[derive(Clone)]
pub(super) struct Security {
    tls: Option<TlsConnector>,
    login: Option<Login>,
}

// The login holds a password.
impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security")
            .field("tls", &self.tls.is_some())
            .field("login", &self.login)
            .finish()
    }
}

impl Security {
    /// Reads what the properties say, and the files that they name. The error names a property, never its value.
    pub(super) fn of(properties: &BTreeMap<String, String>) -> Result<Self, BrokerError> {
        let properties = Properties::of(properties)?;
        let said = properties.get("security.protocol").unwrap_or("PLAINTEXT");
        let protocol = PROTOCOLS
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(said));
        let Some((_, is_tls, has_login)) = protocol else {
            let known = PROTOCOLS.map(|(name, ..)| name).join(", ");
            return Err(BrokerError::Settings(format!(
                "`security.protocol` must be one of {known}"
            )));
        };
        let tls = is_tls.then(|| tls::connector(&properties)).transpose()?;
        let login = has_login.then(|| Login::of(&properties)).transpose()?;
        Ok(Self { tls, login })
    }

    /// Makes a connected stream safe: it stays as it is, or TLS is begun with a broker that is proved to be `host`.
    /// How long that may take, the caller says.
    pub(super) async fn secure(&self, host: &str, stream: TcpStream) -> io::Result<Stream> {
        let Some(tls) = &self.tls else {
            return Ok(Stream::Plain(stream));
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            let why = "a broker's name is neither that of a host nor an address, so no certificate can be for it";
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })?;
        Ok(Stream::Tls(Box::new(tls.connect(name, stream).await?)))
    }

    /// What the broker asks for before all else; none where it asks for no login.
    pub(super) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }
}

#[cfg(test)]
mod tests;
