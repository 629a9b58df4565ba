//! Records to events and back, by way of the registry.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use apache_avro::Schema;
use schemas::{AnyEvent, DecodeError, Event, Refusal, Timestamp, Topic, header};

use crate::{Broker, Clock, Output, Record, RegistryError, Retry};

/// Schemas kept in memory: our topics times the versions that can live in them, with room to spare.
/// Beyond it the cache starts over, so that made-up ids cannot fill the memory.
const MAX_SCHEMAS: usize = 256;

/// Why one record cannot be read; the record is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record cannot be read: {0}")]
pub struct Unreadable(pub Refusal);

impl Unreadable {
    /// Every one that there can be.
    pub const ALL: [Self; 4] = [
        Self(Refusal::Tombstone),
        Self(Refusal::BadFrame),
        Self(Refusal::BadDatum),
        Self(Refusal::UnknownSchema),
    ];

    /// Makes what a stage counts of them known at 0: a series that begins with its first event shows no increase.
    pub fn begin(stage: &'static str) {
        for Self(reason) in Self::ALL {
            metrics::counter!("idtrail_unreadable_records_total", "stage" => stage, "reason" => reason.as_str())
                .increment(0);
        }
    }
}

impl From<DecodeError> for Unreadable {
    fn from(error: DecodeError) -> Self {
        Self(match error {
            DecodeError::Tombstone => Refusal::Tombstone,
            DecodeError::Frame => Refusal::BadFrame,
            DecodeError::Datum | DecodeError::NotAvro => Refusal::BadDatum,
        })
    }
}

#[derive(Debug, Clone)]
enum Known {
    Schema(Arc<Schema>),
    /// The registry does not know the id; asked first at this time.
    Missing(Timestamp),
    /// Unknown for longer than the registry's patience: the record is at fault.
    Refused,
}

/// Encodes and decodes the events of one process.
#[derive(Debug)]
pub struct Codec {
    broker: Arc<dyn Broker>,
    clock: Arc<dyn Clock>,
    source: String,
    ids: Mutex<HashMap<Topic, u32>>,
    known: Mutex<HashMap<u32, Known>>,
}

impl Codec {
    /// A codec whose events name `source` as their `CloudEvents` source, e.g. `/idtrail/validate`.
    pub fn new(broker: Arc<dyn Broker>, clock: Arc<dyn Clock>, source: &str) -> Self {
        Self {
            broker,
            clock,
            source: source.to_owned(),
            ids: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// The `CloudEvents` source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Looks up the ids of the schemas that this process writes; needed before [`encode`](Self::encode).
    pub async fn prepare(&self, writes: &[Topic]) -> Result<(), Retry> {
        for topic in writes
            .iter()
            .copied()
            .filter(|topic| AnyEvent::contract(*topic).is_some())
        {
            let id = self
                .broker
                .registry()
                .id_of(topic)
                .await
                .map_err(Retry::because)?;
            lock(&self.ids).insert(topic, id);
        }
        Ok(())
    }

    /// The record that carries an event.
    ///
    /// # Panics
    /// If [`prepare`](Self::prepare) was not asked for the event's topic, which every caller does at start.
    pub fn encode<E: Event>(&self, event: &E, key: &[u8], traceparent: Option<&str>) -> Output {
        let id = lock(&self.ids)
            .get(&E::TOPIC)
            .copied()
            .expect("`prepare` was called with every topic written");
        let mut headers = event.cloud_event(&self.source).headers();
        if let Some(traceparent) = traceparent {
            headers.push((header::TRACEPARENT.into(), traceparent.as_bytes().to_vec()));
        }
        let value = schemas::frame(id, &E::contract().encode(event));
        Output {
            topic: E::TOPIC,
            key: key.to_vec(),
            headers,
            value,
        }
    }

    /// Looks up every schema that these records need, so that decoding need not wait.
    ///
    /// An unknown id is retried until the registry has had the time to hear of it while our own ids resolve;
    /// only then is the record at fault. An unreachable registry is never the record's fault.
    pub async fn learn(&self, records: &[Record]) -> Result<(), Retry> {
        let ids: BTreeSet<u32> = records
            .iter()
            .filter(|record| record.topic != Topic::Raw)
            .filter_map(|record| {
                schemas::unframe(record.value.as_deref())
                    .ok()
                    .map(|(id, _)| id)
            })
            .collect();
        for id in ids {
            self.learn_one(id).await?;
        }
        Ok(())
    }

    async fn learn_one(&self, id: u32) -> Result<(), Retry> {
        let known = lock(&self.known).get(&id).cloned();
        let asked_first = match known {
            Some(Known::Schema(_) | Known::Refused) => return Ok(()),
            Some(Known::Missing(since)) => since,
            None => self.clock.now(),
        };
        let registry = self.broker.registry();
        let learnt = match registry.schema(id).await.map_err(Retry::because)? {
            Some(text) => match schemas::parse_schema(&text) {
                Ok(schema) => Known::Schema(Arc::new(schema)),
                Err(_) => Known::Refused,
            },
            None if self.clock.now() < asked_first.plus(registry.patience()) => {
                Known::Missing(asked_first)
            }
            None => {
                self.own_ids_resolve().await?;
                Known::Refused
            }
        };
        let waiting = matches!(learnt, Known::Missing(_));
        let mut cache = lock(&self.known);
        if cache.len() >= MAX_SCHEMAS && !cache.contains_key(&id) {
            cache.clear();
        }
        cache.insert(id, learnt);
        if waiting {
            Err(Retry::because(format!(
                "schema id {id} is not known to the registry yet"
            )))
        } else {
            Ok(())
        }
    }

    /// A registry that has lost everything must not turn good records into refusals.
    async fn own_ids_resolve(&self) -> Result<(), Retry> {
        let own = lock(&self.ids).values().next().copied();
        let Some(own) = own else { return Ok(()) };
        match self.broker.registry().schema(own).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Retry::because(
                "the schema registry has lost our own schemas; run `idtrail schemas register`",
            )),
            Err(error @ (RegistryError::Unavailable(_) | RegistryError::NotRegistered(_))) => {
                Err(Retry::because(error))
            }
        }
    }

    /// Reads an event; [`learn`](Self::learn) must have seen the record.
    pub fn decode<E: Event>(&self, record: &Record) -> Result<E, Unreadable> {
        let (schema, datum) = self.schema_of(record)?;
        Ok(E::contract().decode(&schema, datum)?)
    }

    /// Reads the event of any topic but `raw`; [`learn`](Self::learn) must have seen the record.
    pub fn decode_any(&self, record: &Record) -> Result<AnyEvent, Unreadable> {
        let (schema, datum) = self.schema_of(record)?;
        Ok(AnyEvent::decode(record.topic, &schema, datum)?)
    }

    fn schema_of<'a>(&self, record: &'a Record) -> Result<(Arc<Schema>, &'a [u8]), Unreadable> {
        let (id, datum) = schemas::unframe(record.value.as_deref())?;
        match lock(&self.known).get(&id) {
            Some(Known::Schema(schema)) => Ok((Arc::clone(schema), datum)),
            Some(Known::Missing(_) | Known::Refused) | None => {
                Err(Unreadable(Refusal::UnknownSchema))
            }
        }
    }
}

/// The maps are only inserted into, so one that was poisoned is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
