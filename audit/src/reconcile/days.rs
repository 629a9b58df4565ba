//! The days: each is accounted for and signed once, when all that is of it had its time.

use schemas::{Date, Timestamp};
use stage::Retry;

use super::{DAY, Hour, Reconciler, begin_of, millis};
use crate::{
    leaf,
    log::key::SigningKey,
    statement::{Account, Statement},
};

/// Days signed at once, lest the first turn on an old history takes for ever: a month.
const TOGETHER: usize = 31;

impl Reconciler {
    /// Signs the days that are over and are not signed yet, oldest first.
    pub(super) async fn sign_days(&self, now: Timestamp) -> Result<(), Retry> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        for _ in 0..TOGETHER {
            let Some(day) = self.next_day().await? else {
                return Ok(());
            };
            let end = begin_of((day + 1).saturating_mul(DAY));
            if now.millis() < end.saturating_add(millis(self.grace))
                || !self.sign(day, now, key).await?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The day after the newest that is signed, else the first; counted since 1970.
    async fn next_day(&self) -> Result<Option<i64>, Retry> {
        let Some(newest) = self.tables.newest_statement().await? else {
            let known = self.tables.known_hours().await?;
            return Ok(known.map(|(first, _)| first.div_euclid(DAY)));
        };
        Ok(first_hour(&newest).map(|hour| hour.div_euclid(DAY) + 1))
    }

    /// Signs a day; false if no checkpoint covers what was reconciled.
    async fn sign(&self, day: i64, now: Timestamp, key: &SigningKey) -> Result<bool, Retry> {
        // What had its time by now is missing, and not on its way.
        self.judge(now).await?;
        let state = self.tables.state().await?;
        let covering = self.store.log().covering(state.position).await?;
        let Some(checkpoint) = covering else {
            return Ok(false);
        };
        let hours = (day.saturating_mul(DAY), (day + 1).saturating_mul(DAY));
        let mut sum = Hour::default();
        for (_, hour) in self.tables.hours_between(hours).await? {
            sum.add(&hour);
        }
        let open = self.tables.open(hours).await?;
        let open = open.iter().fold((0, 0), |(all, overdue), (_, open)| {
            (all + open.all, overdue + open.overdue)
        });
        let root = checkpoint.root.try_into();
        let statement = Statement {
            origin: key.verifier().name().to_owned(),
            day: day_of(day),
            account: account(&sum, open),
            entries: (count(sum.entries.0), count(sum.entries.1)),
            ranges: sum.ranges,
            reconciled: count(state.position),
            checkpoint: (
                count(checkpoint.size),
                root.map_err(|_| Retry::because("a checkpoint of the history has no root"))?,
            ),
        };
        if !statement.account.adds_up() {
            return Err(Retry::because(format!(
                "the account of {} does not add up, and is not signed",
                statement.day
            )));
        }
        let note = statement.sign(key);
        let note = note
            .ok_or_else(|| Retry::because("the key is that of another log"))?
            .to_string();
        let kept = (statement.day.as_str(), checkpoint.size, note.as_str());
        self.tables.add_statement(kept).await?;
        tracing::info!(day = statement.day, "the account of a day was signed");
        Ok(true)
    }
}

/// The account of what was counted, with the callbacks that are open and those of them that had their time.
pub(crate) fn account(hour: &Hour, (open, overdue): (i64, i64)) -> Account {
    Account {
        accepted: count(hour.sums.accepted),
        audited: count(hour.sums.audited),
        refused: count(hour.sums.refused),
        repeats: count(hour.sums.repeats),
        erased: count(hour.sums.erased),
        in_flight: count(open - overdue),
        missing: count(overdue),
    }
}

/// A count as statements have it; none of ours is negative.
fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// A day since 1970 as it is written.
fn day_of(day: i64) -> String {
    let text = leaf::time_text(begin_of(day.saturating_mul(DAY)));
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The first hour of a day, since 1970; none if the text is no day.
pub(crate) fn first_hour(day: &str) -> Option<i64> {
    Date::parse(day)?;
    let begin = Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z"))?;
    Some(super::hour_of(begin.millis()))
}
