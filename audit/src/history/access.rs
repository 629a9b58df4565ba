//! Who looked: the `access` entries of the log, and what is noted to become one.

use std::collections::HashSet;

use schemas::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::{History, HistoryError, PAGE};
use crate::{
    keys,
    looks::{Noted, Told},
    seal::Kind,
    store::{OWN, Stored},
};

/// Entries of the log's own that are read at once: one stands after each batch.
const STRETCH: i64 = 1_000;

/// A look, as `idtrail history --access --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Look {
    /// The index of its leaf; null while it is only noted, which a running service changes within a second.
    pub seq: Option<i64>,
    /// When it was answered.
    pub at: Timestamp,
    /// Who: the reader's name, `loopback`, or the user that a command ran as.
    pub reader: String,
    /// `api` or `command`.
    pub through: String,
    /// What was asked for: `checks`, `check`, `proof`, or the command.
    pub asked: String,
    /// SHA-256 of the question, hex: the same for the same question.
    pub question: String,
    /// How many rows were shown: steps, refusals or looks.
    pub rows: i64,
    /// The least index that was shown.
    pub first: Option<i64>,
    /// The greatest.
    pub last: Option<i64>,
    /// Why, as far as that was said.
    pub purpose: Option<String>,
    /// The same for what a crash made stand twice.
    pub id: String,
}

/// Which looks.
#[derive(Clone, Debug, Default)]
pub struct AccessQuery {
    /// Looks that showed a check of this account, by its id or number.
    pub account: Option<String>,
    /// Looks from this time on.
    pub since: Option<Timestamp>,
    /// Looks before this time.
    pub until: Option<Timestamp>,
    /// Where the part before ended.
    pub rest: Option<Rest>,
}

/// Where a list of looks goes on: below an entry, after another.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    below: i64,
    after: i64,
}

/// Some looks, oldest first.
#[derive(Debug)]
pub struct Accesses {
    /// The looks; about [`PAGE`] at most.
    pub looks: Vec<Look>,
    /// Where the next part begins; none if this is the last one. All parts show what stood there when the first was made.
    pub rest: Option<Rest>,
}

/// What is asked of one look.
struct Wanted {
    /// Checks of which one must have been shown.
    checks: Option<HashSet<String>>,
    since: Option<i64>,
    until: Option<i64>,
}

impl Wanted {
    fn is(&self, told: &Told) -> bool {
        let of_account =
            |checks: &HashSet<String>| told.checks.iter().any(|one| checks.contains(one));
        self.checks.as_ref().is_none_or(of_account)
            && self.since.is_none_or(|since| told.at >= since)
            && self.until.is_none_or(|until| told.at < until)
    }
}

impl History {
    /// Who looked.
    pub(crate) async fn accesses(
        &self,
        query: &AccessQuery,
        noted: &Noted,
    ) -> Result<Accesses, HistoryError> {
        let checks = match &query.account {
            Some(account) => {
                let found = self
                    .keys
                    .checks(&[self.blind(Kind::Account, account)])
                    .await?;
                Some(found.iter().map(Uuid::to_string).collect())
            }
            None => None,
        };
        let wanted = Wanted {
            checks,
            since: query.since.map(Timestamp::micros),
            until: query.until.map(Timestamp::micros),
        };
        // Noted first: what is told in between stands in the log, and is seen there.
        let waiting = noted.waiting().await?;
        let Rest { below, mut after } = match query.rest {
            Some(rest) => rest,
            None => Rest {
                below: self.store.size().await?,
                after: -1,
            },
        };
        let topics = self.store.topics().await?;
        let own = topics.into_iter().find(|(_, name)| name == OWN);
        let mut looks: Vec<Look> = Vec::new();
        while let Some((own, _)) = &own {
            let rows = self.store.of_topic(*own, after, STRETCH).await?;
            let rows: Vec<Stored> = rows.into_iter().filter(|row| row.seq < below).collect();
            let Some(last) = rows.last() else { break };
            after = last.seq;
            let opened = keys::open_bodies(self.keys.as_ref(), &self.kek, rows).await?;
            let told = opened
                .iter()
                .filter_map(|(row, body)| Some((row.seq, Told::read(body.as_ref()?.bytes())?)));
            let wanted = told.filter(|(_, told)| wanted.is(told));
            looks.extend(wanted.map(|(seq, told)| look(told, Some(seq))));
            if looks.len() >= PAGE {
                let rest = Some(Rest { below, after });
                return Ok(Accesses { looks, rest });
            }
        }
        let told: HashSet<String> = looks.iter().map(|look| look.id.clone()).collect();
        let waiting = waiting.iter().filter_map(|(_, body)| Told::read(body));
        let waiting = waiting.filter(|one| wanted.is(one) && !told.contains(&one.id));
        looks.extend(waiting.map(|told| look(told, None)));
        Ok(Accesses { looks, rest: None })
    }
}

fn look(told: Told, seq: Option<i64>) -> Look {
    Look {
        seq,
        at: Timestamp::from_micros(told.at),
        reader: told.reader,
        through: told.through,
        asked: told.asked,
        question: told.question,
        rows: told.rows,
        first: told.first,
        last: told.last,
        purpose: told.purpose,
        id: told.id,
    }
}
