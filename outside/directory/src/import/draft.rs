//! The rows of a file before it is known whether they hold together.

use std::collections::{HashMap, HashSet};

use super::{
    Account, Import, ImportError, MAX_OWNERS, MAX_ROWS, Problem, Queue, User, flaw::Place,
};
use crate::shape;

/// Rows as they stood in the file, each with its place.
#[derive(Debug, Default)]
pub(super) struct Draft {
    rows: usize,
    users: Vec<(Place, User)>,
    queues: Vec<(Place, Queue)>,
    accounts: Vec<(Place, Account)>,
    contacts: Vec<Link>,
    owners: Vec<Link>,
    default_onboarding_queue: Option<(Place, &'static str, String)>,
    fallback_queue: Option<(Place, &'static str, String)>,
}

/// A contact or an owner of an account.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) place: Place,
    /// The name that the contact's or the user's id has in this format.
    pub(super) field: &'static str,
    pub(super) id: String,
    pub(super) account: String,
}

/// What one queue of the whole table is used for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    DefaultOnboarding,
    Fallback,
}

impl Draft {
    pub(super) fn user(&mut self, place: Place, user: User) -> Result<(), ImportError> {
        self.count(place)?;
        check(place, "id", shape::is_id(&user.id), Problem::BadId)?;
        let email = shape::is_email(&user.email);
        check(place, "email", email, Problem::BadEmail)?;
        let locale = user.locale.as_deref().is_none_or(shape::is_locale);
        check(place, "locale", locale, Problem::BadLocale)?;
        self.users.push((place, user));
        Ok(())
    }

    pub(super) fn queue(&mut self, place: Place, queue: Queue) -> Result<(), ImportError> {
        self.count(place)?;
        check(place, "id", shape::is_id(&queue.id), Problem::BadId)?;
        let email = shape::is_email(&queue.email);
        check(place, "email", email, Problem::BadEmail)?;
        self.queues.push((place, queue));
        Ok(())
    }

    /// An account; its owners and contacts are told apart from it.
    pub(super) fn account(&mut self, place: Place, account: Account) -> Result<(), ImportError> {
        self.count(place)?;
        check(place, "id", shape::is_id(&account.id), Problem::BadId)?;
        let number = shape::is_id(&account.number);
        check(place, "number", number, Problem::BadId)?;
        self.accounts.push((place, account));
        Ok(())
    }

    pub(super) fn contact(&mut self, link: Link) -> Result<(), ImportError> {
        self.count(link.place)?;
        let id = shape::is_id(&link.id);
        check(link.place, link.field, id, Problem::BadId)?;
        self.contacts.push(link);
        Ok(())
    }

    pub(super) fn owner(&mut self, link: Link) -> Result<(), ImportError> {
        self.count(link.place)?;
        self.owners.push(link);
        Ok(())
    }

    pub(super) fn set_use(
        &mut self,
        what: Use,
        (place, field): (Place, &'static str),
        queue: String,
    ) -> Result<(), ImportError> {
        let slot = match what {
            Use::DefaultOnboarding => &mut self.default_onboarding_queue,
            Use::Fallback => &mut self.fallback_queue,
        };
        check(place, field, slot.is_none(), Problem::GivenTwice)?;
        *slot = Some((place, field, queue));
        Ok(())
    }

    /// Stops at the limit, so that a file cannot fill the memory before it is refused.
    fn count(&mut self, place: Place) -> Result<(), ImportError> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(ImportError::at_line(place.line, Problem::TooManyRows));
        }
        Ok(())
    }

    /// The whole, if it holds together. Sorted, so that the same content in another order is the same import; only the
    /// order of owners means something.
    pub(super) fn finish(self) -> Result<Import, ImportError> {
        let mut ids = HashSet::new();
        for (place, user) in &self.users {
            check(*place, "id", ids.insert(&user.id), Problem::Duplicate)?;
        }
        let users = ids.clone();
        let mut queues = HashSet::new();
        for (place, queue) in &self.queues {
            let new = ids.insert(&queue.id) && queues.insert(queue.id.as_str());
            check(*place, "id", new, Problem::Duplicate)?;
        }
        for (place, field, queue) in [&self.default_onboarding_queue, &self.fallback_queue]
            .into_iter()
            .flatten()
        {
            let known = queues.contains(queue.as_str());
            check(*place, field, known, Problem::UnknownQueue)?;
        }
        let default = self.default_onboarding_queue.clone();
        let (_, _, default) = default
            .ok_or_else(|| ImportError::of_field("default_onboarding_queue", Problem::Missing))?;

        let mut accounts = Accounts::new(self.accounts, &queues)?;
        for contact in self.contacts {
            accounts.add_contact(contact)?;
        }
        for owner in self.owners {
            let known = users.contains(&owner.id);
            check(owner.place, owner.field, known, Problem::UnknownUser)?;
            accounts.add_owner(owner)?;
        }
        let fallback_queue = self.fallback_queue.map(|(_, _, queue)| queue);
        let mut users: Vec<User> = self.users.into_iter().map(|(_, user)| user).collect();
        users.sort_by(|one, other| one.id.cmp(&other.id));
        let mut queues: Vec<Queue> = self.queues.into_iter().map(|(_, queue)| queue).collect();
        queues.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Import {
            users,
            queues,
            accounts: accounts.sorted(),
            default_onboarding_queue: default,
            fallback_queue,
        })
    }
}

/// Accounts that take in their contacts and owners.
struct Accounts {
    rows: Vec<Account>,
    by_id: HashMap<String, usize>,
    contacts: HashSet<String>,
}

impl Accounts {
    fn new(rows: Vec<(Place, Account)>, queues: &HashSet<&str>) -> Result<Self, ImportError> {
        let mut numbers = HashSet::new();
        let mut by_id = HashMap::new();
        for (position, (place, account)) in rows.iter().enumerate() {
            let new = by_id.insert(account.id.clone(), position).is_none();
            check(*place, "id", new, Problem::Duplicate)?;
            let new = numbers.insert(account.number.as_str());
            check(*place, "number", new, Problem::Duplicate)?;
            let own = account.onboarding_queue.as_deref();
            let known = own.is_none_or(|queue| queues.contains(queue));
            check(*place, "onboarding_queue", known, Problem::UnknownQueue)?;
        }
        Ok(Self {
            rows: rows.into_iter().map(|(_, account)| account).collect(),
            by_id,
            contacts: HashSet::new(),
        })
    }

    fn of(&mut self, link: &Link) -> Result<&mut Account, ImportError> {
        let position = self.by_id.get(&link.account);
        let unknown = || link.place.refused("account", Problem::UnknownAccount);
        Ok(&mut self.rows[*position.ok_or_else(unknown)?])
    }

    fn add_contact(&mut self, link: Link) -> Result<(), ImportError> {
        let new = self.contacts.insert(link.id.clone());
        check(link.place, link.field, new, Problem::ContactTwice)?;
        self.of(&link)?.contacts.push(link.id);
        Ok(())
    }

    fn add_owner(&mut self, link: Link) -> Result<(), ImportError> {
        let account = self.of(&link)?;
        let room = account.owners.len() < MAX_OWNERS;
        let new = !account.owners.contains(&link.id);
        check(link.place, link.field, room, Problem::TooManyOwners)?;
        check(link.place, link.field, new, Problem::Duplicate)?;
        account.owners.push(link.id);
        Ok(())
    }

    fn sorted(mut self) -> Vec<Account> {
        for account in &mut self.rows {
            account.contacts.sort();
        }
        self.rows.sort_by(|one, other| one.id.cmp(&other.id));
        self.rows
    }
}

fn check(place: Place, field: &str, holds: bool, problem: Problem) -> Result<(), ImportError> {
    if holds {
        Ok(())
    } else {
        Err(place.refused(field, problem))
    }
}
