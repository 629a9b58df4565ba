//! `[audit]`: where the history and its keys are, and who may read it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use stage::{
    ConfigError,
    config::{
        key_command::{self, PATIENCE},
        key_file::read_key,
    },
    database::{Database, DatabaseError, Location},
};

use crate::{
    KEY_MIGRATIONS, MIGRATIONS,
    log::{
        key::{Kind, SigningKey, is_name},
        tree::sha256,
    },
    seal::Kek,
    signer::heads::FILE,
    stamp::{self, Stamping},
    witness::{self, Rhythm, Witness},
};

/// How often a checkpoint is signed where nothing else is set: nobody waits longer for evidence, and it costs nothing.
const CHECKPOINT_MS: u64 = 1_000;
/// What may be set: below, signing would compete with appending; above, evidence comes too late to be believed.
const CHECKPOINTS_MS: std::ops::RangeInclusive<u64> = 100..=60_000;
/// How long backups of the key database are taken to be kept where nothing else is set.
const KEY_BACKUP_DAYS: u32 = 30;
/// How often is proved that nothing was lost where nothing else is set: what is missing is known before the provider's own
/// repeats have ended.
const RECONCILE_S: u64 = 3_600;
/// What may be set: below, the log would tell of itself more than of others; above, a day would pass unproved.
const RECONCILES_S: std::ops::RangeInclusive<u64> = 60..=86_400;
/// How old a callback may be that is still on its way where nothing else is set: as long as a mail server may be away
/// without anybody being called.
const RECONCILE_GRACE_S: u64 = 3_600;
/// What may be set: below, work in hand would be called missing.
const RECONCILE_GRACES_S: std::ops::RangeInclusive<u64> = 60..=604_800;
/// How the names of logs begin that nobody has named.
const ORIGIN: &str = "idtrail";

/// The setting of the history's database.
pub(crate) const DATABASE: &str = "audit.database";
/// The setting of the head store.
pub(crate) const HEAD: &str = "audit.head";
/// The setting of the key database.
pub(crate) const KEYS: &str = "audit.keys";

/// Where the key-encryption key comes from: one of two settings.
enum KeySource<'a> {
    File(&'a Path),
    Command(&'a [String]),
}

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
    /// A program with its arguments that prints that key, instead of a file: asked of a key management service at the start,
    /// the key lies nowhere.
    pub key_command: Vec<String>,
    /// How many days backups and archived logs of the key database are kept: so long an erased key may still lie in one.
    pub key_backup_days: u32,
    /// What becomes of records that are due.
    pub retention: Job,
    /// File with the seed of the Ed25519 key that signs checkpoints: 32 bytes, or 64 hex digits. None: nothing is signed.
    pub log_key_file: Option<PathBuf>,
    /// The name of the log, which every checkpoint and its key bear; never changed once something was signed. Empty:
    /// made from the key.
    pub origin: String,
    /// Pause between two checkpoints, in milliseconds: an entry is covered after about as long.
    pub checkpoint_ms: u64,
    /// How often is proved by pointer that nothing was lost between the topics, and told in the log, in seconds.
    pub reconcile_s: u64,
    /// How old a callback may be that has not come to its end, in seconds; an older one is a violation.
    pub reconcile_grace_s: u64,
    /// The head store: `file:FILE`, or a database of its own; on another disk or machine than the history, and never
    /// restored together with it.
    pub head: Location,
    /// Who cosigns each checkpoint.
    pub witnesses: Vec<Witness>,
    /// How many of them must have cosigned a checkpoint before it is shown; 0 shows each as soon as it is signed.
    pub witness_quorum: usize,
    /// How often they are asked.
    pub witness: Rhythm,
    /// Who stamps checkpoints with the time, and how often.
    pub timestamps: Stamping,
    /// Where the audit API listens; none turns it off.
    pub listen: Option<SocketAddr>,
    /// Who may read. On loopback nobody need be named; once somebody is, nobody else may read there either.
    pub readers: Vec<Reader>,
}

/// What becomes of records whose time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// `idtrail retention` names them, and people erase them.
    #[default]
    Report,
    /// They are erased, on the word of whoever set it so.
    Erase,
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
            key_command: Vec::new(),
            key_backup_days: KEY_BACKUP_DAYS,
            retention: Job::Report,
            log_key_file: None,
            origin: String::new(),
            checkpoint_ms: CHECKPOINT_MS,
            reconcile_s: RECONCILE_S,
            reconcile_grace_s: RECONCILE_GRACE_S,
            head: Location {
                url: format!("{FILE}data/log.head"),
                password_file: None,
            },
            witnesses: Vec::new(),
            witness_quorum: 0,
            witness: Rhythm::default(),
            timestamps: Stamping::default(),
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
        if let Err(why) = self.key_source() {
            return refuse("audit.key_file", why);
        }
        if self.database.url == self.keys.url {
            return refuse(
                "audit.keys",
                "is the database of the history; keys must be erasable, and what is erased must not lie in its backups",
            );
        }
        if self.head.url == self.database.url {
            return refuse(
                HEAD,
                "is the database of the history; it must not be restored together with it",
            );
        }
        if !self.origin.is_empty() && !is_name(&self.origin) {
            return refuse("audit.origin", "must be without spaces and without `+`");
        }
        if !CHECKPOINTS_MS.contains(&self.checkpoint_ms) {
            return refuse("audit.checkpoint_ms", "must be between 100 and 60000");
        }
        if !RECONCILES_S.contains(&self.reconcile_s) {
            return refuse("audit.reconcile_s", "must be between 60 and 86400");
        }
        if !RECONCILE_GRACES_S.contains(&self.reconcile_grace_s) {
            return refuse("audit.reconcile_grace_s", "must be between 60 and 604800");
        }
        let rest = (self.witness, self.log_key_file.is_some());
        if let Some((setting, why)) = witness::wrong(&self.witnesses, self.witness_quorum, rest) {
            return refuse(setting, why);
        }
        if let Some((setting, why)) = stamp::wrong(&self.timestamps, self.log_key_file.is_some()) {
            return refuse(setting, why);
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

    /// Whether they are those of a process that seals a history.
    pub fn names_a_key(&self) -> bool {
        self.key_file.is_some() || !self.key_command.is_empty()
    }

    /// Where the key-encryption key comes from; else why that is not said.
    fn key_source(&self) -> Result<KeySource<'_>, &'static str> {
        match (&self.key_file, self.key_command.as_slice()) {
            (Some(file), []) => Ok(KeySource::File(file)),
            (None, command @ [_, ..]) => Ok(KeySource::Command(command)),
            (None, []) => Err(
                "names no file, and `audit.key_command` no program; the history cannot be sealed without a key",
            ),
            (Some(_), [_, ..]) => Err(
                "is set beside `audit.key_command`; leave out the one that the key does not come from",
            ),
        }
    }

    /// The key-encryption key.
    pub(crate) fn kek(&self) -> anyhow::Result<Kek> {
        let (setting, key) = match self.key_source() {
            Ok(KeySource::File(file)) => ("audit.key_file", read_key(file)),
            Ok(KeySource::Command(command)) => {
                ("audit.key_command", key_command::ask(command, PATIENCE))
            }
            Err(why) => anyhow::bail!("the setting `audit.key_file` {why}"),
        };
        let key = key.map_err(|why| anyhow::anyhow!("the setting `{setting}`: {why}"))?;
        Ok(Kek::new(&key))
    }

    /// The key that signs checkpoints; none where nothing is signed.
    pub(crate) fn log_key(&self) -> anyhow::Result<Option<SigningKey>> {
        let Some(file) = &self.log_key_file else {
            return Ok(None);
        };
        let setting = "the setting `audit.log_key_file`";
        let seed = read_key(file).map_err(|why| anyhow::anyhow!("{setting}: {why}"))?;
        if Kek::new(&seed).id() == self.kek()?.id() {
            anyhow::bail!("{setting} names the key that seals; each has a use of its own");
        }
        let key = |name: &str| {
            let key = SigningKey::new(name, Kind::Log, &seed);
            key.context(setting)
        };
        if !self.origin.is_empty() {
            return key(&self.origin).map(Some);
        }
        // The name follows from the key, so it is as stable, and no other log has it.
        let public = sha256(&[key(ORIGIN)?.verifier().bytes()]);
        key(&format!("{ORIGIN}/{}", hex::encode(&public[..8]))).map(Some)
    }

    /// Whether checkpoints are signed, and the newest stands in a database instead of a file.
    pub fn has_head_database(&self) -> bool {
        self.log_key_file.is_some() && !self.head.url.starts_with(FILE)
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
