//! The settings of `notify`, and which of them are refused.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};
use stage::{ConfigError, database::Location};

/// More tries than this, or longer pauses, are a slip of the pen.
const TRIES_MAX: usize = 32;
const PAUSE_MAX: u64 = 7 * 86_400;
/// RFC 1035 §2.3.4.
const DOMAIN_MAX: usize = 253;
/// Immediately, 5 s, 1 min, 5 min, 30 min, 2 h, 5 h, 10 h: a server that is down overnight is outlasted.
const RETRY_SECONDS: [u64; 8] = [0, 5, 60, 300, 1_800, 7_200, 18_000, 36_000];

/// The settings of `notify`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the outbox and what was told are kept.
    pub database: Location,
    /// How people are told.
    pub channel: ChannelKind,
    /// The folder of the `maildir` channel; made if it is not there.
    pub maildir: Option<PathBuf>,
    /// The server of the `smtp` channel.
    pub smtp: Smtp,
    /// The domain of `Message-ID`s: one that this installation owns, and that never changes.
    pub domain: String,
    /// Who hears of troubles: the id of a user or queue in the directory.
    pub admins: String,
    /// The pause before each try; after the last one a notice is given up. Each varies by a tenth.
    pub retry_seconds: Vec<u64>,
    /// After an alert, how long others of its kind are only counted.
    pub alert_window_seconds: u64,
}

/// How people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// E-mail.
    Smtp,
    /// Files in a maildir, which any mail program reads; for a machine without a mail server.
    Maildir,
    /// Nobody is told; for measuring.
    Discard,
}

/// The mail server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// Its name, which its certificate must bear.
    pub host: String,
    /// 465 or 587 by `tls`, where nothing else is said.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub tls: Tls,
    /// The login; none where the server takes mail without.
    pub username: Option<String>,
    /// The file that holds its password.
    pub password_file: Option<PathBuf>,
    /// The only authority that may have signed the server's certificate; else those of the machine.
    pub ca_file: Option<PathBuf>,
    /// The sender; `idtrail@<domain>` where nothing else is said. Also that of the `maildir` channel.
    pub from: Option<String>,
    /// How long one message may take.
    pub timeout_seconds: u64,
}

/// How a connection is protected. That TLS be used only if the server offers it cannot be said: whoever
/// stands between would simply not offer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS from the first byte, port 465.
    Implicit,
    /// `STARTTLS`, required, port 587.
    Starttls,
    /// None; to this machine only, and not in production.
    None,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: Location {
                url: "sqlite:data/notify.db".to_owned(),
                password_file: None,
            },
            channel: ChannelKind::Maildir,
            maildir: Some(PathBuf::from("data/mail")),
            smtp: Smtp::default(),
            domain: "localhost".to_owned(),
            admins: "q-admins".to_owned(),
            retry_seconds: RETRY_SECONDS.to_vec(),
            alert_window_seconds: 3_600,
        }
    }
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: None,
            tls: Tls::Starttls,
            username: None,
            password_file: None,
            ca_file: None,
            from: None,
            // A server that checks what it takes may need several seconds; more than this is a server that hangs.
            timeout_seconds: 30,
        }
    }
}

impl Config {
    /// Refuses settings that cannot work, and in production those that are not safe.
    pub fn check(&self, production: bool) -> Result<(), ConfigError> {
        require(
            is_domain(&self.domain),
            "domain",
            "is no domain, such as `mail.example.com`",
        )?;
        let id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        require(
            (1..=64).contains(&self.admins.len()) && self.admins.bytes().all(id),
            "admins",
            "is no id of a user or queue",
        )?;
        let pauses = &self.retry_seconds;
        require(
            (1..=TRIES_MAX).contains(&pauses.len()) && pauses.iter().all(|one| *one <= PAUSE_MAX),
            "retry_seconds",
            "needs 1 to 32 pauses of at most a week",
        )?;
        require(
            (1..=PAUSE_MAX).contains(&self.alert_window_seconds),
            "alert_window_seconds",
            "is not between a second and a week",
        )?;
        require(self.from().is_some(), "smtp.from", "is no mail address")?;
        match self.channel {
            ChannelKind::Smtp => self.smtp.check(production),
            ChannelKind::Maildir => require(
                self.maildir.is_some(),
                "maildir",
                "is needed by the channel `maildir`",
            ),
            ChannelKind::Discard => require_safe(
                !production,
                "channel",
                "`discard` tells nobody, which production must not",
            ),
        }
    }

    /// The sender of mail; none where the setting is no address.
    pub(crate) fn from(&self) -> Option<Mailbox> {
        let default = format!("idtrail@{}", self.domain);
        let from = self.smtp.from.as_ref().unwrap_or(&default);
        let plain = !from.chars().any(char::is_control);
        plain.then(|| from.parse().ok()).flatten()
    }

    /// The pauses before each try.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.retry_seconds
            .iter()
            .map(|seconds| Duration::from_secs(*seconds))
            .collect()
    }
}

impl Smtp {
    fn check(&self, production: bool) -> Result<(), ConfigError> {
        require(
            is_domain(&self.host) || self.host.parse::<IpAddr>().is_ok(),
            "smtp.host",
            "is needed by the channel `smtp`: the mail server's name",
        )?;
        require_safe(
            self.tls != Tls::None || (self.is_loopback() && !production),
            "smtp.tls",
            "may be `none` to this machine only, and not in production",
        )?;
        require(
            self.username.is_some() == self.password_file.is_some(),
            "smtp.password_file",
            "and `smtp.username` belong together",
        )?;
        require(
            (1..=600).contains(&self.timeout_seconds),
            "smtp.timeout_seconds",
            "is not between 1 and 600",
        )
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

fn require(holds: bool, setting: &str, why: &str) -> Result<(), ConfigError> {
    holds.then_some(()).ok_or_else(|| ConfigError::Section {
        section: "notify".to_owned(),
        why: format!("`{setting}` {why}"),
    })
}

fn require_safe(holds: bool, setting: &str, why: &str) -> Result<(), ConfigError> {
    holds.then_some(()).ok_or_else(|| ConfigError::Unsafe {
        setting: format!("notify.{setting}"),
        why: why.to_owned(),
    })
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= DOMAIN_MAX && text.split('.').all(label)
}

#[cfg(test)]
mod tests;
