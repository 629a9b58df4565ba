//! The questions that a directory answers, whoever keeps it.

use async_trait::async_trait;

use schemas::{CommissionOwner, Party, Refusal};

use crate::shape;

/// Knows whose client a check is, who earns on it and how people are reached.
///
/// Every answer is exact and unique or a refusal: nothing is trimmed, folded or guessed. The same question may be asked
/// again after a crash; as long as the directory has not changed, the answer is the same.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Finds the party of each question: one answer for each, in order, all from one state of the directory.
    ///
    /// A whole batch at once, so that it costs a constant number of calls to the outside. `Unavailable` says nothing
    /// about any question; the caller asks the whole batch again, for as long as it takes.
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Answer>, Unavailable>;

    /// The addresses of users and queues by their ids, in order; none for who is unknown or no longer active.
    ///
    /// Asked at the moment of telling and never kept, so that who has left hears nothing more.
    async fn addresses(&self, recipients: &[&str]) -> Result<Vec<Option<Address>>, Unavailable>;
}

/// The two references that we gave the provider and that it echoed, as they came.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The reference to the client.
    pub customer_reference: Option<&'a str>,
    /// The reference to this one check.
    pub transaction_reference: Option<&'a str>,
}

/// A party with everything that telling people needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose client it is.
    pub party: Party,
    /// Who earns on it.
    pub commission_owner: CommissionOwner,
    /// The queue of the people who wait for the result.
    pub onboarding_queue: String,
}

/// What a directory says to one question.
pub type Answer = Result<Found, Refused>;

/// Why no party was found; the event is at fault, not the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused: {reason}")]
pub struct Refused {
    /// `BadReference`, `UnknownAccount`, `ContactNotOfAccount` or `AmbiguousParty`.
    pub reason: Refusal,
    /// The reference at fault; none where the two contradict each other.
    pub field: Option<&'static str>,
}

/// The directory could not answer, which says nothing about the question: ask again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the directory cannot answer: {0}")]
pub struct Unavailable(String);

impl Unavailable {
    /// Says what was not ready and, where somebody can mend it, how. Never holds a reference or an address.
    pub fn because(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl From<sqlx::Error> for Unavailable {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::because("no connection to its database");
        }
        // The text of a database names tables and constraints; values stand in its detail, which is left out.
        Self::because(error)
    }
}

/// Where a user or a queue is reached. Prints as `Address(…)`, so that it cannot slip into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    email: String,
    locale: Option<String>,
}

impl Address {
    /// An address of a plain shape, which cannot break out of a mail's header; or nothing.
    pub fn new(email: &str, locale: Option<&str>) -> Option<Self> {
        (shape::is_email(email) && locale.is_none_or(shape::is_locale)).then(|| Self {
            email: email.to_owned(),
            locale: locale.map(str::to_owned),
        })
    }

    /// The e-mail address itself, for the one who sends.
    pub fn expose(&self) -> &str {
        &self.email
    }

    /// The language that the person reads, e.g. `de-AT`, where it is known.
    pub fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_does_not_print_itself() {
        let address = Address::new("max@example.test", Some("de-AT")).unwrap();
        assert_eq!(format!("{address:?}"), "Address(…)");
        assert_eq!(
            (address.expose(), address.locale()),
            ("max@example.test", Some("de-AT"))
        );
    }

    #[test]
    fn an_address_that_could_break_a_header_is_none() {
        assert_eq!(
            Address::new("max@example.test\r\nBcc: eve@example.test", None),
            None
        );
    }
}
