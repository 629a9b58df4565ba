//! Schema ids in the topics' file.

use std::time::Duration;

use async_trait::async_trait;
use schemas::{AnyEvent, Topic};
use sqlx::sqlite::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use super::writer::{Change, Guard};
use crate::{Registry, RegistryError};

/// The registry of the embedded broker.
#[derive(Debug)]
pub(super) struct InFile {
    pool: SqlitePool,
    changes: mpsc::Sender<Change>,
    prefix: String,
}

impl InFile {
    pub(super) fn new(pool: SqlitePool, changes: mpsc::Sender<Change>, prefix: String) -> Self {
        Self {
            pool,
            changes,
            prefix,
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> RegistryError {
    RegistryError::Unavailable(error.to_string())
}

#[async_trait]
impl Registry for InFile {
    async fn id_of(&self, topic: Topic) -> Result<u32, RegistryError> {
        let subject = topic.subject(&self.prefix);
        let text = AnyEvent::contract(topic).map_or("", schemas::Contract::text);
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT id FROM schemas WHERE subject = ? AND text = ?")
                .bind(&subject)
                .bind(text)
                .fetch_optional(&self.pool)
                .await
                .map_err(unavailable)?;
        row.and_then(|(id,)| u32::try_from(id).ok())
            .ok_or(RegistryError::NotRegistered(subject))
    }

    async fn schema(&self, id: u32) -> Result<Option<String>, RegistryError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT text FROM schemas WHERE id = ?")
            .bind(i64::from(id))
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(row.map(|(text,)| text))
    }

    async fn register(&self, topic: Topic) -> Result<u32, RegistryError> {
        let text = AnyEvent::contract(topic)
            .map_or("", schemas::Contract::text)
            .to_owned();
        let (reply, answer) = oneshot::channel();
        let guard = Guard::Schema {
            subject: topic.subject(&self.prefix),
            text,
        };
        self.changes
            .send(Change {
                guard,
                outputs: Vec::new(),
                reply,
            })
            .await
            .map_err(unavailable)?;
        let facts = answer.await.map_err(unavailable)?.map_err(unavailable)?;
        let id = facts.first().and_then(|(_, id)| u32::try_from(*id).ok());
        id.ok_or_else(|| unavailable("no id was given"))
    }

    fn patience(&self) -> Duration {
        // The file is the registry: what is not in it, nobody has registered a moment ago.
        Duration::ZERO
    }
}
