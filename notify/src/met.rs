//! What one record leads to: who is told of an event, and that admins hear of a refusal.

use std::collections::HashMap;

use schemas::{Audience, Enriched, Event as _, Id, Operated, Refusal, Rejected, Timestamp, Topic};
use stage::{Codec, Record};

use crate::{
    alert::{Failing, Trouble},
    decide::{News, Told, Verdict},
    draft::{Draft, Origin, Who},
    plan::{End, Plan},
    template,
    view::{BadLink, OnboardingView, SalesView, View, Word},
};

/// Who a notice is for where the event names nobody; no id of a directory looks like this.
const NOBODY: &str = "(nobody)";

/// A record that was read.
enum Read {
    Enriched(Box<Enriched>),
    Rejected(Box<Rejected>),
    Operated(Operated),
    Unreadable(Refusal),
}

/// A record that was read, with where it came from.
pub(crate) struct Met {
    read: Read,
    pub(crate) origin: Origin,
}

impl Met {
    /// Reads a record; `Codec::learn` must have seen it.
    pub(crate) fn read(record: &Record, codec: &Codec, now: Timestamp) -> Self {
        let read = match record.topic {
            Topic::Enriched => {
                let event = codec.decode(record);
                event.map(|event| Read::Enriched(Box::new(event)))
            }
            Topic::Operated => codec.decode(record).map(Read::Operated),
            Topic::Rejected | Topic::Raw | Topic::Checked | Topic::Notified | Topic::Audited => {
                let event = codec.decode(record);
                event.map(|event| Read::Rejected(Box::new(event)))
            }
        };
        let read = read.unwrap_or_else(|unreadable| Read::Unreadable(unreadable.0));
        let check = match &read {
            Read::Enriched(event) => Some(event.checked().check()),
            Read::Rejected(event) => event.subject(),
            Read::Operated(_) | Read::Unreadable(_) => None,
        };
        let mut origin = Origin::of(record, check, now);
        if let Read::Enriched(event) = &read {
            origin.received_at = Some(event.checked().received_at());
        }
        Self { read, origin }
    }

    /// Why it cannot be read, if it cannot.
    pub(crate) fn unreadable(&self) -> Option<Refusal> {
        match self.read {
            Read::Unreadable(reason) => Some(reason),
            Read::Enriched(_) | Read::Rejected(_) | Read::Operated(_) => None,
        }
    }

    /// The check whose state the decision depends on.
    pub(crate) fn check_told_of(&self) -> Option<&str> {
        match self.read {
            Read::Enriched(_) => self.origin.check.as_deref(),
            Read::Rejected(_) | Read::Operated(_) | Read::Unreadable(_) => None,
        }
    }

    /// Plans what it leads to; gives the check whose state has changed.
    pub(crate) fn plan(
        &self,
        plan: &mut Plan<'_>,
        told: &mut HashMap<String, Told>,
    ) -> Option<&str> {
        match &self.read {
            Read::Enriched(event) => self.plan_enriched(event, plan, told),
            Read::Rejected(event) => {
                let trouble = Trouble::Refused {
                    stage: event.stage(),
                    reason: event.reason(),
                    field: event.field().map(Word::of),
                    id: event.id(),
                };
                plan.alert(event.id().to_string(), trouble, self.origin.clone());
                None
            }
            Read::Operated(act) => {
                // Of all acts the door's own alert alone needs somebody to act; the others were somebody's doing.
                if act.action() == Operated::DRIFT {
                    let network = act.target().and_then(|target| target.parse().ok());
                    let trouble = Trouble::Drift { network };
                    plan.alert(act.ce_id(), trouble, self.origin.clone());
                }
                None
            }
            Read::Unreadable(reason) => {
                let subject = Id::derive(&["unreadable", &self.origin.source.to_string()]);
                let trouble = Trouble::Unreadable { reason: *reason };
                plan.alert(subject.to_string(), trouble, self.origin.clone());
                None
            }
        }
    }

    fn plan_enriched(
        &self,
        event: &Enriched,
        plan: &mut Plan<'_>,
        told: &mut HashMap<String, Told>,
    ) -> Option<&str> {
        let check = self.origin.check.as_deref()?;
        if !told.contains_key(check) {
            told.insert(check.to_owned(), Told::default());
        }
        let decision = told.get_mut(check)?.decide(&News::of(event));
        let onboarding = (Audience::Onboarding, decision.onboarding);
        for (audience, verdict) in [onboarding, (Audience::Sales, decision.sales)] {
            let recipient = recipient(event, audience);
            let who = Who {
                event_id: event.checked().event_id().to_string(),
                audience,
                recipient: recipient.unwrap_or(NOBODY).to_owned(),
            };
            let failing = match verdict {
                Verdict::Suppress(why) => {
                    plan.suppress(&who, why, &self.origin);
                    continue;
                }
                Verdict::Tell if recipient.is_none() => Failing::NoRecipient,
                Verdict::Tell => match view(event, audience) {
                    Ok(view) => {
                        let origin = self.origin.clone();
                        plan.tell(Draft { who, view, origin });
                        continue;
                    }
                    Err(BadLink) => Failing::BadLink,
                },
            };
            let end = End {
                failing,
                attempts: 0,
                at: self.origin.decided_at,
            };
            plan.fail(&who, template::of_audience(audience), end, &self.origin);
        }
        if decision.contradicts {
            let trouble = Trouble::Contradiction {
                reference: Word::of(event.checked().provider_reference()),
            };
            let event_id = event.checked().event_id().to_string();
            plan.alert(event_id, trouble, self.origin.clone());
        }
        decision.tells().then_some(check)
    }
}

fn recipient(event: &Enriched, audience: Audience) -> Option<&str> {
    let owner = event.commission_owner();
    match audience {
        Audience::Sales => owner.user_id.as_deref().or(owner.fallback_queue.as_deref()),
        Audience::Onboarding | Audience::Admins | Audience::Unlisted => {
            Some(event.onboarding_queue())
        }
    }
}

fn view(event: &Enriched, audience: Audience) -> Result<View, BadLink> {
    match audience {
        Audience::Sales => SalesView::of(event).map(View::Sales),
        Audience::Onboarding | Audience::Admins | Audience::Unlisted => {
            OnboardingView::of(event).map(View::Onboarding)
        }
    }
}
