//! What the reconciler has come to, for whoever asks: the account of each hour, and the signed account of each day.

use std::sync::Arc;

use anyhow::Context as _;
use schemas::Timestamp;
use serde::Serialize;
use stage::{Retry, database::Database};

use crate::{
    Config, MIGRATIONS,
    config::DATABASE,
    reconcile::{DAY, Range, Tables, account, begin_of, first_hour},
    statement::Account,
    store::{self, Store},
};

/// The accounts of a history.
#[derive(Clone, Debug)]
pub struct Assurance {
    tables: Tables,
    store: Arc<dyn Store>,
}

/// How the history stands, and the account of some hours.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// How many entries the history has.
    pub size: i64,
    /// Of how many of them the accounts tell.
    pub reconciled: i64,
    /// When the log last told what was found; none before the first time.
    pub told_at: Option<Timestamp>,
    /// Callbacks that had their time and are not at their end.
    pub missing: i64,
    /// The last records of the oldest of them, `<topic>/<partition>/<offset>`.
    pub oldest_missing: Vec<String>,
    /// Violations since the first entry.
    pub violations: i64,
    /// The newest day whose account is signed.
    pub signed_day: Option<String>,
    /// The hours, oldest first; one in which nothing was appended is left out.
    pub hours: Vec<Hour>,
}

/// The account of an hour.
#[derive(Clone, Debug, Serialize)]
pub struct Hour {
    /// When it begins, by the times in the leaves.
    pub hour: Timestamp,
    /// The first entry.
    pub from_seq: i64,
    /// The entry after the last.
    pub to_seq: i64,
    /// What came in, and what became of it.
    #[serde(flatten)]
    pub account: Account,
    /// What was read of each partition.
    pub ranges: Vec<Range>,
    /// The size of the first checkpoint that covers the hour's entries; none until there is one.
    pub checkpoint: Option<i64>,
}

impl Assurance {
    /// Opens the history beside whoever writes it. No key is needed: accounts hold counts and offsets.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let database = Database::open(&config.database, DATABASE)?;
        let checked = database.check(DATABASE, &MIGRATIONS).await;
        checked.context("the setting `audit.database`")?;
        Ok(Self::on(&database))
    }

    pub(crate) fn on(history: &Database) -> Self {
        Self {
            tables: Tables(history.clone()),
            store: store::open(history),
        }
    }

    /// How it stands, with the hours of a day; without one the 24 hours up to the newest. None if the text is no day.
    pub async fn standing(&self, day: Option<&str>) -> Result<Option<Standing>, Retry> {
        let from = if let Some(day) = day {
            first_hour(day)
        } else {
            let known = self.tables.known_hours().await?;
            Some(known.map_or(0, |(_, last)| last + 1 - DAY))
        };
        let Some(from) = from else { return Ok(None) };
        let state = self.tables.state().await?;
        let (missing, oldest_missing) = self.tables.missing().await?;
        Ok(Some(Standing {
            size: self.store.size().await?,
            reconciled: state.position,
            told_at: state.told_at(),
            missing,
            oldest_missing,
            violations: state.counted.faults,
            signed_day: self.tables.newest_statement().await?,
            hours: self.hours((from, from.saturating_add(DAY))).await?,
        }))
    }

    /// The signed statement of a day, a signed note; none if there is none yet.
    pub async fn statement(&self, day: &str) -> Result<Option<String>, Retry> {
        self.tables.statement(day).await
    }

    async fn hours(&self, range: (i64, i64)) -> Result<Vec<Hour>, Retry> {
        let open = self.tables.open(range).await?;
        let mut hours = Vec::new();
        for (hour, sum) in self.tables.hours_between(range).await? {
            let open = open.iter().find(|(one, _)| *one == hour);
            let open = open.map_or((0, 0), |(_, open)| (open.all, open.overdue));
            let covering = self.store.log().covering(sum.entries.1).await?;
            hours.push(Hour {
                hour: Timestamp::from_micros(begin_of(hour).saturating_mul(1_000)),
                from_seq: sum.entries.0,
                to_seq: sum.entries.1,
                account: account(&sum, open),
                ranges: sum.ranges,
                checkpoint: covering.map(|kept| kept.size),
            });
        }
        Ok(hours)
    }
}
