//! SQLite files that several processes may open, and make, at once.

use std::time::{Duration, Instant};

use sqlx::{
    ConnectOptions as _, SqliteConnection, SqlitePool,
    error::DatabaseError,
    migrate::{MigrateError, Migrator},
    sqlite::SqliteConnectOptions,
};

use super::CONNECT;

/// Until another has made the file.
const AGAIN: Duration = Duration::from_millis(20);
/// <https://sqlite.org/rescode.html#busy>
const SQLITE_BUSY: &str = "5";

/// Opens a file, and makes it if the options say so.
///
/// Of several that make a file at once each has read its first page before one of them writes it, and SQLite then refuses
/// the others at once, however long they would wait. For them it is there a moment later; that is waited for, 5 s at most.
pub(crate) async fn connect(options: &SqliteConnectOptions) -> sqlx::Result<SqliteConnection> {
    let begun = Instant::now();
    loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && begun.elapsed() < CONNECT => {
                tokio::time::sleep(AGAIN).await;
            }
            done => return done,
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == SQLITE_BUSY)
}

/// Makes or upgrades the tables, all of it or nothing. Of several that do it at once one does, and the others find it done;
/// the migrator alone has no lock for files.
pub(super) async fn migrate(pool: &SqlitePool, migrator: &Migrator) -> Result<(), MigrateError> {
    // Its mode is set before the pool comes to it, and stays.
    let _made = connect(&pool.connect_options()).await?;
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    migrator.run(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}
