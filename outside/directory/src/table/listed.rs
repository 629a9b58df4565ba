//! The rows of `idtrail directory list`: who earns on what. No addresses; whoever lists need not know them.

use serde::Serialize;

use crate::{Settings, excerpt::Excerpt, party, table::Owner};

/// One account as the directory has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The account's number.
    pub account_number: String,
    /// The account's id.
    pub account_id: String,
    /// Ids of its contacts, sorted.
    pub contacts: Vec<String>,
    /// Who earns on it, in that order.
    pub owners: Vec<Owner>,
    /// Who is told: the first active owner, else the fallback queue.
    pub told: String,
    /// The queue that waits for results, its own or the default one.
    pub onboarding_queue: String,
}

/// Every account, by its number.
pub(super) fn of(all: &Excerpt, settings: &Settings) -> Vec<Listed> {
    let fallback = settings.fallback_queue(all);
    let rows = all.accounts.iter().map(|account| {
        let owner = party::commission_owner(account, fallback);
        Listed {
            account_number: account.number.clone(),
            account_id: account.id.clone(),
            contacts: Vec::new(),
            owners: account.owners.clone(),
            told: owner.user_id.or(owner.fallback_queue).unwrap_or_default(),
            onboarding_queue: party::onboarding_queue(all, account)
                .unwrap_or_default()
                .to_owned(),
        }
    });
    let mut rows: Vec<Listed> = rows.collect();
    for (contact, place) in all.contacts() {
        rows[place].contacts.push(contact.to_owned());
    }
    for row in &mut rows {
        row.contacts.sort();
    }
    rows.sort_by(|one, other| one.account_number.cmp(&other.account_number));
    rows
}
