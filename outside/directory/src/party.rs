//! Whose client it is and who earns on it, once the rows are in hand.

use schemas::{CommissionOwner, FoundBy, Party, Refusal};

use crate::{
    Answer, Found, Link, Named, Part, Refused,
    excerpt::{Account, Excerpt},
};

/// What the configuration adds to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The queue that hears where nobody active earns on an account, unless the table names one itself.
    pub fallback_queue: String,
    /// Where people open an account, e.g. `https://crm.example/accounts/{id}`.
    pub account_link: Link,
    /// Where people open a contact.
    pub contact_link: Link,
}

impl Settings {
    /// The queue that hears where nobody active earns on an account.
    pub(crate) fn fallback_queue<'a>(&'a self, excerpt: &'a Excerpt) -> &'a str {
        excerpt
            .head
            .fallback_queue
            .as_deref()
            .unwrap_or(&self.fallback_queue)
    }
}

/// Answers one question from an excerpt that holds every row that its keys lead to.
pub(crate) fn find(excerpt: &Excerpt, named: &Named<'_>, settings: &Settings) -> Answer {
    let account = account(excerpt, named)?;
    let unknown = || refused(Refusal::UnknownAccount, named.field());
    let link = |link: &Link, id: &str| link.to(id).ok_or_else(unknown);
    // The importer lets in no id that makes no link; a row written past it is not trusted with one.
    let account_link = link(&settings.account_link, &account.id)?;
    let contact_link = named
        .contact_id
        .map(|contact| link(&settings.contact_link, contact.value))
        .transpose()?;
    // Only an import sets these, and none does without a default queue.
    let onboarding_queue = onboarding_queue(excerpt, account).ok_or_else(unknown)?;
    Ok(Found {
        party: Party {
            account_id: account.id.clone(),
            account_number: account.number.clone(),
            contact_id: named.contact_id.map(|contact| contact.value.to_owned()),
            account_link,
            contact_link,
            found_by: FoundBy::Reference,
        },
        commission_owner: commission_owner(account, settings.fallback_queue(excerpt)),
        onboarding_queue: onboarding_queue.to_owned(),
    })
}

/// The one account that everything named belongs to.
fn account<'e>(excerpt: &'e Excerpt, named: &Named<'_>) -> Result<&'e Account, Refused> {
    let known = |account: Option<&'e Account>, part: Part<'_>| {
        account.ok_or(refused(Refusal::UnknownAccount, Some(part.field)))
    };
    let by_number = named
        .account_number
        .map(|part| known(excerpt.by_number(part.value), part))
        .transpose()?;
    let by_id = named
        .account_id
        .map(|part| known(excerpt.by_id(part.value), part))
        .transpose()?;
    if let (Some(one), Some(other)) = (by_number, by_id)
        && one.id != other.id
    {
        return Err(refused(Refusal::AmbiguousParty, None));
    }
    let by_contact = named
        .contact_id
        .map(|part| (part, excerpt.by_contact(part.value)));
    match (by_number.or(by_id), by_contact) {
        (Some(account), None) => Ok(account),
        (Some(account), Some((_, Some(of_contact)))) if account.id == of_contact.id => Ok(account),
        (Some(_), Some((part, _))) => Err(refused(Refusal::ContactNotOfAccount, Some(part.field))),
        (None, Some((part, of_contact))) => known(of_contact, part),
        (None, None) => Err(refused(Refusal::BadReference, None)),
    }
}

/// The first active user of the account's list; nobody active means the fallback queue, never silence.
pub(crate) fn commission_owner(account: &Account, fallback_queue: &str) -> CommissionOwner {
    match account.owners.iter().find(|owner| owner.active) {
        Some(owner) => CommissionOwner {
            user_id: Some(owner.user_id.clone()),
            active: true,
            fallback_queue: None,
            found_by: FoundBy::CommissionOrder,
        },
        None => CommissionOwner {
            user_id: None,
            active: false,
            fallback_queue: Some(fallback_queue.to_owned()),
            found_by: FoundBy::Fallback,
        },
    }
}

/// The account's own queue, else the default one.
pub(crate) fn onboarding_queue<'e>(excerpt: &'e Excerpt, account: &'e Account) -> Option<&'e str> {
    account
        .onboarding_queue
        .as_deref()
        .or(excerpt.head.default_onboarding_queue.as_deref())
}

fn refused(reason: Refusal, field: Option<&'static str>) -> Refused {
    Refused { reason, field }
}
