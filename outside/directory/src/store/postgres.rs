//! The table in a PostgreSQL database; a list is handed over as an array.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, PgConnection, PgPool, Postgres as Pg, Transaction, postgres::PgConnectOptions,
    query, query_as, raw_sql,
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

/// A server that is up accepts within a second; the caller tries again anyway.
const CONNECT: Duration = Duration::from_secs(5);

/// Each statement would otherwise see another state of the database.
const READING: &str = "begin isolation level repeatable read read only";

/// Two that migrate at once would both find no tables. The number is "directry" in ASCII.
const LOCK: &str = "select pg_advisory_xact_lock(7235440056133251705)";

const STEPS: Steps = ["
create table directory_schema (version bigint not null);
insert into directory_schema values (0);
create table directory_head (
    one integer primary key check (one = 1), version text, row_count bigint not null,
    default_onboarding_queue text, fallback_queue text);
insert into directory_head (one, row_count) values (1, 0);
create table directory_user (id text primary key, email text not null, active boolean not null, locale text);
create table directory_queue (id text primary key, email text not null);
create table directory_account (id text primary key, number text not null unique, onboarding_queue text);
create table directory_contact (id text primary key, account_id text not null);
create table directory_owner (
    account_id text not null, position integer not null, user_id text not null,
    primary key (account_id, position));
"];

const FIND_SCHEMA: &str = "select to_regclass('directory_schema') is not null";

const CONTACTS: &str = "select id, account_id from directory_contact where id = any($1)";

const ACCOUNTS: &str = "select id, number, onboarding_queue from directory_account
    where number = any($1) or id = any($2)";

const OWNERS: &str = "select o.account_id, o.user_id, u.active
    from directory_owner o join directory_user u on u.id = o.user_id
    where o.account_id = any($1)
    order by o.account_id, o.position";

const ADDRESSES: &str = "select id, email, locale from directory_user where active and id = any($1)
    union all
    select id, email, null from directory_queue where id = any($1)";

/// A few connections to one database.
#[derive(Debug)]
pub(crate) struct Postgres(PgPool);

impl Postgres {
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self(pool(CONNECT).connect_lazy_with(options.application_name("idtrail directory")))
    }

    async fn reading(&self) -> sqlx::Result<Transaction<'static, Pg>> {
        self.0.begin_with(READING).await
    }
}

#[async_trait]
impl Store for Postgres {
    async fn schema(&self) -> sqlx::Result<Option<i64>> {
        // Past the pool, which would try for seconds and then say only that it took too long.
        let mut connection = self.0.connect_options().connect().await?;
        version(&mut connection).await
    }

    async fn migrate(&self) -> sqlx::Result<()> {
        let mut transaction = self.0.begin().await?;
        query(LOCK).execute(&mut *transaction).await?;
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
        let mut reading = self.reading().await?;
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
        let mut reading = self.reading().await?;
        let head: HeadRow = query_as(HEAD).fetch_one(&mut *reading).await?;
        let contacts: Vec<(String, String)> = query_as(CONTACTS)
            .bind(&keys.contacts)
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
            .bind(&keys.numbers)
            .bind(ids)
            .fetch_all(&mut *reading)
            .await?;
        let ids: Vec<&str> = accounts.iter().map(|(id, ..)| id.as_str()).collect();
        let owners = query_as(OWNERS).bind(ids).fetch_all(&mut *reading).await?;
        reading.commit().await?;
        Ok(Excerpt::new(head.into(), accounts)
            .with_contacts(contacts)
            .with_owners(owners))
    }

    async fn addresses(&self, ids: &[&str]) -> sqlx::Result<Vec<(String, String, Option<String>)>> {
        query_as(ADDRESSES).bind(ids).fetch_all(&self.0).await
    }

    async fn replace(&self, import: &Import, version: &str) -> sqlx::Result<bool> {
        let mut writing = self.0.begin().await?;
        // The row's lock lets one import in at a time.
        let (before,): (Option<String>,) =
            query_as("select version from directory_head for update")
                .fetch_one(&mut *writing)
                .await?;
        if before.as_deref() == Some(version) {
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

async fn version(connection: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    let (found,): (bool,) = query_as(FIND_SCHEMA).fetch_one(&mut *connection).await?;
    if !found {
        return Ok(None);
    }
    let (version,): (i64,) = query_as(SCHEMA_VERSION).fetch_one(connection).await?;
    Ok(Some(version))
}

fn insert(table: TableName) -> &'static str {
    match table {
        TableName::User => {
            "insert into directory_user (id, email, active, locale)
             select r->>0, r->>1, (r->>2)::boolean, r->>3 from json_array_elements($1::json) r"
        }
        TableName::Queue => {
            "insert into directory_queue (id, email)
             select r->>0, r->>1 from json_array_elements($1::json) r"
        }
        TableName::Account => {
            "insert into directory_account (id, number, onboarding_queue)
             select r->>0, r->>1, r->>2 from json_array_elements($1::json) r"
        }
        TableName::Contact => {
            "insert into directory_contact (id, account_id)
             select r->>0, r->>1 from json_array_elements($1::json) r"
        }
        TableName::Owner => {
            "insert into directory_owner (account_id, position, user_id)
             select r->>0, (r->>1)::integer, r->>2 from json_array_elements($1::json) r"
        }
    }
}
