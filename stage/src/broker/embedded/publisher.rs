//! Relays: the position stands in the topics' file and moves with the records.

use async_trait::async_trait;

use super::{BrokerError, Embedded, Guard, Publisher, gone};
use crate::Output;

/// The newest relay of a name.
pub(super) struct Numbered {
    broker: Embedded,
    name: String,
    epoch: i64,
    last: i64,
}

impl Numbered {
    pub(super) async fn open(broker: Embedded, name: &str) -> Result<Self, BrokerError> {
        let facts = broker
            .change(
                Guard::Open {
                    name: name.to_owned(),
                },
                Vec::new(),
            )
            .await?;
        let [(_, epoch), (_, last)] = facts.as_slice() else {
            return Err(gone(()));
        };
        let (epoch, last) = (*epoch, *last);
        Ok(Self {
            broker,
            name: name.to_owned(),
            epoch,
            last,
        })
    }
}

#[async_trait]
impl Publisher for Numbered {
    async fn last(&mut self) -> Result<i64, BrokerError> {
        Ok(self.last)
    }

    async fn publish(
        &mut self,
        outputs: Vec<Output>,
        from: i64,
        to: i64,
    ) -> Result<(), BrokerError> {
        let guard = Guard::Publisher {
            name: self.name.clone(),
            epoch: self.epoch,
            from,
            to,
        };
        self.broker.change(guard, outputs).await?;
        self.last = to;
        Ok(())
    }
}
