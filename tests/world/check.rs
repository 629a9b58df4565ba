//! The equations of the design, proved by pointer over the whole of a world.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use schemas::{AnyEvent, Audience, NoticeOutcome, Position, Stage, Topic};
use stage::{Broker, Record};

use super::{World, receipts::receipts};

/// What a world came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) raw: usize,
    pub(crate) checked: usize,
    pub(crate) enriched: usize,
    pub(crate) rejected: usize,
    pub(crate) notified: usize,
    pub(crate) sent: usize,
    pub(crate) suppressed: usize,
    pub(crate) failed: usize,
    pub(crate) entries: i64,
}

/// Everything that the topics hold.
pub(crate) struct Whole {
    pub(crate) raw: Vec<Record>,
    pub(crate) events: BTreeMap<Topic, Vec<(Record, AnyEvent)>>,
}

impl World {
    /// Waits until everything that was posted has come to its end, and proves that nothing is missing or doubled.
    pub(crate) async fn settle(&self, limit: Duration) -> (Tally, Whole) {
        let broker = self.broker().await;
        let begun = Instant::now();
        loop {
            let whole = self.whole(&broker).await;
            match check(&whole) {
                Ok(tally) => return (tally, whole),
                Err(open) => assert!(
                    begun.elapsed() < limit,
                    "waited {limit:?} for the world to settle: {open}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    pub(crate) async fn whole(&self, broker: &Arc<dyn Broker>) -> Whole {
        // What follows is read before what it follows from, so that no successor is seen without its predecessor.
        let order = [
            Topic::Audited,
            Topic::Notified,
            Topic::Rejected,
            Topic::Enriched,
            Topic::Checked,
            Topic::Operated,
        ];
        let mut events = BTreeMap::new();
        for topic in order {
            events.insert(topic, self.events(broker, topic).await);
        }
        let raw = self.records(broker, Topic::Raw).await;
        Whole { raw, events }
    }
}

impl Whole {
    pub(crate) fn of(&self, topic: Topic) -> &[(Record, AnyEvent)] {
        &self.events[&topic]
    }
}

/// Each position of `from` has exactly one successor among `to`; the error says which has none. More than one panics.
fn one_successor(
    what: &str,
    from: &BTreeSet<Position>,
    to: impl Iterator<Item = Position>,
) -> Result<(), String> {
    let mut open = from.clone();
    for position in to {
        if !from.contains(&position) {
            // Read a moment later; if it stays so, the limit of the wait says it.
            return Err(format!(
                "{what}: a successor of {position}, which is not there"
            ));
        }
        assert!(
            open.remove(&position),
            "{what}: {position} has two successors"
        );
    }
    match open.first() {
        None => Ok(()),
        Some(first) => Err(format!(
            "{what}: {} have no successor yet, the first is {first}",
            open.len()
        )),
    }
}

fn positions<'a>(records: impl Iterator<Item = &'a Record>) -> BTreeSet<Position> {
    records.map(|record| record.position.clone()).collect()
}

fn check(whole: &Whole) -> Result<Tally, String> {
    let (mut by_raw, mut by_checked) = (Vec::new(), Vec::new());
    for (_, event) in whole.of(Topic::Checked) {
        let AnyEvent::Checked(checked) = event else {
            panic!("not a checked event")
        };
        by_raw.push(checked.raw().position());
    }
    for (_, event) in whole.of(Topic::Rejected) {
        let AnyEvent::Rejected(rejected) = event else {
            panic!("not a rejected event")
        };
        let list = if rejected.stage() == Stage::Enrich {
            &mut by_checked
        } else {
            &mut by_raw
        };
        list.push(rejected.source().clone());
    }
    // An enriched event does not carry its source; its raw pointer names its checked one.
    let checked_of_raw: BTreeMap<Position, Position> = whole
        .of(Topic::Checked)
        .iter()
        .map(|(record, event)| {
            let AnyEvent::Checked(checked) = event else {
                panic!("not a checked event")
            };
            (checked.raw().position(), record.position.clone())
        })
        .collect();
    for (_, event) in whole.of(Topic::Enriched) {
        let AnyEvent::Enriched(enriched) = event else {
            panic!("not an enriched event")
        };
        let raw = enriched.checked().raw().position();
        let checked = checked_of_raw
            .get(&raw)
            .ok_or_else(|| format!("enriched of {raw}, whose checked is not there"))?;
        by_checked.push(checked.clone());
    }
    one_successor(
        "raw to checked or rejected",
        &positions(whole.raw.iter()),
        by_raw.into_iter(),
    )?;
    let checked = positions(whole.of(Topic::Checked).iter().map(|(record, _)| record));
    one_successor(
        "checked to enriched or rejected",
        &checked,
        by_checked.into_iter(),
    )?;
    let mut tally = Tally {
        raw: whole.raw.len(),
        checked: whole.of(Topic::Checked).len(),
        enriched: whole.of(Topic::Enriched).len(),
        rejected: whole.of(Topic::Rejected).len(),
        notified: whole.of(Topic::Notified).len(),
        ..Tally::default()
    };
    notices(whole, &mut tally)?;
    tally.entries = receipts(whole)?;
    Ok(tally)
}

/// Each enriched event ends once for onboarding and once for sales, each refusal once for admins.
fn notices(whole: &Whole, tally: &mut Tally) -> Result<(), String> {
    let mut told: BTreeMap<Audience, Vec<Position>> = BTreeMap::new();
    let mut sent = BTreeSet::new();
    for (_, event) in whole.of(Topic::Notified) {
        let AnyEvent::Notified(notified) = event else {
            panic!("not a notified event")
        };
        match notified.outcome() {
            NoticeOutcome::Sent => {
                tally.sent += 1;
                assert!(
                    sent.insert(notified.notification_id()),
                    "a notice was sent twice"
                );
            }
            NoticeOutcome::Suppressed => tally.suppressed += 1,
            NoticeOutcome::Failed => tally.failed += 1,
        }
        told.entry(notified.audience())
            .or_default()
            .push(notified.source().clone());
    }
    let enriched = positions(whole.of(Topic::Enriched).iter().map(|(record, _)| record));
    for audience in [Audience::Onboarding, Audience::Sales] {
        let told = told.remove(&audience).unwrap_or_default();
        one_successor(
            &format!("enriched to notified for {audience}"),
            &enriched,
            told.into_iter(),
        )?;
    }
    let rejected = positions(whole.of(Topic::Rejected).iter().map(|(record, _)| record));
    let alerts = told.remove(&Audience::Admins).unwrap_or_default();
    // Admins also hear of contradictions and of notices that could not be delivered.
    let of_refusals = alerts
        .into_iter()
        .filter(|source| rejected.contains(source));
    let heard: BTreeSet<Position> = of_refusals.collect();
    match rejected.difference(&heard).next() {
        None => Ok(()),
        Some(open) => Err(format!("the refusal {open} has not been told yet")),
    }
}
