//! The part of the table that a batch needs, or all of it, in memory and from one state of the database.

use std::collections::HashMap;

use crate::Named;

/// One account with its owners in the order in which they earn.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) onboarding_queue: Option<String>,
    pub(crate) owners: Vec<Owner>,
}

/// A user who earns on an account.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Owner {
    /// The user's id.
    pub user_id: String,
    /// Whether the user still is one.
    pub active: bool,
}

/// What holds for the whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// A hash of the content; none as long as nothing was imported.
    pub(crate) version: Option<String>,
    pub(crate) rows: i64,
    pub(crate) default_onboarding_queue: Option<String>,
    pub(crate) fallback_queue: Option<String>,
}

/// The keys by which a batch asks.
#[derive(Debug, Default)]
pub(crate) struct Keys<'a> {
    pub(crate) numbers: Vec<&'a str>,
    pub(crate) account_ids: Vec<&'a str>,
    pub(crate) contacts: Vec<&'a str>,
}

impl<'a> Keys<'a> {
    pub(crate) fn of<'n>(named: impl Iterator<Item = &'n Named<'a>>) -> Self
    where
        'a: 'n,
    {
        let mut keys = Self::default();
        for named in named {
            keys.numbers
                .extend(named.account_number.map(|part| part.value));
            keys.account_ids
                .extend(named.account_id.map(|part| part.value));
            keys.contacts
                .extend(named.contact_id.map(|part| part.value));
        }
        keys
    }
}

/// Accounts by all that leads to them.
#[derive(Debug, Default)]
pub(crate) struct Excerpt {
    pub(crate) head: Head,
    pub(crate) accounts: Vec<Account>,
    by_id: HashMap<String, usize>,
    by_number: HashMap<String, usize>,
    by_contact: HashMap<String, usize>,
}

impl Excerpt {
    /// Accounts as (id, number, onboarding queue).
    pub(crate) fn new(head: Head, accounts: Vec<(String, String, Option<String>)>) -> Self {
        let mut excerpt = Self {
            head,
            ..Self::default()
        };
        for (place, (id, number, onboarding_queue)) in accounts.into_iter().enumerate() {
            excerpt.by_id.insert(id.clone(), place);
            excerpt.by_number.insert(number.clone(), place);
            excerpt.accounts.push(Account {
                id,
                number,
                onboarding_queue,
                owners: Vec::new(),
            });
        }
        excerpt
    }

    /// Adds contacts as (id, account id); those of accounts outside the excerpt are left out.
    pub(crate) fn with_contacts(mut self, contacts: Vec<(String, String)>) -> Self {
        for (contact, account) in contacts {
            if let Some(place) = self.by_id.get(&account) {
                self.by_contact.insert(contact, *place);
            }
        }
        self
    }

    /// Adds owners as (account id, user id, active), those of one account in their order.
    pub(crate) fn with_owners(mut self, owners: Vec<(String, String, bool)>) -> Self {
        for (account, user_id, active) in owners {
            if let Some(place) = self.by_id.get(&account) {
                self.accounts[*place].owners.push(Owner { user_id, active });
            }
        }
        self
    }

    pub(crate) fn by_number(&self, number: &str) -> Option<&Account> {
        self.by_number
            .get(number)
            .map(|place| &self.accounts[*place])
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Account> {
        self.by_id.get(id).map(|place| &self.accounts[*place])
    }

    /// The account that a contact belongs to.
    pub(crate) fn by_contact(&self, contact: &str) -> Option<&Account> {
        self.by_contact
            .get(contact)
            .map(|place| &self.accounts[*place])
    }

    /// Every contact with the place of its account in `accounts`, in no order.
    pub(crate) fn contacts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_contact
            .iter()
            .map(|(contact, place)| (contact.as_str(), *place))
    }
}
