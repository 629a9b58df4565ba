//! What operators have told all doors: that they are closed, by whom and why.
//!
//! Orders are `operated` events, so that they stand in the history, reach each door of a system on either broker, and
//! outlast every process. A door follows the topic from its beginning; the last order counts.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use schemas::{AnyEvent, Operated, Timestamp, Topic};
use stage::{
    BatchLimit, Broker, BrokerError, Codec, Context, Record, Retry, Start, broker::Assigned,
    retry::Pauses,
};

use crate::sources::Approvals;

/// The order to answer 503 to everybody, so that providers repeat.
pub const CLOSE: &str = "close";
/// The order to take callbacks again.
pub const OPEN: &str = "open";
/// What `close` and `open` are said of.
pub const DOOR: &str = "door";

/// Why a door is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// By whom.
    pub by: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// The orders that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// The last word on the door, and when it was said.
    said: Option<(Timestamp, Option<Closed>)>,
    /// The networks that are let in for a time.
    approvals: Approvals,
}

impl Orders {
    /// Takes in an order; what is none for doors is passed over. Of two orders the later counts, in whichever order
    /// they come.
    pub fn take(&mut self, operated: &Operated) {
        self.approvals.take(operated);
        if operated.target() != Some(DOOR) {
            return;
        }
        let closed = match operated.action() {
            CLOSE => Some(Closed {
                by: operated.operator().to_owned(),
                reason: operated.reason().to_owned(),
                since: operated.at(),
            }),
            OPEN => None,
            _ => return,
        };
        if self
            .said
            .as_ref()
            .is_none_or(|(at, _)| *at <= operated.at())
        {
            self.said = Some((operated.at(), closed));
        }
    }

    /// The networks that are let in for a time.
    pub fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// Why the door is closed, if it is.
    pub fn closed(&self) -> Option<&Closed> {
        self.said.as_ref()?.1.as_ref()
    }
}

/// The orders as a running door knows them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<RwLock<Orders>>);

impl Standing {
    /// Whether the door is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .closed()
            .is_some()
    }

    /// Whether an operator has approved an address's network for now.
    pub(crate) fn approves(&self, address: std::net::IpAddr, now: Timestamp) -> bool {
        let orders = self.0.read().unwrap_or_else(PoisonError::into_inner);
        orders.approvals.contains(address, now)
    }

    /// Takes in an order.
    #[cfg(test)]
    pub(crate) fn take(&self, operated: &Operated) {
        let mut orders = self.0.write().unwrap_or_else(PoisonError::into_inner);
        orders.take(operated);
    }

    /// Follows the orders for ever. While the broker is away the last ones count.
    pub(crate) async fn follow(&self, context: &Context) {
        let codec = Codec::new(
            Arc::clone(&context.broker),
            Arc::clone(&context.clock),
            "/idtrail/ingest",
        );
        let mut pauses = Pauses::default();
        loop {
            let Err(retry) = self.read_on(context, &codec, &mut pauses).await;
            let pause = pauses.next_pause();
            tracing::warn!("the orders of operators cannot be read: {retry}");
            tokio::time::sleep(pause).await;
        }
    }

    async fn read_on(
        &self,
        context: &Context,
        codec: &Codec,
        pauses: &mut Pauses,
    ) -> Result<std::convert::Infallible, Retry> {
        let mut reader = reader(context.broker.as_ref()).await.map_err(unready)?;
        loop {
            let records = reader.next(&context.limit).await.map_err(unready)?;
            // Otherwise a door that has lived through some failures would heed orders 15 s after the next one.
            *pauses = Pauses::default();
            let before = self.is_closed();
            let orders = of(codec, &records).await?;
            {
                let mut standing = self.0.write().unwrap_or_else(PoisonError::into_inner);
                for order in &orders {
                    standing.take(order);
                }
            }
            self.tell(before);
        }
    }

    fn tell(&self, before: bool) {
        let closed = self.is_closed();
        metrics::gauge!("idtrail_ingest_door_closed").set(f64::from(u8::from(closed)));
        match (before, closed) {
            (false, true) => {
                tracing::error!("an operator has closed the door; `idtrail door status` says why");
            }
            (true, false) => tracing::warn!("the door is open again"),
            (true, true) | (false, false) => {}
        }
    }
}

/// The orders that count, as the topic has them now.
pub async fn standing(
    broker: Arc<dyn Broker>,
    clock: Arc<dyn stage::Clock>,
) -> Result<Orders, Retry> {
    let mut missing: BTreeMap<i32, i64> = BTreeMap::new();
    for extent in broker.extents(Topic::Operated).await.map_err(unready)? {
        if extent.next > extent.first {
            missing.insert(extent.partition, extent.next);
        }
    }
    let mut orders = Orders::default();
    if missing.is_empty() {
        return Ok(orders);
    }
    let codec = Codec::new(Arc::clone(&broker), clock, "/idtrail/ingest");
    let mut reader = reader(broker.as_ref()).await.map_err(unready)?;
    while !missing.is_empty() {
        // The last offsets of a partition may be markers of transactions, which no reader is given.
        let next = tokio::time::timeout(QUIET, reader.next(&BatchLimit::default())).await;
        let Ok(records) = next else { break };
        let records = records.map_err(unready)?;
        for record in &records {
            let (partition, after) = (record.position.partition, record.position.offset + 1);
            if missing.get(&partition).is_some_and(|next| *next <= after) {
                missing.remove(&partition);
            }
        }
        for order in of(&codec, &records).await? {
            orders.take(&order);
        }
    }
    Ok(orders)
}

/// How long a topic whose end was not seen may say nothing before that is taken for its end.
const QUIET: std::time::Duration = std::time::Duration::from_secs(2);

async fn reader(broker: &dyn Broker) -> Result<Box<dyn stage::broker::Reader>, BrokerError> {
    let extents = broker.extents(Topic::Operated).await?;
    let assigned = extents.into_iter().map(|extent| Assigned {
        topic: Topic::Operated,
        partition: extent.partition,
        start: Start::First,
    });
    broker.read(assigned.collect()).await
}

/// The events of records; one that cannot be read is `audit`'s to tell of, and no order.
async fn of(codec: &Codec, records: &[Record]) -> Result<Vec<Operated>, Retry> {
    codec.learn(records).await?;
    let order = |record| match codec.decode_any(record) {
        Ok(AnyEvent::Operated(operated)) => Some(operated),
        Ok(_) | Err(_) => None,
    };
    Ok(records.iter().filter_map(order).collect())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` wants"
)]
fn unready(error: BrokerError) -> Retry {
    Retry::because(error.to_string())
}

#[cfg(test)]
mod tests;
