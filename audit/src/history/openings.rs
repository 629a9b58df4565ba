//! What entries commit to, for who is to check it: salt and body of the steps of checks.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Check, History, HistoryError};
use crate::{
    keys::open_key,
    pack::Record,
    seal::DataKey,
    store::{Place, Stored},
};

/// What stands before the body in what was sealed.
const SALT: usize = 32;

impl History {
    /// The records of all steps of these checks, in the order of the log, without their leaves. One whose key was
    /// destroyed has neither salt nor body.
    pub async fn openings(&self, checks: &[Check]) -> Result<Vec<Record>, HistoryError> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};

        let topics = self.store.topics().await?;
        let numbers: HashMap<String, i32> =
            topics.into_iter().map(|(id, name)| (name, id)).collect();
        let steps = checks.iter().flat_map(|check| &check.steps);
        let places: Vec<Place> = steps
            .filter_map(|step| {
                let source = &step.source;
                Some((
                    *numbers.get(&source.topic)?,
                    source.partition,
                    source.offset,
                ))
            })
            .collect();
        let rows: Vec<Stored> = self.store.at(&places, i64::MAX).await?;
        let mut subjects: Vec<Uuid> = rows.iter().map(|row| row.subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let mut keys: HashMap<Uuid, DataKey> = HashMap::new();
        for wrapped in self.keys.data_keys(&subjects).await? {
            keys.insert(wrapped.subject, open_key(&self.kek, &wrapped)?);
        }
        let mut records: Vec<Record> = rows
            .iter()
            .filter_map(|row| {
                let opened = keys
                    .get(&row.subject)
                    .and_then(|key| key.open(&row.leaf_hash, &row.sealed));
                let parts = opened.as_deref().and_then(|all| all.split_at_checked(SALT));
                let body = parts.and_then(|(_, body)| String::from_utf8(body.to_vec()).ok());
                Some(Record {
                    index: u64::try_from(row.seq).ok()?,
                    leaf: String::new(),
                    salt: body
                        .as_ref()
                        .and(parts)
                        .map(|(salt, _)| STANDARD.encode(salt)),
                    body,
                })
            })
            .collect();
        records.sort_unstable_by_key(|record| record.index);
        records.dedup_by_key(|record| record.index);
        Ok(records)
    }
}
