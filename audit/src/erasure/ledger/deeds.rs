//! What is done once it was decided: telling it in the log, and destroying.

use schemas::Timestamp;
use sqlx::{QueryBuilder, query, query_as};
use stage::{Retry, database::Database};
use uuid::Uuid;

use super::{Ledger, ask, change, within};
use crate::{
    erasure::{Erasure, ErasureError},
    keys::unready,
    leaf::Kind,
    seal::Blind,
};

/// Notes that one turn tells of.
const NOTES: i64 = 64;
/// Values of one statement; below what either database takes.
const VALUES: usize = 500;

/// One kind of row, deleted by lists of handles.
macro_rules! delete_by {
    ($tx:ident, $start:literal, $handles:expr) => {
        for handles in $handles.chunks(VALUES) {
            let mut sql = QueryBuilder::new($start);
            let mut list = sql.separated(", ");
            for handle in handles {
                list.push_bind(*handle);
            }
            list.push_unseparated(")");
            let done = sql.build().persistent(false).execute(&mut *$tx).await;
            done.map_err(unready)?;
        }
    };
}

impl Ledger {
    /// What is still to be told, in order.
    pub(crate) async fn notes(&self) -> Result<Vec<(i64, Kind, Vec<u8>)>, Retry> {
        let sql = "SELECT number, kind, body FROM notes ORDER BY number LIMIT $1";
        let rows: Vec<(i64, String, Vec<u8>)> = ask!(&self.0, query_as(sql), fetch_all, NOTES)?;
        let note = |(number, kind, body): (i64, String, Vec<u8>)| {
            let kind = if kind == Kind::Key.word() {
                Kind::Key
            } else {
                Kind::Hold
            };
            (number, kind, body)
        };
        Ok(rows.into_iter().map(note).collect())
    }

    /// It was told up to here.
    pub(crate) async fn told(&self, number: i64) -> Result<(), Retry> {
        let sql = "DELETE FROM notes WHERE number <= $1";
        change!(&self.0, sql, number).map(|_| ())
    }

    /// Begins to destroy, unless one of the subjects is held: then nothing is begun.
    pub(crate) async fn begin(
        &self,
        id: Uuid,
        subjects: &[Uuid],
        (now, effective_by): (Timestamp, Timestamp),
    ) -> Result<(), ErasureError> {
        within!(&self.0, |tx| {
            for subject in subjects {
                let row: Option<(Option<i64>,)> =
                    query_as("SELECT held_until FROM subjects WHERE subject = $1")
                        .bind(*subject)
                        .fetch_optional(&mut *tx)
                        .await
                        .map_err(unready)?;
                if let Some(until) = row
                    .and_then(|(until,)| until)
                    .filter(|at| *at > now.micros())
                {
                    return Err(ErasureError::Held(Timestamp::from_micros(until)));
                }
                query(
                    "INSERT INTO subjects (subject, state, erasure) VALUES ($1, 'destroying', $2)
                     ON CONFLICT (subject)
                     DO UPDATE SET state = excluded.state, held_until = NULL, erasure = excluded.erasure",
                )
                .bind(*subject)
                .bind(id)
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            }
            query("UPDATE erasures SET state = 'destroying', effective_by = $1 WHERE id = $2")
                .bind(effective_by.micros())
                .bind(id)
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            Ok(())
        })
    }

    /// It cannot be done, and why.
    pub(crate) async fn refuse(&self, id: Uuid, why: &str) -> Result<(), Retry> {
        let sql = "UPDATE erasures SET state = 'refused', why = $1 WHERE id = $2";
        change!(&self.0, sql, why, id).map(|_| ())
    }

    /// It stands in the log, at this index.
    pub(crate) async fn entered(&self, id: Uuid, entry: i64) -> Result<(), Retry> {
        let sql = "UPDATE erasures SET entry = $1 WHERE id = $2";
        change!(&self.0, sql, entry, id).map(|_| ())
    }

    /// What its keys still wait for.
    pub(crate) async fn waits(&self, id: Uuid, why: &str) -> Result<(), Retry> {
        let sql = "UPDATE erasures SET why = $1 WHERE id = $2";
        change!(&self.0, sql, why, id).map(|_| ())
    }

    /// The date that its entry tells is no longer true: it is told again, with this one.
    pub(crate) async fn postponed(&self, id: Uuid, effective_by: Timestamp) -> Result<(), Retry> {
        let sql = "UPDATE erasures SET effective_by = $1, entry = NULL WHERE id = $2";
        change!(&self.0, sql, effective_by.micros(), id).map(|_| ())
    }

    /// Whose keys an erasure destroys.
    pub(crate) async fn subjects_of(&self, id: Uuid) -> Result<Vec<Uuid>, Retry> {
        let sql = "SELECT subject FROM subjects WHERE erasure = $1 ORDER BY subject";
        let rows: Vec<(Uuid,)> = ask!(&self.0, query_as(sql), fetch_all, id)?;
        Ok(rows.into_iter().map(|(subject,)| subject).collect())
    }

    /// Destroys keys, handles and aliases in one transaction. What is done twice is done once.
    pub(crate) async fn destroy(
        &self,
        erasure: &Erasure,
        subjects: &[Uuid],
        checks: &[Uuid],
    ) -> Result<(), Retry> {
        within!(&self.0, |tx| {
            let mut names: Vec<Vec<u8>> = vec![erasure.account.0.to_vec()];
            for checks in checks.chunks(VALUES) {
                let mut sql = QueryBuilder::new(
                    "SELECT DISTINCT blind FROM aliases WHERE kind = 4 AND check_handle IN (",
                );
                let mut list = sql.separated(", ");
                for check in checks {
                    list.push_bind(*check);
                }
                list.push_unseparated(")");
                let asked = sql.build_query_as::<(Vec<u8>,)>().persistent(false);
                let rows = asked.fetch_all(&mut *tx).await.map_err(unready)?;
                names.extend(rows.into_iter().map(|(blind,)| blind));
            }
            for name in names {
                query("INSERT INTO erased (blind, erasure) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(name.as_slice())
                    .bind(erasure.key)
                    .execute(&mut *tx)
                    .await
                    .map_err(unready)?;
                for sql in [
                    "DELETE FROM relationships WHERE account = $1",
                    "DELETE FROM handles WHERE blind = $1 AND kind = 4",
                ] {
                    let done = query(sql).bind(name.as_slice()).execute(&mut *tx).await;
                    done.map_err(unready)?;
                }
            }
            delete_by!(tx, "DELETE FROM data_keys WHERE subject IN (", subjects);
            delete_by!(tx, "DELETE FROM handles WHERE handle IN (", subjects);
            delete_by!(tx, "DELETE FROM handles WHERE handle IN (", checks);
            delete_by!(tx, "DELETE FROM aliases WHERE check_handle IN (", checks);
            Ok(())
        })
    }

    /// Nothing is left here.
    pub(crate) async fn destroyed(&self, id: Uuid, now: Timestamp) -> Result<(), Retry> {
        within!(&self.0, |tx| {
            query("UPDATE subjects SET state = 'destroyed' WHERE erasure = $1")
                .bind(id)
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            query("UPDATE erasures SET state = 'destroyed', destroyed_at = $1, why = NULL WHERE id = $2")
                .bind(now.micros())
                .bind(id)
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            Ok(())
        })
    }

    /// Notes when the relationship with an account ended.
    pub(crate) async fn ended(
        &self,
        account: &Blind,
        ended: Timestamp,
        (now, told): (Timestamp, &[u8]),
    ) -> Result<(), Retry> {
        within!(&self.0, |tx| {
            query(
                "INSERT INTO relationships (account, ended_at, noted_at) VALUES ($1, $2, $3)
                 ON CONFLICT (account) DO UPDATE SET ended_at = excluded.ended_at, noted_at = excluded.noted_at",
            )
            .bind(account.0.to_vec())
            .bind(ended.micros())
            .bind(now.micros())
            .execute(&mut *tx)
            .await
            .map_err(unready)?;
            query(Self::NOTE)
                .bind(Kind::Hold.word())
                .bind(told)
                .execute(&mut *tx)
                .await
                .map_err(unready)?;
            Ok(())
        })
    }

    /// Accounts, when their relationships ended, and when that was noted.
    pub(crate) async fn relationships(&self) -> Result<Vec<(Blind, Timestamp, Timestamp)>, Retry> {
        let sql =
            "SELECT account, ended_at, noted_at FROM relationships ORDER BY ended_at, account";
        let rows: Vec<(Vec<u8>, i64, i64)> = ask!(&self.0, query_as(sql), fetch_all)?;
        let row = |(account, ended, noted): (Vec<u8>, i64, i64)| {
            let (ended, noted) = (Timestamp::from_micros(ended), Timestamp::from_micros(noted));
            Some((Blind(account.try_into().ok()?), ended, noted))
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// How many clients there are in each state; those whose hold is over are active.
    pub(crate) async fn counts(&self, now: Timestamp) -> Result<Vec<(String, i64)>, Retry> {
        let sql = "SELECT state, count(*) FROM (
                SELECT CASE WHEN s.state IS NULL OR s.held_until <= $1 THEN 'active' ELSE s.state END AS state
                FROM handles h LEFT JOIN subjects s ON s.subject = h.handle WHERE h.kind = 1
                UNION ALL SELECT state FROM subjects s
                WHERE state <> 'held' AND NOT EXISTS (SELECT 1 FROM handles h WHERE h.handle = s.subject)
             ) AS clients GROUP BY state ORDER BY state";
        ask!(&self.0, query_as(sql), fetch_all, now.micros())
    }
}
