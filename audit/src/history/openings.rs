//! What entries commit to, for who is to check it: salt and body of the steps of checks.

use std::collections::HashMap;

use super::{Check, History, HistoryError};
use crate::{
    keys,
    pack::Record,
    store::{Place, Stored},
};

impl History {
    /// The records of all steps of these checks, in the order of the log, without their leaves. One whose key was
    /// destroyed has neither salt nor body.
    pub(crate) async fn openings(&self, checks: &[Check]) -> Result<Vec<Record>, HistoryError> {
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
        let opened = keys::open_bodies(self.keys.as_ref(), &self.kek, rows).await?;
        let mut records: Vec<Record> = opened
            .iter()
            .filter_map(|(row, opened)| {
                let opened = opened.as_ref();
                let body = opened.and_then(|all| String::from_utf8(all.bytes().to_vec()).ok());
                Some(Record {
                    index: u64::try_from(row.seq).ok()?,
                    leaf: String::new(),
                    salt: body
                        .as_ref()
                        .and(opened)
                        .map(|all| STANDARD.encode(all.salt())),
                    body,
                })
            })
            .collect();
        records.sort_unstable_by_key(|record| record.index);
        records.dedup_by_key(|record| record.index);
        Ok(records)
    }
}
