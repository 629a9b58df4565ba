//! Records as the door and the stages write them.

use schemas::{
    AnyEvent, Audience, Checked, CommissionOwner, Confirmation, Delivery, Enriched, Event, Facts,
    FoundBy, Generation, Kind, Notice, NoticeOutcome, Notified, Operated, Outcome, Party, Position,
    Raw, RawHeaders, Refusal, Rejected, Timestamp, Topic, header,
};
use stage::{Output, Record};

use super::world::{BEGIN, World};

/// A body that holds what must stay hidden.
pub(crate) const SECRET: &str = "firstName=Agnieszka&idNumber=X9-SECRET-77";
pub(crate) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Which check, and whose.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) reference: String,
    pub(crate) account: String,
    pub(crate) outcome: Outcome,
    /// Where the raw record stands.
    pub(crate) at: (i32, i64),
}

impl About {
    pub(crate) fn check(reference: &str, account: &str, at: (i32, i64)) -> Self {
        Self {
            reference: reference.to_owned(),
            account: account.to_owned(),
            outcome: Outcome::Passed,
            at,
        }
    }

    pub(crate) fn customer(&self) -> String {
        format!("{}:CON-{}", self.account, self.account)
    }

    fn facts(&self) -> Facts {
        Facts {
            generation: Generation::Netverify,
            provider_reference: self.reference.clone(),
            provider_account: None,
            customer_reference: Some(self.customer()),
            transaction_reference: Some(format!("T-{}", self.reference)),
            kind: Some(Kind::Identity),
            outcome: self.outcome,
            reasons: Vec::new(),
            document_type: Some("PASSPORT".to_owned()),
            document_subtype: None,
            document_country: Some("AUT".to_owned()),
            document_expiry: schemas::Date::new(2031, 5, 4),
            similarity: Some("MATCH".to_owned()),
            liveness: None,
            screening_hits: Some(0),
            occurred_at: Some(Timestamp::from_micros(BEGIN)),
            unknown_fields: Vec::new(),
        }
    }

    pub(crate) fn raw(&self) -> Record {
        self.raw_with(SECRET.as_bytes(), None)
    }

    pub(crate) fn raw_with(&self, body: &[u8], replay_of: Option<&Position>) -> Record {
        let mut headers = RawHeaders {
            provider: "jumio".to_owned(),
            kind: "form".to_owned(),
            content_type: "application/x-www-form-urlencoded".to_owned(),
            peer: "192.0.2.7".to_owned(),
            received_at: Timestamp::from_micros(BEGIN),
            request_id: format!("request-{}-{}", self.at.0, self.at.1),
            sha256: hex::encode(crate::log::tree::sha256(&[body])),
            refused: None,
            traceparent: TRACE.to_owned(),
        }
        .headers("/idtrail/ingest");
        if let Some(position) = replay_of {
            headers.push((header::REPLAY_OF.into(), position.to_string().into_bytes()));
        }
        Record {
            topic: Topic::Raw,
            position: position(Topic::Raw, self.at),
            timestamp: Timestamp::from_micros(BEGIN),
            key: Some(self.customer().into_bytes()),
            headers,
            value: Some(body.to_vec()),
        }
    }

    pub(crate) fn read_raw(&self) -> Raw {
        let record = self.raw();
        Raw::read(record.position, &record.headers, record.value).unwrap()
    }

    pub(crate) fn checked(&self) -> Checked {
        Checked::new(&self.read_raw(), self.facts())
    }

    pub(crate) fn enriched(&self) -> Enriched {
        let party = Party {
            account_id: format!("id-{}", self.account),
            account_number: self.account.clone(),
            contact_id: Some(format!("CON-{}", self.account)),
            account_link: format!("https://crm.example/accounts/{}", self.account),
            contact_link: None,
            found_by: FoundBy::Reference,
        };
        let owner = CommissionOwner {
            user_id: Some("u-1".to_owned()),
            active: true,
            fallback_queue: None,
            found_by: FoundBy::CommissionOrder,
        };
        let at = Timestamp::from_micros(BEGIN + 1_000);
        let people = (owner, "q-onboarding".to_owned());
        Enriched::new(self.checked(), Confirmation::Unconfirmed, party, people, at)
    }

    /// The notice about a record.
    pub(crate) fn notified(&self, source: &Record, check: Option<String>) -> Notified {
        let notice = Notice {
            event_id: self.checked().event_id().to_string(),
            audience: Audience::Onboarding,
            channel: "maildir".to_owned(),
            recipient: "q-onboarding".to_owned(),
        };
        let at = Timestamp::from_micros(BEGIN + 2_000);
        let delivery = Delivery {
            outcome: NoticeOutcome::Sent,
            reason: None,
            attempts: 1,
            provider_message_id: None,
            at,
        };
        Notified::new(
            &notice,
            ("result", 1),
            delivery,
            (check, source.position.clone()),
            at,
        )
    }

    /// Raw, checked, enriched and notified, each at the same partition and offset of its topic.
    pub(crate) fn journey(&self, world: &World) -> Vec<Record> {
        let enriched = world.record(&self.enriched(), self, self.at);
        let notified = self.notified(&enriched, Some(self.checked().check()));
        vec![
            self.raw(),
            world.record(&self.checked(), self, self.at),
            world.record(&notified, self, self.at),
            enriched,
        ]
    }
}

/// A refusal of a raw record that nothing could be read from.
pub(crate) fn refused(about: &About) -> Rejected {
    Rejected::of_raw(&about.read_raw(), (Refusal::Undecodable, None, None))
}

/// An act of an operator on a record.
pub(crate) fn replayed(what: &Position) -> Operated {
    let at = Timestamp::from_micros(BEGIN + 5_000);
    Operated::new(
        "replay",
        "ops-anna",
        "the account was imported",
        Some(what.to_string()),
        at,
    )
}

pub(crate) fn position(topic: Topic, (partition, offset): (i32, i64)) -> Position {
    Position {
        topic: topic.name("idtrail"),
        partition,
        offset,
    }
}

/// Sorts an event of any kind under its name; for telling apart what came out.
pub(crate) fn is_audited(event: &AnyEvent) -> bool {
    matches!(event, AnyEvent::Audited(_))
}

impl World {
    /// The record of an event, under the key of its client.
    pub(crate) fn record<E: Event>(&self, event: &E, about: &About, at: (i32, i64)) -> Record {
        let output = self.output(event, about);
        Record {
            topic: E::TOPIC,
            position: position(E::TOPIC, at),
            timestamp: Timestamp::from_micros(BEGIN),
            key: Some(output.key),
            headers: output.headers,
            value: Some(output.value),
        }
    }

    pub(crate) fn output<E: Event>(&self, event: &E, about: &About) -> Output {
        self.codec
            .encode(event, about.customer().as_bytes(), Some(TRACE))
    }
}
