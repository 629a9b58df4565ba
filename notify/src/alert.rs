//! What admins read: one closed kind of trouble, where it stands, its probable cause and what to do next.

use ipnet::IpNet;
use schemas::{Audience, Id, Position, ProbableCause, Refusal, Stage, Timestamp};
use serde::{Deserialize, Serialize};

use crate::view::Word;

/// What went wrong. No variant can hold a value of a message, a result or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A stage refused a record.
    Refused {
        /// Who refused.
        stage: Stage,
        /// Why.
        reason: Refusal,
        /// The path of the field at fault.
        field: Option<Word>,
        /// By which `idtrail rejected show` finds it.
        id: Id,
    },
    /// `notify` cannot read a record of its own house.
    Unreadable {
        /// Why.
        reason: Refusal,
    },
    /// Two results of one check cannot both be true.
    Contradiction {
        /// The provider's reference, by which `idtrail history` finds the check.
        reference: Word,
    },
    /// A network that is not on the door's list posts well-formed callbacks: the provider may have moved.
    Drift {
        /// The network; none: several, of which each alone is not known any more.
        network: Option<IpNet>,
    },
    /// A notice to onboarding or sales was given up.
    Undeliverable {
        /// Who was not told.
        audience: Audience,
        /// Why.
        reason: Failing,
    },
}

/// Why a notice was given up; the closed code of a `failed` notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// The directory knows no such recipient, or nobody active.
    NoAddress,
    /// The event names nobody: no commission owner and no fallback queue.
    NoRecipient,
    /// The directory's address is none that mail can be sent to.
    BadAddress,
    /// The directory's link is none that may stand in a notice.
    BadLink,
    /// The channel refuses this notice for good.
    Refused,
    /// The channel was not ready in any of the tries.
    GivenUp,
}

impl Failing {
    /// The code as it stands in `notified`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAddress => "no_address",
            Self::NoRecipient => "no_recipient",
            Self::BadAddress => "bad_address",
            Self::BadLink => "bad_link",
            Self::Refused => "refused",
            Self::GivenUp => "given_up",
        }
    }
}

impl Trouble {
    /// The kind that an alert window is kept for: coarse enough that one cause is one alert.
    pub fn kind(&self) -> String {
        match self {
            Self::Refused { stage, reason, .. } => format!("refused/{stage}/{reason}"),
            Self::Unreadable { reason } => format!("unreadable/{reason}"),
            Self::Contradiction { .. } => "contradiction".to_owned(),
            Self::Drift { network } => format!("drift/{}", drifting(*network)),
            Self::Undeliverable { reason, .. } => format!("undeliverable/{}", reason.as_str()),
        }
    }

    /// What probably lies behind it, in words.
    pub fn probable_cause(&self) -> &'static str {
        match self {
            Self::Refused { reason, .. } | Self::Unreadable { reason } => {
                match reason.probable_cause() {
                    ProbableCause::ProviderChanged => "the provider changed what it sends",
                    ProbableCause::OurRelease => "a release of ours is at fault",
                    ProbableCause::ForeignSource => {
                        "somebody else sends, or a source is set up wrongly"
                    }
                    ProbableCause::Unlisted => "not known to this release",
                }
            }
            Self::Contradiction { .. } => {
                "the provider corrected itself, or somebody else sends in its name"
            }
            Self::Drift { .. } => {
                "the provider sends from new addresses and is answered 403, or somebody else sends in its name"
            }
            Self::Undeliverable { reason, .. } => match reason {
                Failing::NoAddress => "the recipient is unknown to the directory, or has left",
                Failing::NoRecipient => {
                    "nobody active earns on the account, and it has no fallback queue"
                }
                Failing::BadAddress => "the directory holds a wrong address",
                Failing::BadLink => "the links in the directory's settings are wrong",
                Failing::Refused => "the mailbox does not exist, or takes no mail from us",
                Failing::GivenUp => "the mail server was away for longer than all tries",
            },
        }
    }

    /// What to do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::Refused { id, .. } => format!("idtrail rejected show {id}"),
            Self::Unreadable { .. } => {
                "find out which release writes this topic; the record stays where it is".to_owned()
            }
            Self::Contradiction { reference } => {
                format!("idtrail history --reference {}", reference.as_str())
            }
            Self::Drift { network: None } => {
                "`idtrail sources check`, and ask the provider for its addresses".to_owned()
            }
            Self::Drift {
                network: Some(network),
            } => format!(
                "find out whose it is; if it is the provider's: idtrail sources approve {network} --hours 24 --reason WHY --by WHO"
            ),
            Self::Undeliverable { .. } => {
                "`idtrail tail notified` names the recipient; mend it in the directory, then tell it by hand"
                    .to_owned()
            }
        }
    }
}

/// The network that drifts, in words.
pub(crate) fn drifting(network: Option<IpNet>) -> String {
    network.map_or_else(
        || "several networks".to_owned(),
        |network| network.to_string(),
    )
}

/// What admins read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminView {
    trouble: Trouble,
    topic: Word,
    partition: i32,
    offset: i64,
    more: Option<More>,
}

/// How often it happened again within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// How often.
    pub count: i64,
    /// Since the first alert.
    pub since: Timestamp,
}

impl AdminView {
    /// The alert of a trouble that was met at a record.
    pub fn of(trouble: Trouble, at: &Position) -> Self {
        Self {
            trouble,
            topic: Word::of(&at.topic),
            partition: at.partition,
            offset: at.offset,
            more: None,
        }
    }

    /// The message at the end of a window, about the first alert and those that followed it.
    #[must_use]
    pub fn counted(mut self, more: More) -> Self {
        self.more = Some(more);
        self
    }

    /// What went wrong.
    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// Where the first record of it stands.
    pub fn position(&self) -> String {
        format!("{}/{}/{}", self.topic.as_str(), self.partition, self.offset)
    }

    /// How often it happened again.
    pub fn more(&self) -> Option<More> {
        self.more
    }
}
