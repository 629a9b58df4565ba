//! A small witness that a partner can run: several logs, one SQLite file, one key. What it has cosigned is on disk before
//! anybody is told.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use sqlx::{SqlitePool, migrate::Migrator, query, query_as};
use stage::{
    Chance, Clock, Stopper,
    config::key_file::read_key,
    database::{Database, Location},
};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::{
    api,
    log::{
        key::{Kind, SigningKey, VerifierKey, is_name},
        tree::sha256,
    },
};

mod cosigning;
mod routes;
mod verdict;

/// The file of the seed of its key.
const KEY: &str = "witness.key";
/// The file of what it has seen.
const DATABASE: &str = "witness.db";
/// How the names of witnesses begin that nobody has named.
const NAME: &str = "idtrail-witness";
/// Most logs: what one small machine watches, and what bounds its file.
const MAX_KEYS: i64 = 1_000;

static TABLES: Migrator = sqlx::migrate!("migrations/witness");

/// A witness.
#[derive(Clone, Debug)]
pub struct Server {
    pool: SqlitePool,
    key: Arc<SigningKey>,
    clock: Arc<dyn Clock>,
}

impl Server {
    /// Opens the witness in this folder; makes it if there is none. Without a name it keeps the one that it has, or gets
    /// one that follows from its key.
    pub async fn open(
        folder: &Path,
        name: Option<&str>,
        chance: Chance,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let named = || folder.display().to_string();
        let mut builder = DirBuilder::new();
        let builder = builder.recursive(true).mode(0o700);
        builder.create(folder).with_context(named)?;
        let location = Location {
            url: format!("sqlite:{}", folder.join(DATABASE).display()),
            password_file: None,
        };
        let Database::Sqlite(pool) = Database::open(&location, "--data")? else {
            bail!("{}: is no folder of a witness", named());
        };
        TABLES.run(&pool).await.with_context(named)?;
        let kept: Option<(String,)> = query_as("SELECT name FROM witness")
            .fetch_optional(&pool)
            .await?;
        let kept = kept.map(|(name,)| name);
        let file = folder.join(KEY);
        // A key that is lost must not be replaced in silence: nobody would know the new one.
        if kept.is_none() {
            make_key(&file, chance).with_context(|| file.display().to_string())?;
        }
        let seed = read_key(&file).map_err(anyhow::Error::msg)?;
        let name = match (kept, name) {
            (Some(kept), Some(name)) if kept != name => {
                bail!(
                    "this witness is called `{kept}`, and its key is known by that name; leave --name out, or begin another one in a folder of its own"
                )
            }
            (Some(kept), _) => kept,
            (None, name) => begin(&pool, name, &seed).await?,
        };
        let key = SigningKey::new(&name, Kind::Witness, &seed).context("--name")?;
        Ok(Self {
            pool,
            key: Arc::new(key),
            clock,
        })
    }

    /// The line that verifies what this witness signs.
    pub fn vkey(&self) -> String {
        self.key.verifier().to_string()
    }

    /// Adds a log by its verifier key, also while the witness is at work; its origin. A log that is known stays as it is.
    pub async fn add_log(&self, vkey: &str) -> anyhow::Result<String> {
        let key = VerifierKey::parse(vkey.trim()).filter(|key| key.kind() == Kind::Log);
        let key =
            key.context("this is no verifier key of a log: `<name>+<id>+<base64>` of kind 1")?;
        let (known,): (i64,) = query_as("SELECT count(*) FROM keys")
            .fetch_one(&self.pool)
            .await?;
        if known >= MAX_KEYS {
            bail!("this witness watches {known} logs already; begin another one");
        }
        query("INSERT INTO keys (origin, vkey) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(key.name())
            .bind(key.to_string())
            .execute(&self.pool)
            .await?;
        Ok(key.name().to_owned())
    }

    /// Answers until asked to stop.
    pub async fn serve(self, listener: TcpListener, stopper: Stopper) {
        api::serve::serve(listener, routes::router(self), stopper).await;
    }
}

/// Keeps the name of a new witness.
async fn begin(pool: &SqlitePool, name: Option<&str>, seed: &[u8; 32]) -> anyhow::Result<String> {
    let name = if let Some(name) = name {
        name.to_owned()
    } else {
        let key = SigningKey::new(NAME, Kind::Witness, seed).context("the witness's key")?;
        let public = sha256(&[key.verifier().bytes()]);
        format!("{NAME}/{}", hex::encode(&public[..8]))
    };
    if !is_name(&name) {
        bail!("--name must be without spaces and without `+`");
    }
    query("INSERT INTO witness (id, name) VALUES (1, $1)")
        .bind(&name)
        .execute(pool)
        .await?;
    Ok(name)
}

/// Makes the file of the key where it is missing: 32 random bytes in hex, readable by its owner only.
fn make_key(file: &Path, chance: Chance) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut opened = match options.write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        opened => opened?,
    };
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(chance.bytes());
    let text = Zeroizing::new(format!("{}\n", hex::encode(seed.as_slice())));
    opened.write_all(text.as_bytes())?;
    opened.sync_all()?;
    // The new name must survive a power cut, too.
    let folder = file.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
