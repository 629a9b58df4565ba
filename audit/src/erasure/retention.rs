//! What is kept, until when, and what should be gone.

use schemas::Timestamp;
use serde::Serialize;
use stage::Chance;

use super::{Clients, Erasure, ErasureError, closure::subjects, decide, id_of, state::State};
use crate::{HistoryError, seal::Blind};

/// Who asks for an erasure where the settings say that what is due is erased.
const JOB: &str = "retention";
/// Who approves it: whoever set it so.
const SETTING: &str = "setting audit.retention";
const BASIS: &str = "kept for five years after the end of the relationship, Article 77 of Regulation (EU) 2024/1624";

/// The state of all clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Clients with nothing against them.
    pub active: i64,
    /// Clients that must be kept.
    pub held: i64,
    /// Clients whose keys are being destroyed.
    pub destroying: i64,
    /// Clients whose keys are gone.
    pub destroyed: i64,
    /// Accounts whose relationship has ended, by its end.
    pub ended: Vec<Due>,
}

/// An account whose relationship has ended. Its name is known to nobody here: `account` is a blind index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The account's blind index, hex.
    pub account: String,
    /// When the relationship ended.
    pub ended_at: Timestamp,
    /// From when on its records must be gone.
    pub due_at: Timestamp,
    /// Until when they must be kept all the same.
    pub held_until: Option<Timestamp>,
    /// Whether they should be gone now.
    pub overdue: bool,
    #[serde(skip)]
    pub(crate) key: Blind,
}

impl Clients {
    /// What is kept until when. What is overdue is what the retention job would erase.
    pub async fn retention(&self, now: Timestamp) -> Result<Report, ErasureError> {
        let counts = self.ledger.counts(now).await?;
        let count = |state: &str| {
            let found = counts.iter().find(|(word, _)| word == state);
            found.map_or(0, |(_, count)| *count)
        };
        let mut ended = Vec::new();
        for (account, ended_at, noted_at) in self.ledger.relationships().await? {
            let due_at = decide::due(ended_at, noted_at);
            let held_until = self.held_until(&account, now).await?;
            ended.push(Due {
                account: hex::encode(account.0),
                ended_at,
                due_at,
                held_until,
                overdue: due_at <= now && held_until.is_none(),
                key: account,
            });
        }
        Ok(Report {
            active: count("active"),
            held: count("held"),
            destroying: count("destroying"),
            destroyed: count("destroyed"),
            ended,
        })
    }

    async fn held_until(
        &self,
        account: &Blind,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, ErasureError> {
        let subjects = subjects(&self.opened, account).await?;
        Ok(self.ledger.held(&subjects, now).await?)
    }
}

/// Approves the erasure of what is overdue, once for each account: what was refused stays for people to see to.
pub(super) async fn approve_what_is_due(
    clients: &Clients,
    chance: Chance,
    now: Timestamp,
) -> Result<(), ErasureError> {
    for (account, ended_at, noted_at) in clients.ledger.relationships().await? {
        if decide::due(ended_at, noted_at) > now || clients.ledger.asked(&account).await? {
            continue;
        }
        if clients.held_until(&account, now).await?.is_some() {
            continue;
        }
        match clients.may_erase(&account, now).await {
            Ok(_) => {}
            Err(ErasureError::History(HistoryError::Unavailable(retry))) => {
                return Err(retry.into());
            }
            // Shared or unknown: the report tells.
            Err(_) => continue,
        }
        let key = id_of(chance.bytes());
        let erasure = Erasure {
            id: key.to_string(),
            state: State::Approved,
            reason: BASIS.to_owned(),
            requester: JOB.to_owned(),
            requested_at: now,
            approver: Some(SETTING.to_owned()),
            approved_at: Some(now),
            entry: None,
            effective_by: None,
            destroyed_at: None,
            why: None,
            key,
            account,
        };
        clients.ledger.request(&erasure).await?;
    }
    Ok(())
}
