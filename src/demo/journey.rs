//! The journey of each callback of the story, from topic to topic.

use super::{
    Act, AnyEvent, Arc, Audience, BTreeMap, Broker, Ends, Failure, NoticeOutcome, Record, Topic,
    emit, output,
};
use jumio::scenarios::Fill;
use schemas::Position;
use stage::{Clock as _, SystemClock};

/// The callback of an act; its provider reference names its place in the story.
pub(super) fn post(number: usize, act: &Act) -> Result<emit::Post, Failure> {
    let scenario = emit::scenario(act.scenario)?;
    let fill = Fill {
        provider_reference: format!("demo-{number}"),
        customer_reference: Some(act.customer.to_owned()),
        occurred_at: SystemClock.now().to_string(),
        ..Fill::default()
    };
    let body = scenario.body(&fill).into_bytes();
    Ok(emit::Post {
        name: act.scenario.to_owned(),
        media: scenario.media,
        body,
    })
}

/// Everything that the topics hold.
pub(super) struct Whole {
    raw: Vec<Record>,
    events: BTreeMap<Topic, Vec<(Record, AnyEvent)>>,
}

impl Whole {
    pub(super) async fn read(broker: &Arc<dyn Broker>) -> Result<Self, Failure> {
        let mut events = BTreeMap::new();
        for topic in [
            Topic::Checked,
            Topic::Enriched,
            Topic::Notified,
            Topic::Rejected,
            Topic::Audited,
        ] {
            events.insert(topic, crate::tail::all(broker, topic).await?);
        }
        Ok(Self {
            raw: crate::tail::records(broker, Topic::Raw).await?,
            events,
        })
    }

    pub(super) fn of(&self, topic: Topic) -> impl Iterator<Item = &AnyEvent> {
        self.events
            .get(&topic)
            .into_iter()
            .flatten()
            .map(|(_, event)| event)
    }

    /// Whether each raw record has been told or refused, and every record stands in the history.
    pub(super) fn is_at_its_end(&self) -> bool {
        let count = |topic: Topic| self.of(topic).count();
        let told = 2 * count(Topic::Enriched) + count(Topic::Rejected);
        let audited: i64 = self
            .of(Topic::Audited)
            .map(|event| {
                if let AnyEvent::Audited(audited) = event {
                    audited.records()
                } else {
                    0
                }
            })
            .sum();
        let records = self.raw.len()
            + [
                Topic::Checked,
                Topic::Enriched,
                Topic::Notified,
                Topic::Rejected,
            ]
            .map(count)
            .iter()
            .sum::<usize>();
        self.raw.len() == super::STORY.len()
            && count(Topic::Enriched) + count(Topic::Rejected) == self.raw.len()
            && count(Topic::Notified) >= told
            && usize::try_from(audited) == Ok(records)
    }

    /// Shows what each callback became; what is not as the story says comes back.
    pub(super) fn show(&self, story: &[Act]) -> Result<Vec<String>, Failure> {
        let mut wrong = Vec::new();
        for (number, act) in story.iter().enumerate() {
            let position = self.raw_of(number);
            let Some(position) = position else {
                wrong.push(format!("{} is not in raw", act.scenario));
                continue;
            };
            let (line, ends) = self.journey(&position);
            output::line(&format!("   {:<16} raw {position} → {line}", act.scenario))?;
            let right = match act.ends {
                Ends::Told => ends == "told",
                Ends::Refused(reason) => ends == reason,
            };
            if !right {
                wrong.push(format!(
                    "{} ended as {ends}, not {:?}",
                    act.scenario, act.ends
                ));
            }
        }
        Ok(wrong)
    }

    fn raw_of(&self, number: usize) -> Option<Position> {
        // A body that cannot be decoded names nothing; it is the one that no other act claims.
        let named = |record: &&Record| {
            let body = record.value.as_deref().unwrap_or_default();
            jumio::identify(jumio::Media::guess(body), body)
                .ok()
                .is_some_and(|identity| identity.provider_reference == format!("demo-{number}"))
        };
        let broken = |record: &&Record| record.header(schemas::header::REFUSED).is_some();
        self.raw
            .iter()
            .find(named)
            .or_else(|| self.raw.iter().find(broken))
            .map(|record| record.position.clone())
    }

    fn journey(&self, raw: &Position) -> (String, String) {
        for event in self.of(Topic::Rejected) {
            if let AnyEvent::Rejected(rejected) = event
                && rejected
                    .raw()
                    .is_some_and(|pointer| pointer.position() == *raw)
            {
                let (stage, reason) = (rejected.stage(), rejected.reason());
                let line = format!(
                    "rejected by {stage}: {reason} ({})",
                    rejected.probable_cause()
                );
                return (line, reason.to_string());
            }
        }
        for event in self.of(Topic::Enriched) {
            if let AnyEvent::Enriched(enriched) = event
                && enriched.checked().raw().position() == *raw
            {
                let (outcome, party) = (enriched.checked().outcome(), enriched.party());
                let told = self.told(&enriched.checked().event_id().to_string());
                let line = format!(
                    "checked {outcome} → enriched {} ({}) → told {}",
                    party.account_number,
                    enriched.confirmation(),
                    told.join(" and "),
                );
                let ends = if told.len() == 2 {
                    "told".to_owned()
                } else {
                    format!("told {}", told.len())
                };
                return (line, ends);
            }
        }
        ("nothing yet".to_owned(), "nothing".to_owned())
    }

    fn told(&self, event_id: &str) -> Vec<String> {
        let notices = self.of(Topic::Notified).filter_map(|event| {
            if let AnyEvent::Notified(notified) = event {
                Some(notified)
            } else {
                None
            }
        });
        notices
            .filter(|notice| notice.event_id() == event_id)
            .filter(|notice| {
                notice.outcome() == NoticeOutcome::Sent && notice.audience() != Audience::Admins
            })
            .map(|notice| format!("{} ({})", notice.audience(), notice.recipient_id()))
            .collect()
    }
}
