//! All that belongs to an account: its checks, what those point to, whose keys seal it, and what else these seal.

use std::collections::BTreeSet;

use sqlx::QueryBuilder;
use stage::{Retry, database::Database};
use uuid::Uuid;

use super::{ErasureError, Opened};
use crate::{
    HistoryError,
    keys::{self, unready},
    naming,
    seal::{Blind, Kind},
};

/// How often what belongs to an account leads to more of it, before it is taken for shared.
const ROUNDS: usize = 8;
/// Checks whose entries are read at once.
const CHECKS: usize = 20;
/// Values of one question.
const VALUES: usize = 500;

/// What belongs to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Closure {
    /// Clients whose keys seal its records.
    pub(crate) subjects: BTreeSet<Uuid>,
    /// Its checks, and what is filed under places of their records.
    pub(crate) checks: BTreeSet<Uuid>,
    /// The ids of the accounts that the checks name, blinded.
    pub(crate) accounts: BTreeSet<Blind>,
}

/// Rows by a list of values, from either database.
macro_rules! listed {
    ($database:expr, $row:ty, $start:expr, $values:expr, $end:expr) => {{
        let mut found: Vec<$row> = Vec::new();
        for values in $values.chunks(VALUES) {
            match $database {
                Database::Sqlite(pool) => {
                    let mut sql = QueryBuilder::<sqlx::Sqlite>::new($start);
                    let mut list = sql.separated(", ");
                    for value in values {
                        list.push_bind(value.clone());
                    }
                    list.push_unseparated($end);
                    let asked = sql.build_query_as::<$row>().persistent(false);
                    found.extend(asked.fetch_all(pool).await.map_err(unready)?);
                }
                Database::Postgres(pool) => {
                    let mut sql = QueryBuilder::<sqlx::Postgres>::new($start);
                    let mut list = sql.separated(", ");
                    for value in values {
                        list.push_bind(value.clone());
                    }
                    list.push_unseparated($end);
                    let asked = sql.build_query_as::<$row>().persistent(false);
                    found.extend(asked.fetch_all(pool).await.map_err(unready)?);
                }
            }
        }
        found
    }};
}

/// All that belongs to the account of a name.
///
/// Reads what names no check (bodies by their clients) from one end to the other: there is no index for that, which
/// every append would pay for.
pub(crate) async fn closure(opened: &Opened, account: &Blind) -> Result<Closure, ErasureError> {
    let store = keys::open(&opened.keys);
    let service = opened.kek.blind(Kind::Service, naming::SERVICE);
    let service: BTreeSet<Uuid> = store
        .handles(&[service])
        .await?
        .into_iter()
        .map(|(_, handle)| handle)
        .collect();
    let mut found = Closure::default();
    let mut new: BTreeSet<Uuid> = store.checks(&[*account]).await?.into_iter().collect();
    if new.is_empty() {
        return Err(ErasureError::Unknown);
    }
    for _ in 0..ROUNDS {
        let checks: Vec<Uuid> = new.iter().copied().collect();
        found.checks.append(&mut new);
        found.accounts.extend(accounts(opened, &checks).await?);
        let mut subjects = subjects_of(opened, &checks).await?;
        // It seals everybody's.
        subjects.retain(|subject| !service.contains(subject));
        found.subjects.append(&mut subjects);
        let subjects: Vec<Uuid> = found.subjects.iter().copied().collect();
        let all = checks_of(&opened.bodies, &subjects).await?.into_iter();
        new = all.filter(|check| !found.checks.contains(check)).collect();
        if new.is_empty() {
            return Ok(found);
        }
    }
    Err(ErasureError::Shared)
}

/// Whose keys seal an account's checks: enough to see whether it is held, and found without reading everything.
pub(crate) async fn subjects(opened: &Opened, account: &Blind) -> Result<Vec<Uuid>, ErasureError> {
    let checks = keys::open(&opened.keys).checks(&[*account]).await?;
    Ok(subjects_of(opened, &checks).await?.into_iter().collect())
}

/// Whose keys seal the entries of checks, and what these point to.
async fn subjects_of(opened: &Opened, checks: &[Uuid]) -> Result<BTreeSet<Uuid>, ErasureError> {
    let mut subjects = BTreeSet::new();
    for checks in checks.chunks(CHECKS) {
        let entries: Vec<i64> = opened.history.entries_of(checks).await?;
        let start = "SELECT DISTINCT subject FROM bodies WHERE seq IN (";
        let rows = listed!(&opened.bodies, (Uuid,), start, entries, ")");
        subjects.extend(rows.into_iter().map(|(subject,)| subject));
    }
    Ok(subjects)
}

/// How many entries are sealed by these keys.
pub(crate) async fn events_of(bodies: &Database, subjects: &[Uuid]) -> Result<i64, Retry> {
    let start = "SELECT count(*) FROM bodies WHERE subject IN (";
    let rows = listed!(bodies, (i64,), start, subjects, ")");
    Ok(rows.into_iter().map(|(events,)| events).sum())
}

/// Checks with entries that are sealed by these keys.
pub(crate) async fn checks_of(bodies: &Database, subjects: &[Uuid]) -> Result<Vec<Uuid>, Retry> {
    let start =
        "SELECT DISTINCT check_handle FROM bodies WHERE check_handle IS NOT NULL AND subject IN (";
    let rows = listed!(bodies, (Uuid,), start, subjects, ")");
    Ok(rows.into_iter().map(|(check,)| check).collect())
}

/// The ids of accounts that checks name: of an account's two names only the id has a handle.
async fn accounts(opened: &Opened, checks: &[Uuid]) -> Result<Vec<Blind>, HistoryError> {
    let start =
        "SELECT DISTINCT a.blind FROM aliases a JOIN handles h ON h.blind = a.blind AND h.kind = 4
        WHERE a.kind = 4 AND a.check_handle IN (";
    let rows = listed!(&opened.keys, (Vec<u8>,), start, checks, ")");
    let blind = |(blind,): (Vec<u8>,)| Some(Blind(blind.try_into().ok()?));
    Ok(rows.into_iter().filter_map(blind).collect())
}
