//! One callback on its way: what was seen of it, whether it has come to its end, and what does not fit.

use schemas::{Audience, Topic};
use serde::{Deserialize, Serialize};

use super::piece::{End, Notice, Part, Piece};
use crate::body::{position_of, topic_of};

/// What was seen of a callback and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journey {
    /// Whether the callback itself was seen, and whether an operator had sent it again.
    raw: Option<bool>,
    checked: Option<String>,
    end: Option<(String, End)>,
    told: Vec<Notice>,
}

/// What a journey came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everybody was told who was to be told.
    Audited,
    /// It was refused, and admins were told.
    Refused,
    /// The provider had sent it before.
    Repeat,
    /// It is no callback: an event that could not be read, and that admins were told of.
    Apart,
}

/// What does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// A record has no successor, and had its time.
    NoSuccessor,
    /// A record is one successor too many of the same record.
    TwoSuccessors,
    /// A record names one before it that the history does not have.
    NoPredecessor,
    /// The sums do not come out.
    Sums,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [
        Self::NoSuccessor,
        Self::TwoSuccessors,
        Self::NoPredecessor,
        Self::Sums,
    ];

    /// The word in the log, in metrics and in answers.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NoSuccessor => "no_successor",
            Self::TwoSuccessors => "two_successors",
            Self::NoPredecessor => "no_predecessor",
            Self::Sums => "sums",
        }
    }
}

impl Journey {
    /// Takes one more entry; gives the fault where it is one too many.
    pub(super) fn take(&mut self, part: Part) -> Option<Fault> {
        let of_raw = |end: &End| matches!(end, End::Refused { of_raw: true, .. });
        let ended_raw = self.end.as_ref().is_some_and(|(_, end)| of_raw(end));
        let doubled = match part.piece {
            Piece::Raw { replay } => {
                self.raw = Some(replay);
                false
            }
            Piece::Checked => {
                let doubled = ended_raw || self.checked.is_some();
                self.checked.get_or_insert(part.place);
                doubled
            }
            Piece::End(end) => {
                let doubled = self.end.is_some() || (of_raw(&end) && self.checked.is_some());
                self.end.get_or_insert((part.place, end));
                self.told.retain(|notice| fits(self.end.as_ref(), notice));
                doubled
            }
            Piece::Notice(notice) => {
                if !fits(self.end.as_ref(), &notice) {
                    return None;
                }
                // Before the end is known admins' notices are told apart by their events.
                let same = |one: &Notice| {
                    one.audience == notice.audience
                        && (self.end.is_some() || one.event == notice.event)
                };
                let doubled = self.told.iter().any(same);
                if !doubled {
                    self.told.push(notice);
                }
                doubled
            }
        };
        doubled.then_some(Fault::TwoSuccessors)
    }

    /// Takes what was told of its end before that was seen; gives the notices that are one too many.
    pub(super) fn told_before(&mut self, early: Self) -> Vec<String> {
        let mut doubled = Vec::new();
        for notice in early.told {
            if !fits(self.end.as_ref(), &notice) {
                continue;
            }
            if self.told(notice.audience) {
                doubled.push(notice.place);
            } else {
                self.told.push(notice);
            }
        }
        doubled
    }

    fn told(&self, audience: Audience) -> bool {
        self.told.iter().any(|notice| notice.audience == audience)
    }

    /// What it came to; nothing while it is on its way. `root` is where it begins.
    pub(super) fn outcome(&self, root: &str) -> Option<Outcome> {
        let raw = begins_with_a_callback(root);
        if raw && self.raw.is_none() {
            return None;
        }
        let outcome = match &self.end.as_ref()?.1 {
            End::Enriched => {
                let told = self.told(Audience::Onboarding) && self.told(Audience::Sales);
                let repeat = self.told.iter().any(|notice| notice.repeat);
                let outcome = if repeat && self.raw != Some(true) {
                    Outcome::Repeat
                } else {
                    Outcome::Audited
                };
                (told && self.checked.is_some()).then_some(outcome)
            }
            End::Refused { of_raw, .. } => {
                let whole = self.told(Audience::Admins) && (*of_raw || self.checked.is_some());
                whole.then_some(Outcome::Refused)
            }
            End::Unreadable { .. } => self.told(Audience::Admins).then_some(Outcome::Refused),
        };
        outcome.map(|outcome| if raw { outcome } else { Outcome::Apart })
    }

    /// The record that it ends with, by whose place it is told of.
    pub(super) fn ends(&self) -> Option<&str> {
        self.end.as_ref().map(|(place, _)| place.as_str())
    }

    /// The notices, where nothing else was seen.
    pub(super) fn only_told(&self) -> Option<&[Notice]> {
        let alone = self.raw.is_none() && self.checked.is_none() && self.end.is_none();
        alone.then_some(&self.told)
    }

    /// The first record of it that was seen, where the callback itself was not.
    pub(super) fn without_raw(&self, root: &str) -> Option<&str> {
        let lacks = begins_with_a_callback(root) && self.raw.is_none();
        let seen = self.checked.as_deref().or_else(|| self.ends());
        seen.filter(|_| lacks)
    }

    /// The last record of it that was seen: the one whose successor is missing.
    pub(super) fn newest<'a>(&'a self, root: &'a str) -> &'a str {
        let seen = self
            .ends()
            .filter(|_| self.checked.is_some() || self.is_of_raw());
        seen.or(self.checked.as_deref()).unwrap_or(root)
    }

    fn is_of_raw(&self) -> bool {
        let end = self.end.as_ref().map(|(_, end)| end);
        matches!(
            end,
            Some(End::Refused { of_raw: true, .. } | End::Unreadable { .. })
        )
    }
}

/// Whether a journey under this place is that of a callback.
pub(super) fn begins_with_a_callback(root: &str) -> bool {
    position_of(root).and_then(|place| topic_of(&place.topic)) == Some(Topic::Raw)
}

/// Whether a notice ends what it tells of. Of a refusal admins also get the count of those that followed it.
pub(super) fn fits(end: Option<&(String, End)>, notice: &Notice) -> bool {
    match end.map(|(_, end)| end) {
        None => true,
        Some(End::Enriched) => {
            matches!(notice.audience, Audience::Onboarding | Audience::Sales)
        }
        Some(End::Refused { id, .. } | End::Unreadable { id }) => {
            notice.audience == Audience::Admins && notice.event == *id
        }
    }
}
