//! Who leads: of several processes one works on a database.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool,
    postgres::PgConnectOptions,
};
use tokio::{sync::Mutex, time::timeout};

use super::{Database, session};
use crate::Retry;

/// How long a word about it may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Which of several processes works on a database: the one that holds its advisory lock.
#[derive(Debug)]
pub enum Lead {
    /// A file has one process, which holds the lock of the data folder.
    Alone,
    /// The lock lives as long as its connection.
    Locked {
        /// The lock's number, derived from the stage's name.
        key: i64,
        /// How to connect.
        options: Box<PgConnectOptions>,
        /// The connection that holds the lock, once it does.
        holder: Mutex<Option<PgConnection>>,
    },
}

impl Lead {
    /// Leadership of `name` on this database.
    pub fn of(database: &Database, name: &str) -> Self {
        match database {
            Database::Sqlite(_) => Self::Alone,
            Database::Postgres(pool) => Self::Locked {
                key: name.bytes().fold(0x001d_7a11, |key: i64, byte| {
                    key.wrapping_mul(31).wrapping_add(i64::from(byte))
                }),
                options: Box::new(PgPool::connect_options(pool).as_ref().clone()),
                holder: Mutex::new(None),
            },
        }
    }

    /// Whether this process leads; becomes the leader if nobody is.
    ///
    /// Asked with a limit of its own: not through one of the [`Ways`](super::Ways), so that it tells best what is wrong.
    pub async fn holds(&self) -> Result<bool, Retry> {
        let Self::Locked {
            key,
            options,
            holder,
        } = self
        else {
            return Ok(true);
        };
        let mut holder = holder.lock().await;
        if let Some(connection) = holder.as_mut() {
            if matches!(timeout(ANSWER, connection.ping()).await, Ok(Ok(()))) {
                return Ok(true);
            }
            *holder = None;
        }
        let Ok(locked) = timeout(ANSWER, lock(options, *key)).await else {
            return Err(Retry::because(format!(
                "the database does not answer within {ANSWER:?}"
            )));
        };
        let locked = locked
            .map_err(|error| Retry::because(format!("the database is not available: {error}")))?;
        *holder = locked;
        Ok(holder.is_some())
    }
}

/// A connection that holds the lock; none if another one does.
async fn lock(options: &PgConnectOptions, key: i64) -> sqlx::Result<Option<PgConnection>> {
    let mut connection = options.connect().await?;
    connection.execute(AssertSqlSafe(session())).await?;
    let (won,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
        .bind(key)
        .fetch_one(&mut connection)
        .await?;
    Ok(won.then_some(connection))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::database::Location;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_not_waited_for_without_an_end() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let location = Location {
            url: format!("postgres://user@{address}/some"),
            password_file: None,
        };
        let database = Database::open(&location, "a.database").unwrap();
        let lead = Lead::of(&database, "history");
        let answer = timeout(2 * ANSWER, lead.holds()).await;
        let said = answer.expect("it has an end").unwrap_err().to_string();
        assert_eq!(said, "the database does not answer within 10s");
    }
}
