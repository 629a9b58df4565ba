//! Making a post durable, within a stated time and never with a hang: the one thing that the door asks for.
//!
//! A post goes to the broker. What the broker does not acknowledge in time is not durable for certain, so the provider
//! is told to repeat it (503); it may land all the same, which does no harm, because the same bytes get the same event
//! id, and the repeat is told once. With a spool (`door.spool`) such a post goes there instead and is answered 200; it
//! may then stand in the topic twice, harmless for the same reason.

use std::{sync::Arc, time::Duration};

use stage::{BrokerError, Context, Output, config::ConfigError, health::SPOOL};

use tokio::time::Instant;

use self::{breaker::Standing, gate::Gate};
use crate::{
    Config,
    spool::{self, Spool},
};

pub mod breaker;
pub(crate) mod gate;

/// Where a post was made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the broker.
    Broker(schemas::Position),
    /// In the spool; it goes to the broker from there.
    Spool,
}

/// Why a post is not durable, or not for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// The broker does not take records of this size; a repeat does not help.
    #[error("the record is larger than the broker takes")]
    TooLarge,
    /// Not within the stated time; it may land all the same, and a repeat does no harm.
    #[error("neither the broker nor the spool has taken the record in time")]
    Unavailable,
    /// The broker is away and the spool is full.
    #[error("the broker is away and the spool is full")]
    Full,
}

/// How often `/status` hears how all stands.
const TELLING: Duration = Duration::from_secs(1);
/// What is left of the time for the spool to take a post that has waited for the broker in vain: a slow fsync. At most
/// half of it, where somebody has set a very short one.
const SPOOLING: Duration = Duration::from_millis(150);

/// Makes posts durable. One for the process.
#[derive(Debug)]
pub struct Durable {
    gate: Gate,
    deadline: Duration,
    spool: Option<Spool>,
    health: stage::Health,
}

/// How it stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// Whether the broker is asked.
    pub breaker: Standing,
    /// The spool; none where none is set.
    pub spool: Option<spool::Status>,
}

impl Durable {
    /// With these settings; opens the spool where there is one.
    pub async fn open(config: &Config, context: &Context) -> Result<Self, ConfigError> {
        let spool = match &config.spool {
            Some(spool) => Some(Spool::open(spool, context).await?),
            None => None,
        };
        Ok(Self::with(config, context, spool))
    }

    pub(crate) fn with(config: &Config, context: &Context, spool: Option<Spool>) -> Self {
        Self {
            gate: Gate::new(Arc::clone(&context.broker)),
            deadline: config.deadline(),
            spool,
            health: context.health.clone(),
        }
    }

    /// Makes a record durable, or says why not, by the deadline.
    pub async fn append(&self, output: Output) -> Result<Kept, NotKept> {
        let Some(spool) = &self.spool else {
            let kept = self.to_broker(output, self.deadline).await;
            return kept.map(Kept::Broker);
        };
        if spool.holds(&output.key) {
            return self.to_spool(spool, &output, self.deadline).await;
        }
        let begun = Instant::now();
        let spooling = SPOOLING.min(self.deadline / 2);
        let patience = self.deadline.saturating_sub(spooling);
        match self.to_broker(output.clone(), patience).await {
            Ok(position) => Ok(Kept::Broker(position)),
            Err(NotKept::TooLarge) => Err(NotKept::TooLarge),
            Err(NotKept::Unavailable | NotKept::Full) => {
                let left = self.deadline.saturating_sub(begun.elapsed());
                self.to_spool(spool, &output, left.max(spooling)).await
            }
        }
    }

    async fn to_broker(
        &self,
        output: Output,
        within: Duration,
    ) -> Result<schemas::Position, NotKept> {
        let Some(passage) = self.gate.pass() else {
            return Err(NotKept::Unavailable);
        };
        passage.append(output, within).await.map_err(|error| {
            if matches!(error, BrokerError::TooLarge(_)) {
                return NotKept::TooLarge;
            }
            tracing::debug!("the broker has not taken a post: {error}");
            NotKept::Unavailable
        })
    }

    async fn to_spool(
        &self,
        spool: &Spool,
        output: &Output,
        within: Duration,
    ) -> Result<Kept, NotKept> {
        spool.put(output, within).await.map(|()| Kept::Spool)
    }

    /// Does the spool's work and tells how all stands, for ever; runs beside the door. Without it the spool takes nothing.
    pub async fn run(&self) {
        let telling = async {
            let mut ticks = tokio::time::interval(TELLING);
            loop {
                ticks.tick().await;
                let status = self.status();
                let breaker = serde_json::json!({ "breaker": status.breaker });
                self.health.tell("door", &breaker);
                if let Some(spool) = &status.spool {
                    self.health.tell(SPOOL, spool);
                }
            }
        };
        match &self.spool {
            Some(spool) => {
                tokio::join!(telling, spool.run(&self.gate, self.deadline));
            }
            None => telling.await,
        }
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        Status {
            breaker: self.gate.standing(),
            spool: self.spool.as_ref().map(Spool::status),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
