//! What is decided about clients, as it stands in the key database.

use schemas::Timestamp;
use sqlx::{query, query_as};
use stage::{Retry, database::Database};
use uuid::Uuid;

use super::{Erasure, ErasureError, State};
use crate::{keys::unready, seal::Blind};

/// Requests that a list shows, the newest.
const LISTED: i64 = 1_000;

mod deeds;

/// One transaction, in which nobody else decides, and no key is added. An error undoes it.
macro_rules! within {
    ($database:expr, |$tx:ident| $work:block) => {
        match $database {
            Database::Sqlite(pool) => {
                let mut $tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(unready)?;
                // What is deleted is overwritten.
                sqlx::query("PRAGMA secure_delete = ON")
                    .execute(&mut *$tx)
                    .await
                    .map_err(unready)?;
                let done = async { $work }.await;
                if done.is_ok() {
                    $tx.commit().await.map_err(unready)?;
                }
                done
            }
            Database::Postgres(pool) => {
                let mut $tx = pool.begin().await.map_err(unready)?;
                sqlx::query("LOCK TABLE data_keys, subjects, erasures IN SHARE ROW EXCLUSIVE MODE")
                    .execute(&mut *$tx)
                    .await
                    .map_err(unready)?;
                let done = async { $work }.await;
                if done.is_ok() {
                    $tx.commit().await.map_err(unready)?;
                }
                done
            }
        }
    };
}

/// One statement; gives how many rows it changed.
macro_rules! change {
    ($database:expr, $sql:expr $(, $bind:expr)*) => {
        match $database {
            Database::Sqlite(pool) => {
                let done = query($sql)$(.bind($bind))*.execute(pool).await;
                done.map(|done| done.rows_affected()).map_err(unready)
            }
            Database::Postgres(pool) => {
                let done = query($sql)$(.bind($bind))*.execute(pool).await;
                done.map(|done| done.rows_affected()).map_err(unready)
            }
        }
    };
}

/// One question.
macro_rules! ask {
    ($database:expr, $sql:expr, $do:ident $(, $bind:expr)*) => {
        match $database {
            Database::Sqlite(pool) => $sql$(.bind($bind))*.$do(pool).await.map_err(unready),
            Database::Postgres(pool) => $sql$(.bind($bind))*.$do(pool).await.map_err(unready),
        }
    };
}

pub(super) use within;
use {ask, change};

/// What is asked of requests.
macro_rules! erasures {
    ($where:literal) => {
        concat!(
            "SELECT id, account, state, reason, requester, requested_at, approver, approved_at, entry, effective_by,
             destroyed_at, why FROM erasures ",
            $where
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    account: Vec<u8>,
    state: String,
    reason: String,
    requester: String,
    requested_at: i64,
    approver: Option<String>,
    approved_at: Option<i64>,
    entry: Option<i64>,
    effective_by: Option<i64>,
    destroyed_at: Option<i64>,
    why: Option<String>,
}

impl Row {
    fn erasure(self) -> Result<Erasure, Retry> {
        let account = self.account.try_into();
        let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        Ok(Erasure {
            id: self.id.to_string(),
            state: State::of(&self.state).map_err(unready)?,
            reason: self.reason,
            requester: self.requester,
            requested_at: Timestamp::from_micros(self.requested_at),
            approver: self.approver,
            approved_at: time(self.approved_at),
            entry: self.entry,
            effective_by: time(self.effective_by),
            destroyed_at: time(self.destroyed_at),
            why: self.why,
            key: self.id,
            account: Blind(account.map_err(|_| Retry::because("a name has another length"))?),
        })
    }
}

/// The key database, as far as it keeps decisions.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(pub(crate) Database);

impl Ledger {
    /// Adds what is to be told in the log.
    pub(super) const NOTE: &'static str = "INSERT INTO notes (kind, body) VALUES ($1, $2)";

    /// Keeps records until a time; a hold that is there is only made longer. `told` is what the log says of it.
    pub(super) async fn hold(
        &self,
        subjects: &[Uuid],
        until: Timestamp,
        told: &[u8],
    ) -> Result<(), ErasureError> {
        within!(&self.0, |tx| {
            for subject in subjects {
                let row: Option<(String, Option<i64>)> =
                    query_as("SELECT state, held_until FROM subjects WHERE subject = $1")
                        .bind(*subject)
                        .fetch_optional(&mut *tx)
                        .await
                        .map_err(unready)?;
                match row {
                    Some((_, Some(held))) if held > until.micros() => {
                        return Err(ErasureError::Shorter(Timestamp::from_micros(held)));
                    }
                    Some((state, _)) if state != "held" => return Err(ErasureError::Destroying),
                    Some(_) | None => {}
                }
                query(
                    "INSERT INTO subjects (subject, state, held_until) VALUES ($1, 'held', $2)
                     ON CONFLICT (subject) DO UPDATE SET held_until = excluded.held_until",
                )
                .bind(*subject)
                .bind(until.micros())
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            }
            query(Self::NOTE)
                .bind("hold")
                .bind(told)
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            Ok(())
        })
    }

    /// Until when any of these is held, if it is now.
    pub(super) async fn held(
        &self,
        subjects: &[Uuid],
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Retry> {
        let mut latest = None;
        for subject in subjects {
            let row: Option<(Option<i64>,)> = ask!(
                &self.0,
                query_as("SELECT held_until FROM subjects WHERE subject = $1"),
                fetch_optional,
                *subject
            )?;
            latest = latest.max(row.and_then(|(until,)| until));
        }
        Ok(latest
            .map(Timestamp::from_micros)
            .filter(|until| *until > now))
    }

    /// Notes a request.
    pub(super) async fn request(&self, erasure: &Erasure) -> Result<(), Retry> {
        let sql = "INSERT INTO erasures (id, account, state, reason, requester, requested_at, approver, approved_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        change!(
            &self.0,
            sql,
            erasure.key,
            erasure.account.0.to_vec(),
            erasure.state.word(),
            &erasure.reason,
            &erasure.requester,
            erasure.requested_at.micros(),
            &erasure.approver,
            erasure.approved_at.map(Timestamp::micros)
        )
        .map(|_| ())
    }

    /// A request.
    pub(crate) async fn erasure(&self, id: Uuid) -> Result<Option<Erasure>, Retry> {
        let sql = erasures!("WHERE id = $1");
        let row: Option<Row> = ask!(&self.0, query_as(sql), fetch_optional, id)?;
        row.map(Row::erasure).transpose()
    }

    /// The newest requests, newest first.
    pub(super) async fn erasures(&self) -> Result<Vec<Erasure>, Retry> {
        let sql = erasures!("ORDER BY requested_at DESC, id LIMIT $1");
        let rows: Vec<Row> = ask!(&self.0, query_as(sql), fetch_all, LISTED)?;
        rows.into_iter().map(Row::erasure).collect()
    }

    /// Requests that the service has to see to, oldest first.
    pub(super) async fn open(&self) -> Result<Vec<Erasure>, Retry> {
        let sql = erasures!("WHERE state IN ('approved', 'destroying') ORDER BY approved_at, id");
        let rows: Vec<Row> = ask!(&self.0, query_as(sql), fetch_all)?;
        rows.into_iter().map(Row::erasure).collect()
    }

    /// Whether somebody has asked for an erasure that is not done yet, or was refused.
    pub(super) async fn asked(&self, account: &Blind) -> Result<bool, Retry> {
        let sql = "SELECT 1 FROM erasures WHERE account = $1 AND state <> 'destroyed' LIMIT 1";
        let account = account.0.to_vec();
        let row: Option<(i32,)> = ask!(&self.0, query_as(sql), fetch_optional, account)?;
        Ok(row.is_some())
    }

    /// The newest erasure of an account by any of its names.
    pub(super) async fn erased(&self, name: &Blind) -> Result<Option<Erasure>, Retry> {
        let sql = erasures!(
            "WHERE state = 'destroyed' AND id IN (SELECT erasure FROM erased WHERE blind = $1)
             ORDER BY destroyed_at DESC LIMIT 1"
        );
        let name = name.0.to_vec();
        let row: Option<Row> = ask!(&self.0, query_as(sql), fetch_optional, name)?;
        row.map(Row::erasure).transpose()
    }

    /// Approves a request that nobody has decided on; false if somebody has.
    pub(super) async fn approve(&self, id: Uuid, by: &str, now: Timestamp) -> Result<bool, Retry> {
        let sql = "UPDATE erasures SET state = 'approved', approver = $1, approved_at = $2
             WHERE id = $3 AND state = 'requested'";
        let at = now.micros();
        let approved = change!(&self.0, sql, by, at, id)?;
        Ok(approved > 0)
    }
}
