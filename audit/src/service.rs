//! Starting, running and stopping: what is opened in which order, and what runs beside what.

use std::{sync::Arc, time::Duration};

use stage::{
    Chance, Codec, Context, Retry, Stopper,
    database::{Database, DatabaseError, Lead},
    keep::{self, Keep as _},
    relay::{self, Outbox as _},
    retry,
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Notify},
};

use crate::{
    api::{self, Api, access::Access},
    audit::Audit,
    config::Config,
    history::History,
    keys::{self, Keys},
    receipts::Receipts,
    seal::Kek,
    store, tally,
    way::Way,
};

/// Appends, publishes receipts and answers who asks, until asked to stop.
///
/// Ends with an error only where another setting or a command is the cure; what is merely not ready is waited for.
pub async fn start(config: Config, context: Context) -> anyhow::Result<()> {
    config.check()?;
    let access = Access::of(&config.readers).map_err(anyhow::Error::msg)?;
    let kek = Arc::new(config.kek()?);
    // Bound before anything is begun: an address that is taken must end the start, not a service at work.
    let listener = match config.listen {
        Some(address) => Some(api::serve::bind(address).await?),
        None => None,
    };
    let Some(opened) = open(&config, &kek, &context).await else {
        return Ok(());
    };
    let (history, keys) = opened?;
    let api = Api {
        history: Arc::new(History::on((&history, &keys), Arc::clone(&kek))),
        access: Arc::new(access),
    };
    let service = Service::new((history, keys), kek, &context);
    tokio::join!(
        service.run(&context),
        answer(listener, api, context.stopper.clone()),
    );
    Ok(())
}

/// Both databases, the history and the keys, once they answer and fit; nothing if a stop is asked for first.
async fn open(
    config: &Config,
    kek: &Kek,
    context: &Context,
) -> Option<anyhow::Result<(Database, Database)>> {
    let status = context.health.stage(Audit::NAME);
    let note = |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
    let opened = retry::until_done(&context.stopper, note, || async {
        let (history, keys) = match config.open().await {
            Err(error @ DatabaseError::Unavailable { .. }) => return Err(Retry::because(error)),
            Err(error) => return Ok(Err(error.into())),
            Ok(opened) => opened,
        };
        let store = keys::open(&keys);
        let entries = store::open(&history).size().await?;
        if let Err(error) = keys::fit(store.as_ref(), kek, entries).await? {
            return Ok(Err(error));
        }
        // The first key of a new history is noted, so that no other is ever taken for it.
        store.use_kek(kek.id()).await?;
        Ok(Ok((history, keys)))
    });
    opened.await
}

async fn answer(listener: Option<TcpListener>, api: Api, stopper: Stopper) {
    if let Some(listener) = listener {
        api::serve::serve(listener, api::router(api), stopper).await;
    }
}

/// The two loops over one history.
pub(crate) struct Service {
    pub(crate) codec: Arc<Codec>,
    pub(crate) audit: Audit,
    pub(crate) receipts: Receipts,
    /// The writer's ways to the history and to the keys, where it has some of its own.
    ways: [Option<Way>; 2],
}

impl Service {
    /// The service with ways of its own to its databases, which [`carry`](Self::carry) keeps open.
    pub(crate) fn new(
        (history, keys): (Database, Database),
        kek: Arc<Kek>,
        context: &Context,
    ) -> Self {
        let (history_way, through) = way_to(history.clone(), context.chance);
        let (keys_way, keys) = way_to(keys, context.chance);
        let mut this = Self::on((&through, &keys), kek, context);
        // Says a word at a time, so it needs no way, and tells better what is wrong.
        this.audit.lead = Lead::of(&history, Audit::NAME);
        this.receipts.lead = Lead::of(&history, Receipts::NAME);
        this.ways = [history_way, keys_way];
        this
    }

    /// The service on databases as they are.
    pub(crate) fn on(
        (history, keys): (&Database, &Database),
        kek: Arc<Kek>,
        context: &Context,
    ) -> Self {
        tally::begin();
        let store = store::open(history);
        let codec = context.codec(Audit::NAME);
        let ring = Arc::new(Notify::new());
        Self {
            audit: Audit {
                store: Arc::clone(&store),
                keys: Keys::new(keys::open(keys), kek, context.chance),
                codec: Arc::clone(&codec),
                clock: Arc::clone(&context.clock),
                chance: context.chance,
                prefix: context.broker.prefix().to_owned(),
                lead: Lead::of(history, Audit::NAME),
                view: Mutex::default(),
                ring: Arc::clone(&ring),
            },
            receipts: Receipts {
                store,
                codec: Arc::clone(&codec),
                lead: Lead::of(history, Receipts::NAME),
                ring,
            },
            codec,
            ways: [None, None],
        }
    }

    async fn run(&self, context: &Context) {
        let work = async {
            tokio::join!(
                keep::run(&self.audit, context, &self.codec),
                relay::run(&self.receipts, context, &self.codec),
            );
        };
        tokio::select! {
            () = work => {}
            () = self.carry() => {}
        }
    }

    /// Keeps the ways open, for ever.
    pub(crate) async fn carry(&self) {
        let [history, keys] = self.ways.each_ref().map(|way| async move {
            match way {
                Some(way) => way.run().await,
                None => std::future::pending().await,
            }
        });
        tokio::join!(history, keys);
    }
}

/// A way of the writer's own, where there is one; else the database as it is, which is slower and as good.
fn way_to(database: Database, chance: Chance) -> (Option<Way>, Database) {
    match Way::to(&database, chance) {
        Ok(Some((way, through))) => (Some(way), through),
        Ok(None) => (None, database),
        Err(error) => {
            tracing::warn!(
                "no folder for the writer's way to the database, appending is slower: {error}"
            );
            (None, database)
        }
    }
}
