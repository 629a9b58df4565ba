//! Who must know of an event, once: a function of what was told of its check before.

use schemas::{Audience, Enriched, Id, Outcome};
use uuid::Uuid;

/// Events of one check that are remembered. A check has three to five; this bounds the row of one that a
/// provider gone wild reports about. What falls out would be told once more if it were repeated.
const REMEMBERED: usize = 32;

/// What was told of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    last: Option<(i32, Outcome)>,
    events: Vec<Uuid>,
}

/// What an event says, as far as telling depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    event_id: Id,
    outcome: Outcome,
    rank: i32,
}

/// Why somebody is not told; the closed code of a `suppressed` notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nothing to act on yet; nobody hears.
    Pending,
    /// Progress without a result; sales people hear only that there is a result.
    Progress,
    /// This very event was told before.
    Repeat,
    /// Something of a higher rank was told before.
    Overtaken,
    /// An alert of this kind was sent in this window.
    Counted,
}

/// Whether an audience is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is.
    Tell,
    /// It is not, and why.
    Suppress(Why),
}

/// What an event leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) onboarding: Verdict,
    pub(crate) sales: Verdict,
    /// Admins are alerted as well: this result and the one told before cannot both be true.
    pub(crate) contradicts: bool,
}

impl Decision {
    /// Whether anybody is told, so that the check's state has changed.
    pub(crate) fn tells(self) -> bool {
        self.onboarding == Verdict::Tell || self.sales == Verdict::Tell
    }
}

impl Why {
    /// The code as it stands in `notified`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Progress => "progress",
            Self::Repeat => "repeat",
            Self::Overtaken => "overtaken",
            Self::Counted => "counted",
        }
    }
}

impl News {
    pub(crate) fn of(event: &Enriched) -> Self {
        let checked = event.checked();
        Self {
            event_id: checked.event_id(),
            outcome: checked.outcome(),
            rank: checked.rank(),
        }
    }
}

impl Told {
    /// Decides, and remembers what will have been told.
    ///
    /// An outcome that an audience never hears is not told whatever went before; then a repeat is a
    /// repeat even if it was overtaken since; then a lower rank than the one told is overtaken. All else
    /// is news: also a second review with other facts, and a result that contradicts the one told.
    pub(crate) fn decide(&mut self, news: &News) -> Decision {
        let known = if self.events.contains(&news.event_id.uuid()) {
            Some(Why::Repeat)
        } else if self.last.is_some_and(|(rank, _)| news.rank < rank) {
            Some(Why::Overtaken)
        } else {
            None
        };
        let verdict = |audience| {
            never_heard(news.outcome, audience)
                .or(known)
                .map_or(Verdict::Tell, Verdict::Suppress)
        };
        let mut decision = Decision {
            onboarding: verdict(Audience::Onboarding),
            sales: verdict(Audience::Sales),
            contradicts: false,
        };
        if decision.tells() {
            decision.contradicts = self
                .last
                .is_some_and(|(_, told)| news.outcome.contradicts(told));
            self.remember(news);
        }
        decision
    }

    fn remember(&mut self, news: &News) {
        self.last = Some((news.rank, news.outcome));
        if self.events.len() == REMEMBERED {
            self.events.remove(0);
        }
        self.events.push(news.event_id.uuid());
    }

    /// What a database keeps: rank, outcome, and the ids of events, 16 bytes each.
    pub(crate) fn stored(&self) -> (i32, &'static str, Vec<u8>) {
        let (rank, outcome) = self.last.unwrap_or((0, Outcome::Pending));
        let events = self.events.iter().flat_map(|id| *id.as_bytes()).collect();
        (rank, outcome.as_str(), events)
    }

    /// What was kept.
    pub(crate) fn of_stored(rank: i32, outcome: &str, events: &[u8]) -> Self {
        Self {
            last: Some((rank, Outcome::from_word(outcome))),
            events: events
                .chunks_exact(16)
                .filter_map(|id| Uuid::from_slice(id).ok())
                .collect(),
        }
    }
}

/// Why an audience hears nothing of this outcome, whatever was told before.
fn never_heard(outcome: Outcome, audience: Audience) -> Option<Why> {
    match (outcome, audience) {
        (Outcome::Pending, _) => Some(Why::Pending),
        (Outcome::Received, Audience::Sales) => Some(Why::Progress),
        (
            Outcome::Received
            | Outcome::Passed
            | Outcome::Failed
            | Outcome::Review
            | Outcome::Resubmit
            | Outcome::Abandoned
            | Outcome::Unknown,
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests;
