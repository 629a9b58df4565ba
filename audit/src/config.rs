//! `[audit]`: where the history and its keys are, and who may read it.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use stage::{
    ConfigError,
    database::{Database, DatabaseError, Location},
};

use crate::{KEY_MIGRATIONS, MIGRATIONS, seal::Kek};

/// The setting of the history's database.
pub(crate) const DATABASE: &str = "audit.database";
/// The setting of the key database.
pub(crate) const KEYS: &str = "audit.keys";

/// `[audit]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The history: append-only.
    pub database: Location,
    /// The key database: small and erasable. Never in the history's backup chain, or an erased key comes back with it.
    pub keys: Location,
    /// File with the key-encryption key: 32 bytes, or 64 hex digits. Whoever loses it loses every body.
    pub key_file: Option<PathBuf>,
    /// Where the audit API listens; none turns it off.
    pub listen: Option<SocketAddr>,
    /// Who may read. On loopback nobody need be named; once somebody is, nobody else may read there either.
    pub readers: Vec<Reader>,
}

/// `[[audit.readers]]`: somebody who may read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reader {
    /// Who it is.
    pub name: String,
    /// File with the bearer token, 32 characters at least.
    pub token_file: PathBuf,
    /// Ids or numbers of the accounts that the reader sees; `*` for all.
    pub accounts: Vec<String>,
    /// What the reader may do besides reading checks. This release knows no such thing, so a role grants nothing.
    pub roles: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        let file = |name: &str| Location {
            url: format!("sqlite:data/{name}.db"),
            password_file: None,
        };
        Self {
            database: file("history"),
            keys: file("keys"),
            key_file: None,
            listen: None,
            readers: Vec::new(),
        }
    }
}

impl Config {
    /// Refuses what must not be started.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |setting: &str, why: &str| {
            Err(ConfigError::Unsafe {
                setting: setting.to_owned(),
                why: why.to_owned(),
            })
        };
        if self.key_file.is_none() {
            return refuse(
                "audit.key_file",
                "names no file; the history cannot be sealed without a key",
            );
        }
        if self.database.url == self.keys.url {
            return refuse(
                "audit.keys",
                "is the database of the history; keys must be erasable, and what is erased must not lie in its backups",
            );
        }
        let open = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
        if self.listen.as_ref().is_some_and(open) && self.readers.is_empty() {
            return refuse(
                "audit.listen",
                "is not loopback; name who may read in [[audit.readers]], or listen on loopback",
            );
        }
        let nameless = |reader: &Reader| {
            reader.name.is_empty() || reader.accounts.iter().any(String::is_empty)
        };
        if self.readers.iter().any(nameless) {
            return refuse("audit.readers", "a reader or an account has no name");
        }
        Ok(())
    }

    /// The key-encryption key.
    pub(crate) fn kek(&self) -> anyhow::Result<Kek> {
        let file = self.key_file.as_deref();
        let file = file.context("the setting `audit.key_file` names no file")?;
        Kek::read(file).map_err(|why| anyhow::anyhow!("the setting `audit.key_file`: {why}"))
    }

    /// Opens both databases: the history, then the keys. They must be at the version of this release.
    pub(crate) async fn open(&self) -> Result<(Database, Database), DatabaseError> {
        let history = Database::open(&self.database, DATABASE)?;
        let keys = Database::open(&self.keys, KEYS)?;
        history.check(DATABASE, &MIGRATIONS).await?;
        keys.check(KEYS, &KEY_MIGRATIONS).await?;
        Ok((history, keys))
    }
}
