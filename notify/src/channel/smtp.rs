//! Mail by SMTP: what each of a server's refusals means for a notice.
//!
//! The library's connection is used, its pool is not: a sending that is dropped half-way (a time-out, a
//! stop) goes back into that pool in the middle of its dialogue, and what is said next would be taken for
//! its text. Here a connection is kept only after a message was taken whole.

use std::{
    error::Error as _,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
    extension::ClientId,
    response::{Code, Response},
};
use tokio::time::Instant;

use super::{Channel, Letter, SendError, message::Writer};
use crate::{
    alert::Failing,
    config::{Smtp as Settings, Tls},
    sender::CONCURRENT,
};

/// The channel's name.
pub(crate) const NAME: &str = "smtp";

/// RFC 5321 §4.5.3.2.7 lets a server hang up after 5 minutes; most do much earlier.
const IDLE: Duration = Duration::from_secs(30);

/// A mail server.
pub(crate) struct Smtp {
    settings: Settings,
    writer: Writer,
    /// Connections that wait for the next message, and since when.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({})", self.settings.host)
    }
}

#[async_trait]
impl Channel for Smtp {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn send(&self, letter: &Letter) -> Result<Option<String>, SendError> {
        let bound = Duration::from_secs(self.settings.timeout_seconds);
        // The library has no time-out but that of connecting.
        match tokio::time::timeout(bound, self.attempt(letter)).await {
            Ok(done) => done.map(Some),
            Err(_) => Err(SendError::Later(format!(
                "no answer within {} s",
                bound.as_secs()
            ))),
        }
    }
}

impl Smtp {
    pub(crate) fn new(settings: Settings, writer: Writer) -> Self {
        Self {
            settings,
            writer,
            idle: Mutex::default(),
        }
    }

    /// Whether the server can be reached and takes our login.
    pub(crate) async fn probe(&self) -> Result<(), SendError> {
        let bound = Duration::from_secs(self.settings.timeout_seconds);
        let connected = tokio::time::timeout(bound, self.connect()).await;
        let silent = |_| SendError::Later(format!("no answer within {} s", bound.as_secs()));
        connected.map_err(silent)??.abort().await;
        Ok(())
    }

    async fn attempt(&self, letter: &Letter) -> Result<String, SendError> {
        let message = self.writer.write(letter)?;
        let mut connection = match self.reuse().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let taken = connection
            .send(message.envelope(), &message.formatted())
            .await;
        match taken {
            Ok(response) => {
                self.keep(connection);
                tracing::debug!(notification.id = %letter.id, code = %code_of(&response), "mail was taken");
                Ok(self.writer.message_id(letter))
            }
            Err(error) => {
                // Bounded by the caller's time-out like everything here.
                connection.abort().await;
                Err(of_message(&error))
            }
        }
    }

    async fn reuse(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle().pop()?;
            if since.elapsed() < IDLE && connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle();
        if idle.len() < CONCURRENT {
            idle.push((connection, Instant::now()));
        }
    }

    /// Connects and logs in. Files are read each time, so that a mended password needs no restart.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let settings = &self.settings;
        let tls = match settings.tls {
            Tls::None => None,
            Tls::Implicit | Tls::Starttls => Some(parameters(settings)?),
        };
        let credentials = credentials(settings)?;
        let (wrapper, starttls) = match settings.tls {
            Tls::Starttls => (None, tls),
            Tls::Implicit | Tls::None => (tls, None),
        };
        let port = settings.port.unwrap_or(match settings.tls {
            Tls::Implicit => 465,
            Tls::Starttls => 587,
            Tls::None => 25,
        });
        let hello = ClientId::Domain(self.writer.domain.clone());
        let bound = Some(Duration::from_secs(settings.timeout_seconds));
        let server = (settings.host.as_str(), port);
        let connected = async {
            let mut connection =
                AsyncSmtpConnection::connect_tokio1(server, bound, &hello, wrapper, None).await?;
            if let Some(parameters) = starttls {
                // An error where the server does not offer it: nothing goes out in the clear.
                connection.starttls(parameters, &hello).await?;
            }
            if let Some(credentials) = &credentials {
                connection.auth(DEFAULT_MECHANISMS, credentials).await?;
            }
            Ok(connection)
        };
        connected.await.map_err(|error| of_connection(&error))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        // Only whole entries are moved, so a poisoned list is still whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parameters(settings: &Settings) -> Result<TlsParameters, SendError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca_file {
        let text = read(file, "notify.smtp.ca_file")?;
        let authority = Certificate::from_pem(text.as_bytes()).map_err(|_| {
            SendError::Stopped("the file of `notify.smtp.ca_file` holds no certificate".to_owned())
        })?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority);
    }
    builder
        .build()
        .map_err(|_| SendError::Stopped("TLS cannot be set up with these settings".to_owned()))
}

fn credentials(settings: &Settings) -> Result<Option<Credentials>, SendError> {
    let (Some(username), Some(file)) = (&settings.username, &settings.password_file) else {
        return Ok(None);
    };
    let password = read(file, "notify.smtp.password_file")?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Some(Credentials::new(username.clone(), password)))
}

fn read(file: &Path, setting: &str) -> Result<String, SendError> {
    std::fs::read_to_string(file).map_err(|error| {
        SendError::Stopped(format!(
            "the file of `{setting}` cannot be read: {}",
            error.kind()
        ))
    })
}

/// What went wrong before any letter was shown: a server that is away passes; one that refuses our login
/// or shows a foreign certificate is a matter of settings.
fn of_connection(error: &Error) -> SendError {
    if let Some(code) = error.status() {
        if error.is_permanent() {
            return SendError::Stopped(format!("the mail server refuses us: {code}"));
        }
        return SendError::Later(format!("the mail server is not ready: {code}"));
    }
    if error.is_client() || error.is_tls() {
        let why = "the mail server offers no TLS or no login that we can use";
        return SendError::Stopped(why.to_owned());
    }
    if is_bad_certificate(error) {
        let why = "the mail server's certificate is not one to be trusted";
        return SendError::Stopped(why.to_owned());
    }
    SendError::Later("the mail server cannot be reached".to_owned())
}

/// What went wrong while a letter was shown.
fn of_message(error: &Error) -> SendError {
    let Some(code) = error.status() else {
        if error.is_client() {
            return SendError::Never {
                failing: Failing::BadAddress,
                why: "the server cannot take such an address".to_owned(),
            };
        }
        return SendError::Later("the connection was lost".to_owned());
    };
    let text = code.to_string();
    // RFC 4954 §6: these are about the login, not about the letter.
    if matches!(text.as_str(), "530" | "534" | "535" | "538") {
        return SendError::Stopped(format!("the mail server refuses us: {code}"));
    }
    if error.is_permanent() {
        return SendError::Never {
            failing: Failing::Refused,
            why: format!("the mail server said {code}"),
        };
    }
    SendError::Later(format!("the mail server said {code}"))
}

/// A failed handshake comes as "invalid data" from below TLS; an unreachable server never does.
fn is_bad_certificate(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::InvalidData;
        }
        cause = inner.source();
    }
    false
}

fn code_of(response: &Response) -> Code {
    response.code()
}
