//! Events as the door and the stages write them: for each check `raw`, `checked` and `enriched`.

use std::{ops::Range, sync::Arc};

use schemas::{
    Checked, CommissionOwner, Confirmation, Date, Enriched, Event, Facts, FoundBy, Generation,
    Kind, Outcome, Party, Position, Raw, RawHeaders, Timestamp, Topic,
};
use stage::{Codec, Record, SystemClock};

use super::feed::{Feed, PARTITIONS, PREFIX};

/// Events of one check.
pub(crate) const EVENTS: usize = 3;
/// Key, headers and value of an event, on average.
pub(crate) const EVENT_BYTES: usize = 1_024;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// When every story begins, in microseconds.
const BEGIN: i64 = 1_790_000_000_000_000;

/// Tells of checks, the same ones each time.
pub(crate) struct Story {
    codec: Codec,
    /// The body of `raw` is so long.
    body: usize,
    /// Clients take turns among so many; each check has one of its own where there are more of them.
    clients: i64,
}

impl Story {
    /// Events of [`EVENT_BYTES`] on average, each check of a new client.
    pub(crate) async fn of_new_clients() -> Self {
        let mut story = Self::of_small_bodies(i64::MAX).await;
        story.body = 0;
        let bare: usize = story.records(0..1).iter().map(Record::bytes).sum();
        story.body = (EVENTS * EVENT_BYTES).saturating_sub(bare);
        story
    }

    /// Events with a body of 64 bytes, the checks of so many clients.
    pub(crate) async fn of_small_bodies(clients: i64) -> Self {
        let codec = Codec::new(Arc::new(Feed::default()), Arc::new(SystemClock), "/bench");
        codec
            .prepare(&[Topic::Checked, Topic::Enriched])
            .await
            .unwrap();
        Self {
            codec,
            body: 64,
            clients,
        }
    }

    /// The events of these checks.
    pub(crate) fn records(&self, checks: Range<i64>) -> Vec<Record> {
        checks.flat_map(|check| self.check(check)).collect()
    }

    /// The client of a check.
    pub(crate) fn client(&self, check: i64) -> i64 {
        check % self.clients
    }

    fn check(&self, check: i64) -> [Record; EVENTS] {
        let raw = self.raw(check);
        let read = Raw::read(raw.position.clone(), &raw.headers, raw.value.clone()).unwrap();
        let checked = Checked::new(&read, self.facts(check));
        let enriched = self.enriched(checked.clone(), check);
        let first = self.record(&checked, check);
        let second = self.record(&enriched, check);
        [raw, first, second]
    }

    fn key(&self, check: i64) -> String {
        let client = self.client(check);
        format!("A-{client}:C-{client}")
    }

    fn raw(&self, check: i64) -> Record {
        let body = format!("{check:x>width$}", width = self.body.max(1)).into_bytes();
        let headers = RawHeaders {
            provider: "jumio".to_owned(),
            kind: "form".to_owned(),
            content_type: "application/x-www-form-urlencoded".to_owned(),
            peer: "192.0.2.7".to_owned(),
            received_at: Timestamp::from_micros(BEGIN),
            request_id: format!("request-{check}"),
            sha256: hex::encode(audit::log::tree::sha256(&[&body])),
            refused: None,
            traceparent: TRACE.to_owned(),
        };
        Record {
            topic: Topic::Raw,
            position: position(Topic::Raw, check),
            timestamp: Timestamp::from_micros(BEGIN),
            key: Some(self.key(check).into_bytes()),
            headers: headers.headers("/idtrail/ingest"),
            value: Some(body),
        }
    }

    fn facts(&self, check: i64) -> Facts {
        Facts {
            generation: Generation::Netverify,
            provider_reference: reference(check),
            provider_account: None,
            customer_reference: Some(self.key(check)),
            transaction_reference: Some(format!("T-{check}")),
            kind: Some(Kind::Identity),
            outcome: Outcome::Passed,
            reasons: Vec::new(),
            document_type: Some("PASSPORT".to_owned()),
            document_subtype: None,
            document_country: Some("AUT".to_owned()),
            document_expiry: Date::new(2031, 5, 4),
            similarity: Some("MATCH".to_owned()),
            liveness: None,
            screening_hits: Some(0),
            occurred_at: Some(Timestamp::from_micros(BEGIN)),
            unknown_fields: Vec::new(),
        }
    }

    fn enriched(&self, checked: Checked, check: i64) -> Enriched {
        let client = self.client(check);
        let party = Party {
            account_id: format!("id-{client}"),
            account_number: format!("A-{client}"),
            contact_id: Some(format!("C-{client}")),
            account_link: format!("https://crm.example/accounts/{client}"),
            contact_link: None,
            found_by: FoundBy::Reference,
        };
        let owner = CommissionOwner {
            user_id: Some("u-1".to_owned()),
            active: true,
            fallback_queue: None,
            found_by: FoundBy::CommissionOrder,
        };
        let people = (owner, "q-onboarding".to_owned());
        let at = Timestamp::from_micros(BEGIN + 1_000);
        Enriched::new(checked, Confirmation::Unconfirmed, party, people, at)
    }

    fn record<E: Event>(&self, event: &E, check: i64) -> Record {
        let output = self
            .codec
            .encode(event, self.key(check).as_bytes(), Some(TRACE));
        Record {
            topic: E::TOPIC,
            position: position(E::TOPIC, check),
            timestamp: Timestamp::from_micros(BEGIN),
            key: Some(output.key),
            headers: output.headers,
            value: Some(output.value),
        }
    }

    /// The id under which the API knows a check.
    pub(crate) fn event_id(&self, check: i64) -> String {
        let raw = self.raw(check);
        let read = Raw::read(raw.position, &raw.headers, raw.value).unwrap();
        Checked::new(&read, self.facts(check))
            .event_id()
            .to_string()
    }
}

fn reference(check: i64) -> String {
    format!("R-{check}")
}

fn position(topic: Topic, check: i64) -> Position {
    let partitions = i64::from(PARTITIONS);
    Position {
        topic: topic.name(PREFIX),
        partition: i32::try_from(check % partitions).unwrap(),
        offset: check / partitions,
    }
}
