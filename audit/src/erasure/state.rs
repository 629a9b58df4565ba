//! How far a request to erase has come.

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Somebody asked for it.
    Requested,
    /// Somebody else approved it; the service has not begun.
    Approved,
    /// It stands in the log, or is about to, and the keys go.
    Destroying,
    /// The keys are gone.
    Destroyed,
    /// It could not be done when its turn came.
    Refused,
}

impl State {
    /// The word in the key database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Destroying => "destroying",
            Self::Destroyed => "destroyed",
            Self::Refused => "refused",
        }
    }

    /// The state of a word.
    pub(super) fn of(word: &str) -> Result<Self, sqlx::Error> {
        let all = [
            Self::Requested,
            Self::Approved,
            Self::Destroying,
            Self::Destroyed,
            Self::Refused,
        ];
        let found = all.into_iter().find(|state| state.word() == word);
        found.ok_or_else(|| sqlx::Error::Decode("no state of an erasure".into()))
    }
}
