//! What a partition holds.

use super::{BrokerError, Embedded, Extent, layout::PartitionId, unavailable};

impl Embedded {
    pub(super) async fn extent(&self, id: PartitionId) -> Result<Extent, BrokerError> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "SELECT first_offset, next_offset FROM partitions WHERE partition_id = ?",
        )
        .bind(id.number())
        .fetch_optional(&self.0.reading)
        .await
        .map_err(unavailable)?;
        let (first, next) =
            row.ok_or_else(|| BrokerError::Topic(id.topic().name(&self.0.prefix)))?;
        Ok(Extent {
            partition: id.partition(),
            first,
            next,
        })
    }
}
