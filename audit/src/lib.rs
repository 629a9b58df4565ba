#![doc = include_str!("../README.md")]

use std::sync::Arc;

use anyhow::Context as _;
use sqlx::migrate::Migrator;
use stage::{
    Context, Stopper,
    database::{Database, Lead, Migrations},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Notify},
};

mod api;
mod audit;
mod batch;
mod body;
mod canonical;
mod config;
mod history;
mod keys;
mod leaf;
mod naming;
mod receipts;
mod seal;
mod store;
mod tree;

#[cfg(test)]
mod tests;

pub use config::{Config, Reader};
pub use history::{Check, History, HistoryError, PAGE, Page, Query, Refused, Source, Step};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static KEYS_SQLITE: Migrator = sqlx::migrate!("migrations/keys/sqlite");
static KEYS_POSTGRES: Migrator = sqlx::migrate!("migrations/keys/postgres");

/// The tables of the history.
pub static MIGRATIONS: Migrations = Migrations {
    sqlite: &SQLITE,
    postgres: &POSTGRES,
};

/// The tables of the key database.
pub static KEY_MIGRATIONS: Migrations = Migrations {
    sqlite: &KEYS_SQLITE,
    postgres: &KEYS_POSTGRES,
};

/// Appends, publishes receipts and answers who asks, until asked to stop.
///
/// Ends with an error only where another setting or a command is the cure; what is merely not ready is waited for.
pub async fn start(config: Config, context: Context) -> anyhow::Result<()> {
    config.check()?;
    // Bound before anything is begun: an address that is taken must end the start, not a service at work.
    let listener = match config.listen {
        Some(address) => Some(api::serve::bind(address).await?),
        None => None,
    };
    let api = api::Api {
        history: Arc::new(History::open(&config).await?),
        access: Arc::new(api::access::Access::of(&config.readers).map_err(anyhow::Error::msg)?),
    };
    let service = Service::open(&config, &context).await?;
    tokio::join!(
        service.run(&context),
        answer(listener, api, context.stopper.clone()),
    );
    Ok(())
}

async fn answer(listener: Option<TcpListener>, api: api::Api, stopper: Stopper) {
    if let Some(listener) = listener {
        api::serve::serve(listener, api::router(api), stopper).await;
    }
}

/// The two loops over one history.
struct Service {
    codec: Arc<stage::Codec>,
    audit: audit::Audit,
    receipts: receipts::Receipts,
}

impl Service {
    async fn open(config: &Config, context: &Context) -> anyhow::Result<Self> {
        let (history, keys) = config.open().await?;
        Self::on((&history, &keys), config.kek()?, context).await
    }

    async fn on(
        (history, keys): (&Database, &Database),
        kek: seal::Kek,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let kek = Arc::new(kek);
        let (store, key_store) = (store::open(history), keys::open(keys));
        // The first key of a new history is noted, so that no other is ever taken for it.
        key_store
            .use_kek(kek.id())
            .await
            .context("the setting `audit.keys`")?;
        let codec = context.codec("audit");
        let ring = Arc::new(Notify::new());
        Ok(Self {
            audit: audit::Audit {
                store: Arc::clone(&store),
                keys: keys::Keys::new(key_store, kek, context.chance),
                codec: Arc::clone(&codec),
                clock: Arc::clone(&context.clock),
                chance: context.chance,
                prefix: context.broker.prefix().to_owned(),
                lead: Lead::of(history, "audit"),
                view: Mutex::default(),
                ring: Arc::clone(&ring),
            },
            receipts: receipts::Receipts {
                store,
                codec: Arc::clone(&codec),
                lead: Lead::of(history, "audit-relay"),
                ring,
            },
            codec,
        })
    }

    async fn run(&self, context: &Context) {
        tokio::join!(
            stage::keep::run(&self.audit, context, &self.codec),
            stage::relay::run(&self.receipts, context, &self.codec),
        );
    }
}
