//! Reading partitions in order, and waiting for what is not there yet.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemas::{Position, Timestamp, Topic};
use sqlx::sqlite::SqlitePool;
use tokio::sync::watch;

use super::{
    BrokerError, Ends, Reader, gone,
    layout::{PartitionId, unpack},
    unavailable,
};
use crate::{BatchLimit, Record};

/// Positions in some partitions, moved on by what is read.
pub(super) struct Reading {
    pool: SqlitePool,
    ends: watch::Receiver<Ends>,
    prefix: String,
    positions: BTreeMap<PartitionId, (Topic, i64)>,
    /// The partition after which the next batch begins, so that a busy one cannot starve the others.
    turn: Option<PartitionId>,
}

type Row = (i64, i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>);

impl Reading {
    pub(super) fn new(
        pool: SqlitePool,
        ends: watch::Receiver<Ends>,
        prefix: String,
        assigned: Vec<(Topic, PartitionId, i64)>,
    ) -> Self {
        let positions = assigned
            .into_iter()
            .map(|(topic, id, next)| (id, (topic, next)))
            .collect();
        Self {
            pool,
            ends,
            prefix,
            positions,
            turn: None,
        }
    }

    /// Waits until some partition has more, or gives `false` when `changed` says that the assignment did.
    pub(super) async fn wait(
        &mut self,
        changed: &mut watch::Receiver<u64>,
    ) -> Result<bool, BrokerError> {
        loop {
            if changed.has_changed().unwrap_or(false) {
                return Ok(false);
            }
            if self.has_more() {
                return Ok(true);
            }
            tokio::select! {
                ended = self.ends.changed() => ended.map_err(gone)?,
                _ = changed.changed() => return Ok(false),
            }
        }
    }

    fn has_more(&mut self) -> bool {
        let ends = self.ends.borrow_and_update();
        self.positions
            .iter()
            .any(|(id, (_, next))| ends.get(id).is_some_and(|end| end > next))
    }

    /// What is there now, up to the limit; positions move past it at once and at the end, so that a caller who
    /// leaves halfway loses nothing.
    pub(super) async fn take(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        let ends = self.ends.borrow().clone();
        let order: Vec<PartitionId> = {
            let turn = self.turn;
            let after = self
                .positions
                .keys()
                .filter(|id| turn.is_none_or(|turn| **id > turn));
            let before = self
                .positions
                .keys()
                .filter(|id| turn.is_some_and(|turn| **id <= turn));
            after.chain(before).copied().collect()
        };
        let mut records = Vec::new();
        let mut bytes = 0;
        let mut moved = Vec::new();
        for id in order {
            if records.len() >= limit.records || bytes >= limit.bytes {
                break;
            }
            let Some(&(topic, next)) = self.positions.get(&id) else {
                continue;
            };
            if ends.get(&id).is_none_or(|end| *end <= next) {
                continue;
            }
            let rows = self.rows(id, next, limit.records - records.len()).await?;
            for row in rows {
                let record = self.record(topic, id, row);
                bytes += record.bytes();
                moved.push((id, (topic, record.position.offset + 1)));
                records.push(record);
                if bytes >= limit.bytes {
                    break;
                }
            }
        }
        if let Some((last, _)) = moved.last() {
            self.turn = Some(*last);
        }
        self.positions.extend(moved);
        Ok(records)
    }

    async fn rows(
        &self,
        id: PartitionId,
        next: i64,
        records: usize,
    ) -> Result<Vec<Row>, BrokerError> {
        sqlx::query_as(
            "SELECT place, at, key, headers, value FROM records WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
        )
        .bind(id.place(next))
        .bind(PartitionId::of_number(id.number() + 1).place(0))
        .bind(i64::try_from(records).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)
    }

    fn record(
        &self,
        topic: Topic,
        id: PartitionId,
        (place, at, key, headers, value): Row,
    ) -> Record {
        Record {
            topic,
            position: Position {
                topic: topic.name(&self.prefix),
                partition: id.partition(),
                offset: id.offset(place),
            },
            timestamp: Timestamp::from_micros(at),
            key: Some(key),
            headers: unpack(&headers),
            value,
        }
    }
}

#[async_trait]
impl Reader for Reading {
    async fn next(&mut self, limit: &BatchLimit) -> Result<Vec<Record>, BrokerError> {
        // Nobody changes the assignment of a reader.
        let (_never, mut unchanged) = watch::channel(0);
        loop {
            if self.wait(&mut unchanged).await? {
                let records = self.take(limit).await?;
                if !records.is_empty() {
                    return Ok(records);
                }
            }
        }
    }
}
