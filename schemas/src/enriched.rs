//! Whose client it is, who earns on it, and whether the provider confirmed it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Checked, Contract, Event, Timestamp, Topic, word::words};

words! {
    /// What the provider said when it was asked back.
    Confirmation {
        /// The provider says the same.
        Confirmed = "confirmed",
        /// The provider says something else.
        Contradicted = "contradicted",
    } else
        /// The provider was not asked; what the callback says is only reported.
        Unconfirmed = "unconfirmed"
}

words! {
    /// How a party or a person was found.
    FoundBy {
        /// By our reference, exactly and uniquely.
        Reference = "reference",
        /// The first active one of the ordered list of commission owners.
        CommissionOrder = "commission_order",
        /// Nobody active earns on it, so the fallback queue hears.
        Fallback = "fallback",
    } else
        /// A way that this release does not know.
        Unlisted = "unlisted"
}

/// The client that a check belongs to. Ids and links only, never a name or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The account's id in the directory.
    pub account_id: String,
    /// The account's number, as people know it.
    pub account_number: String,
    /// The contact's id, where the reference names one.
    pub contact_id: Option<String>,
    /// Where people open the account.
    pub account_link: String,
    /// Where people open the contact.
    pub contact_link: Option<String>,
    /// How it was found.
    #[serde(default)]
    pub found_by: FoundBy,
}

/// Who earns on the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionOwner {
    /// The user's id in the directory; none where the fallback queue hears instead.
    pub user_id: Option<String>,
    /// Whether a user of the account's list is active; false where the fallback queue hears.
    pub active: bool,
    /// The queue that hears where no owner is active.
    pub fallback_queue: Option<String>,
    /// How it was found.
    #[serde(default)]
    pub found_by: FoundBy,
}

/// A checked event with everything that telling people needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enriched {
    checked: Checked,
    #[serde(default)]
    confirmation: Confirmation,
    party: Party,
    commission_owner: CommissionOwner,
    onboarding_queue: String,
    at: Timestamp,
}

impl Enriched {
    /// The event that a checked one becomes once its party is known.
    pub fn new(
        checked: Checked,
        confirmation: Confirmation,
        party: Party,
        (commission_owner, onboarding_queue): (CommissionOwner, String),
        at: Timestamp,
    ) -> Self {
        Self {
            checked,
            confirmation,
            party,
            commission_owner,
            onboarding_queue,
            at,
        }
    }

    /// What the callback says.
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// What the provider said when asked back.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// Whose client it is.
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// Who earns on it.
    pub fn commission_owner(&self) -> &CommissionOwner {
        &self.commission_owner
    }

    /// The queue of the people who wait for the result.
    pub fn onboarding_queue(&self) -> &str {
        &self.onboarding_queue
    }
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::compiled_in(include_str!("../avro/enriched.avsc")));

impl Event for Enriched {
    const TOPIC: Topic = Topic::Enriched;
    const TYPE: &'static str = "idtrail.enriched";

    fn contract() -> &'static Contract {
        &CONTRACT
    }

    fn ce_id(&self) -> String {
        self.checked.event_id().to_string()
    }

    fn subject(&self) -> Option<String> {
        Some(self.checked.check())
    }

    fn time(&self) -> Timestamp {
        self.at
    }
}
