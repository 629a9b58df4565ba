//! The table in a SQLite file; a list is handed over as a JSON array.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, SqliteConnection, SqlitePool,
    error::DatabaseError,
    query, query_as, raw_sql,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    ALL_ACCOUNTS, ALL_CONTACTS, ALL_OWNERS, CLEAR, HEAD, HeadRow, SCHEMA, SCHEMA_VERSION, SET_HEAD,
    SET_SCHEMA, Steps, Store, pool, steps_from,
};
use crate::{
    Import,
    excerpt::{Excerpt, Head, Keys},
    import::TableName,
};

/// Only another import writes; waiting longer for it than for an answer helps nobody.
const BUSY: Duration = Duration::from_secs(5);
/// Until another has made the file.
const AGAIN: Duration = Duration::from_millis(20);
/// <https://sqlite.org/rescode.html#busy>
const SQLITE_BUSY: &str = "5";

const STEPS: Steps = ["
create table directory_schema (version integer not null) strict;
insert into directory_schema values (0);
create table directory_head (
    one integer primary key check (one = 1), version text, row_count integer not null,
    default_onboarding_queue text, fallback_queue text) strict;
insert into directory_head (one, row_count) values (1, 0);
create table directory_user (
    id text primary key, email text not null, active integer not null, locale text) strict, without rowid;
create table directory_queue (id text primary key, email text not null) strict, without rowid;
create table directory_account (
    id text primary key, number text not null unique, onboarding_queue text) strict, without rowid;
create table directory_contact (id text primary key, account_id text not null) strict, without rowid;
create table directory_owner (
    account_id text not null, position integer not null, user_id text not null,
    primary key (account_id, position)) strict, without rowid;
"];

const FIND_SCHEMA: &str = "select count(*) from sqlite_master where name = 'directory_schema'";

const CONTACTS: &str = "select id, account_id from directory_contact
    where id in (select value from json_each($1))";

const ACCOUNTS: &str = "select id, number, onboarding_queue from directory_account
    where number in (select value from json_each($1)) or id in (select value from json_each($2))";

const OWNERS: &str = "select o.account_id, o.user_id, u.active
    from directory_owner o join directory_user u on u.id = o.user_id
    where o.account_id in (select value from json_each($1))
    order by o.account_id, o.position";

const ADDRESSES: &str = "select id, email, locale from directory_user
    where active and id in (select value from json_each($1))
    union all
    select id, email, null from directory_queue where id in (select value from json_each($1))";

/// A few connections to one file.
#[derive(Debug)]
pub(crate) struct Sqlite(SqlitePool);

impl Sqlite {
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        Self(pool(BUSY).connect_lazy_with(options))
    }

    /// A connection past the pool, which would try for seconds and then say only that it took too long.
    ///
    /// Of several that make a file at once each has read its first page before one of them writes it, and SQLite then
    /// refuses the others at once, however long they would wait. For them it is there a moment later.
    async fn connect(&self) -> sqlx::Result<SqliteConnection> {
        let begun = Instant::now();
        loop {
            match self.0.connect_options().connect().await {
                Err(error) if is_busy(&error) && begun.elapsed() < BUSY => {
                    tokio::time::sleep(AGAIN).await;
                }
                done => return done,
            }
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == SQLITE_BUSY)
}

#[async_trait]
impl Store for Sqlite {
    async fn schema(&self) -> sqlx::Result<Option<i64>> {
        let mut connection = self.connect().await?;
        version(&mut connection).await
    }

    async fn migrate(&self) -> sqlx::Result<()> {
        // The lock that this takes lets one migration in at a time.
        let mut transaction = self.0.begin_with("begin immediate").await?;
        let found = version(&mut transaction).await?;
        for step in steps_from(&STEPS, found.unwrap_or(0)) {
            raw_sql(step).execute(&mut *transaction).await?;
        }
        query(SET_SCHEMA)
            .bind(i64::from(SCHEMA))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    async fn head(&self) -> sqlx::Result<Head> {
        let row: HeadRow = query_as(HEAD).fetch_one(&self.0).await?;
        Ok(row.into())
    }

    async fn all(&self) -> sqlx::Result<Excerpt> {
        let mut reading = self.0.begin().await?;
        let head: HeadRow = query_as(HEAD).fetch_one(&mut *reading).await?;
        let accounts = query_as(ALL_ACCOUNTS).fetch_all(&mut *reading).await?;
        let contacts = query_as(ALL_CONTACTS).fetch_all(&mut *reading).await?;
        let owners = query_as(ALL_OWNERS).fetch_all(&mut *reading).await?;
        reading.commit().await?;
        Ok(Excerpt::new(head.into(), accounts)
            .with_contacts(contacts)
            .with_owners(owners))
    }

    async fn some(&self, keys: &Keys<'_>) -> sqlx::Result<Excerpt> {
        let mut reading = self.0.begin().await?;
        let head: HeadRow = query_as(HEAD).fetch_one(&mut *reading).await?;
        let contacts: Vec<(String, String)> = query_as(CONTACTS)
            .bind(list(&keys.contacts))
            .fetch_all(&mut *reading)
            .await?;
        let of_contacts = contacts.iter().map(|(_, account)| account.as_str());
        let ids: Vec<&str> = keys
            .account_ids
            .iter()
            .copied()
            .chain(of_contacts)
            .collect();
        let accounts: Vec<(String, String, Option<String>)> = query_as(ACCOUNTS)
            .bind(list(&keys.numbers))
            .bind(list(&ids))
            .fetch_all(&mut *reading)
            .await?;
        let ids: Vec<&str> = accounts.iter().map(|(id, ..)| id.as_str()).collect();
        let owners = query_as(OWNERS)
            .bind(list(&ids))
            .fetch_all(&mut *reading)
            .await?;
        reading.commit().await?;
        Ok(Excerpt::new(head.into(), accounts)
            .with_contacts(contacts)
            .with_owners(owners))
    }

    async fn addresses(&self, ids: &[&str]) -> sqlx::Result<Vec<(String, String, Option<String>)>> {
        query_as(ADDRESSES).bind(list(ids)).fetch_all(&self.0).await
    }

    async fn replace(&self, import: &Import, version: &str) -> sqlx::Result<bool> {
        let mut writing = self.0.begin_with("begin immediate").await?;
        let head: HeadRow = query_as(HEAD).fetch_one(&mut *writing).await?;
        if Head::from(head).version.as_deref() == Some(version) {
            return Ok(false);
        }
        for table in CLEAR {
            query(table).execute(&mut *writing).await?;
        }
        for (table, rows) in import.rows() {
            query(insert(table))
                .bind(rows)
                .execute(&mut *writing)
                .await?;
        }
        query(SET_HEAD)
            .bind(version)
            .bind(import.row_count())
            .bind(import.default_onboarding_queue())
            .bind(import.fallback_queue())
            .execute(&mut *writing)
            .await?;
        // Up to here every reader sees the old content, and a crash leaves it; from here on every reader sees the new.
        writing.commit().await?;
        Ok(true)
    }
}

async fn version(connection: &mut SqliteConnection) -> sqlx::Result<Option<i64>> {
    let (tables,): (i64,) = query_as(FIND_SCHEMA).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(None);
    }
    let (version,): (i64,) = query_as(SCHEMA_VERSION).fetch_one(connection).await?;
    Ok(Some(version))
}

fn insert(table: TableName) -> &'static str {
    match table {
        TableName::User => {
            "insert into directory_user (id, email, active, locale)
             select value->>0, value->>1, value->>2, value->>3 from json_each($1)"
        }
        TableName::Queue => {
            "insert into directory_queue (id, email)
             select value->>0, value->>1 from json_each($1)"
        }
        TableName::Account => {
            "insert into directory_account (id, number, onboarding_queue)
             select value->>0, value->>1, value->>2 from json_each($1)"
        }
        TableName::Contact => {
            "insert into directory_contact (id, account_id)
             select value->>0, value->>1 from json_each($1)"
        }
        TableName::Owner => {
            "insert into directory_owner (account_id, position, user_id)
             select value->>0, value->>1, value->>2 from json_each($1)"
        }
    }
}

fn list(values: &[&str]) -> String {
    serde_json::Value::from(values).to_string()
}
