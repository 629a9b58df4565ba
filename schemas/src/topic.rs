//! The topics, by what they hold; their names carry a prefix that is configuration.

/// A topic of idtrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Bodies byte for byte; the only topic with personal data.
    Raw,
    /// What a callback says, held against the contract.
    Checked,
    /// Whose client it is and who earns on it.
    Enriched,
    /// Who was told, or why not.
    Notified,
    /// Receipts of the history.
    Audited,
    /// What was refused, and why.
    Rejected,
    /// What operators did, and why.
    Operated,
}

impl Topic {
    /// All topics, in the order of the flow.
    pub const ALL: [Self; 7] = [
        Self::Raw,
        Self::Checked,
        Self::Enriched,
        Self::Notified,
        Self::Audited,
        Self::Rejected,
        Self::Operated,
    ];

    /// The topic's name without its prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Checked => "checked",
            Self::Enriched => "enriched",
            Self::Notified => "notified",
            Self::Audited => "audited",
            Self::Rejected => "rejected",
            Self::Operated => "operated",
        }
    }

    /// The topic's name at the broker, e.g. `idtrail.raw`.
    pub fn name(self, prefix: &str) -> String {
        format!("{prefix}.{}", self.as_str())
    }

    /// The subject under which the registry keeps the topic's schema.
    pub fn subject(self, prefix: &str) -> String {
        format!("{prefix}.{}-value", self.as_str())
    }

    /// Reads a topic's name without prefix.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == word)
    }

    /// How long the topic keeps a record, in days.
    ///
    /// `raw` holds personal data, so it is kept only as long as a repair needs it.
    pub fn retention_days(self) -> u32 {
        match self {
            Self::Raw => 7,
            Self::Checked
            | Self::Enriched
            | Self::Notified
            | Self::Audited
            | Self::Rejected
            | Self::Operated => 90,
        }
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
