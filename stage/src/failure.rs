//! The two ways in which one event does not succeed at once.

use schemas::Refusal;

/// The world was not ready; the same event will be tried again, for ever.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Retry(String);

impl Retry {
    /// Says what was not ready and, where somebody can mend it, how. Never holds a value of a message.
    pub fn because(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// Why one event did not become the next. Whoever meets the error says which; only the loop knows how often.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The world was not ready.
    #[error(transparent)]
    Retry(#[from] Retry),
    /// The event is at fault; it leaves as `rejected`.
    #[error("rejected: {reason}")]
    Reject {
        /// Why.
        reason: Refusal,
        /// The field at fault.
        field: Option<String>,
    },
}
