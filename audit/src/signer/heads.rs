//! The head store: the newest signed checkpoint, outside the history. What was signed once stands here before it is
//! shown to anybody, so that an older copy of the history cannot sign something else at the same size.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{query, query_as};
use stage::{
    Retry,
    database::{Database, DatabaseError, Location},
};

use crate::{HEAD_MIGRATIONS, config::HEAD};

/// How the URL of a file begins.
pub(crate) const FILE: &str = "file:";
/// Longest note that is read: a checkpoint with all signatures that anybody adds is far shorter.
const MAX_NOTE: u64 = 64 << 10;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// The head store.
///
/// **Atomicity**: of several that swap the same note one succeeds. **Durability**: what [`swap`](Self::swap) has
/// answered survives a power cut.
#[async_trait]
pub(crate) trait HeadStore: Send + Sync + std::fmt::Debug {
    /// The newest note; none before the first.
    async fn read(&self) -> Result<Option<String>, Retry>;

    /// Puts a note over `size` entries in the place of the expected one; false if another one stands there.
    async fn swap(&self, expected: Option<&str>, new: (u64, &str)) -> Result<bool, Retry>;
}

/// The head store that the settings name, for the log of this origin.
pub(crate) async fn open(
    location: &Location,
    origin: &str,
) -> Result<Arc<dyn HeadStore>, DatabaseError> {
    if let Some(file) = location.url.strip_prefix(FILE) {
        return Ok(Arc::new(InFile(PathBuf::from(file))));
    }
    let database = Database::open(location, HEAD)?;
    database.check(HEAD, &HEAD_MIGRATIONS).await?;
    let origin = origin.to_owned();
    Ok(Arc::new(InDatabase { database, origin }))
}

/// One file that holds the note, replaced as a whole.
#[derive(Clone, Debug)]
pub(crate) struct InFile(pub(crate) PathBuf);

#[async_trait]
impl HeadStore for InFile {
    async fn read(&self) -> Result<Option<String>, Retry> {
        let this = self.clone();
        this.apart(|file| read(&file.0)).await
    }

    async fn swap(&self, expected: Option<&str>, (_, new): (u64, &str)) -> Result<bool, Retry> {
        let (expected, new) = (expected.map(str::to_owned), new.to_owned());
        let this = self.clone();
        this.apart(move |file| swap(&file.0, expected.as_deref(), &new))
            .await
    }
}

impl InFile {
    /// Files may be slow, so they are waited for elsewhere.
    async fn apart<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Retry> {
        let name = self.0.display().to_string();
        let done = tokio::task::spawn_blocking(move || work(&self)).await;
        let done = done.unwrap_or_else(|error| Err(io::Error::other(error)));
        done.map_err(|error| Retry::because(format!("the head store {name}: {error}")))
    }
}

fn read(file: &Path) -> io::Result<Option<String>> {
    let opened = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut note = String::new();
    opened.take(MAX_NOTE).read_to_string(&mut note)?;
    Ok(Some(note))
}

fn swap(file: &Path, expected: Option<&str>, new: &str) -> io::Result<bool> {
    let beside = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    // Held until it is dropped; the file itself is replaced, so it cannot carry the lock.
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(beside(".lock"))?;
    lock.lock()?;
    if read(file)?.as_deref() != expected {
        return Ok(false);
    }
    let next = beside(".new");
    let mut options = OpenOptions::new();
    let mut written = options
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&next)?;
    written.write_all(new.as_bytes())?;
    written.sync_all()?;
    std::fs::rename(&next, file)?;
    // The new name must survive a power cut, too.
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(true)
}

/// A table in another database.
#[derive(Debug)]
struct InDatabase {
    database: Database,
    origin: String,
}

const READ: &str = "SELECT note FROM heads WHERE origin = $1";
const FIRST: &str = "INSERT INTO heads (origin, size, note) SELECT $1, $2, $3
    WHERE NOT EXISTS (SELECT 1 FROM heads WHERE origin = $1)";
const NEXT: &str = "UPDATE heads SET size = $2, note = $3 WHERE origin = $1 AND note = $4";

#[async_trait]
impl HeadStore for InDatabase {
    async fn read(&self) -> Result<Option<String>, Retry> {
        let note: Option<(String,)> = match &self.database {
            Database::Sqlite(pool) => {
                within(query_as(READ).bind(&self.origin).fetch_optional(pool)).await
            }
            Database::Postgres(pool) => {
                within(query_as(READ).bind(&self.origin).fetch_optional(pool)).await
            }
        }?;
        Ok(note.map(|(note,)| note))
    }

    async fn swap(&self, expected: Option<&str>, (size, new): (u64, &str)) -> Result<bool, Retry> {
        let size = crate::store::signed(size);
        let sql = if expected.is_some() { NEXT } else { FIRST };
        macro_rules! done {
            ($pool:expr) => {{
                let mut asked = query(sql).bind(&self.origin).bind(size).bind(new);
                if let Some(expected) = expected {
                    asked = asked.bind(expected);
                }
                within(asked.execute($pool))
                    .await
                    .map(|done| done.rows_affected())
            }};
        }
        let rows = match &self.database {
            Database::Sqlite(pool) => done!(pool),
            Database::Postgres(pool) => done!(pool),
        };
        Ok(rows? == 1)
    }
}

/// What the store answers, if it does in time: what it does is read or write one row, and who has vanished never answers.
async fn within<T>(answer: impl Future<Output = sqlx::Result<T>>) -> Result<T, Retry> {
    let answer = tokio::time::timeout(ANSWER, answer).await;
    let answer = answer
        .map_err(|_| Retry::because(format!("the head store does not answer within {ANSWER:?}")))?;
    answer.map_err(|error| Retry::because(format!("the head store does not answer: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_says_nothing_is_not_waited_for_without_an_end() {
        let answer = tokio::time::timeout(
            2 * ANSWER,
            within(std::future::pending::<sqlx::Result<()>>()),
        );
        let said = answer
            .await
            .expect("it has an end")
            .unwrap_err()
            .to_string();
        assert_eq!(said, "the head store does not answer within 10s");
    }
}
