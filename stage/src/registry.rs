//! Ids of Avro schemas: who gives them, and how an unknown one is told from an unreachable registry.

use async_trait::async_trait;
use schemas::Topic;

pub mod confluent;

/// Why a registry gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// It cannot be reached; never the event's fault.
    #[error("the schema registry is not available: {0}")]
    Unavailable(String),
    /// It answers, but does not know our schema of this subject.
    #[error("the schema of {0} is not registered; run `idtrail schemas register`")]
    NotRegistered(String),
}

/// Gives ids to schemas and schemas to ids. Services only look up; `schemas register` writes.
#[async_trait]
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// The id of the topic's compiled-in schema.
    async fn id_of(&self, topic: Topic) -> Result<u32, RegistryError>;

    /// The text of the schema with this id; none if the registry answers that it has no such id.
    async fn schema(&self, id: u32) -> Result<Option<String>, RegistryError>;

    /// Registers the compiled-in schema of a topic with compatibility `FULL_TRANSITIVE`; its id.
    async fn register(&self, topic: Topic) -> Result<u32, RegistryError>;

    /// How long an unknown id may still be one that another process has just registered.
    fn patience(&self) -> std::time::Duration;
}
