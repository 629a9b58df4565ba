//! Starting, running and stopping: what is opened in which order, and what runs beside what.

use std::{sync::Arc, time::Duration};

use stage::{
    Codec, Context, Retry, Stopper,
    database::{CONNECTIONS, Database, DatabaseError, Lead, Ways},
    keep::{self, Keep as _},
    relay::{self, Outbox as _},
    retry,
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Notify},
};

use crate::{
    acts::{self, Acts, Queue},
    ahead::Ahead,
    api::{self, Api, access::Access},
    assurance::Assurance,
    audit::Audit,
    config::Config,
    erasure::{self, Clients, Worker},
    evidence::Evidence,
    history::History,
    keys::{self, Keys},
    log::key::SigningKey,
    looks::{Book, Noted, Viewing},
    receipts::Receipts,
    reconcile::{Fresh, Reconciler},
    seal::Kek,
    signer::{self, heads::HeadStore},
    steps::Steps,
    store, tally,
};

/// Connections of the writer, its relay, and one to spare.
const WRITING: u32 = 3;

mod signing;

pub(crate) use signing::Signing;

/// Appends, publishes receipts and answers who asks, until asked to stop.
///
/// Ends with an error only where another setting or a command is the cure; what is merely not ready is waited for.
pub async fn start(config: Config, context: Context) -> anyhow::Result<()> {
    config.check()?;
    let access = Access::of(&config.readers).map_err(anyhow::Error::msg)?;
    config.kek()?;
    // Bound before anything is begun: an address that is taken must end the start, not a service at work.
    let listener = match config.listen {
        Some(address) => Some(api::serve::bind(address).await?),
        None => None,
    };
    let log_key = config.log_key()?.map(Arc::new);
    let Some(opened) = open(&config, &context).await else {
        return Ok(());
    };
    let ((history, keys), kek) = opened?;
    let mut heads = None;
    if let Some(key) = &log_key {
        let Some(opened) = open_heads(&config, key, &context).await else {
            return Ok(());
        };
        heads = Some(opened?);
    } else {
        tracing::warn!("nothing is signed: the setting `audit.log_key_file` names no file");
    }
    // What does not append has connections of its own, so that it never waits for the writer, nor the writer for it.
    let mut ways = Ways::default();
    let aside = [&history, &keys].map(|one| ways.through(one, CONNECTIONS, context.chance));
    let databases = (&aside[0], &aside[1]);
    let reading = History::on(databases, Arc::clone(&kek));
    let evidence = Evidence::on(store::open(databases.0)).asking(config.witness_quorum);
    let assurance = Assurance::on(databases.0);
    let clients = Clients::on(erasure::Opened::on(databases, Arc::clone(&kek)));
    let worker = Worker {
        clients,
        backup_days: config.key_backup_days,
        job: config.retention,
        cover: erasure::Cover::of(&config),
        stopper: context.stopper.clone(),
    };
    let reconciler = Reconciler::new(&config, databases, Arc::clone(&kek), log_key.clone());
    let service = Service::new((&history, &keys), kek, &context, &mut ways);
    let api = Api {
        viewing: Arc::new(service.viewing(reading, &context)),
        access: Arc::new(access),
        evidence,
        assurance,
        vkey: log_key.as_ref().map(|key| key.verifier().to_string()),
    };
    let signing = match log_key.zip(heads) {
        Some((key, heads)) => {
            let store = Arc::clone(&service.audit.store);
            Some(Signing::of(
                (&config, &history),
                store,
                (key, heads),
                &context,
            )?)
        }
        None => None,
    };
    let work = async {
        tokio::join!(
            Box::pin(service.run(&context, signing.as_ref(), (&worker, &reconciler))),
            answer(listener, api, context.stopper.clone()),
        )
    };
    ways.open_for(work).await;
    Ok(())
}

/// The history, the keys, and what those are sealed with.
pub(crate) type Opened = ((Database, Database), Arc<Kek>);

/// Both databases and the key-encryption key, once they answer and fit; nothing if a stop is asked for first.
pub(crate) async fn open(config: &Config, context: &Context) -> Option<anyhow::Result<Opened>> {
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
        let kek = match config.kek() {
            Ok(kek) => kek,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = keys::fit(store.as_ref(), &kek, entries).await? {
            return Ok(Err(error));
        }
        // The first key of a new history is noted, so that no other is ever taken for it.
        store.use_kek(kek.id()).await?;
        let kek = keys::with_index(store.as_ref(), kek).await?;
        Ok(kek.map(|kek| ((history, keys), Arc::new(kek))))
    });
    opened.await
}

/// The head store, once it answers and fits; nothing if a stop is asked for first.
pub(crate) async fn open_heads(
    config: &Config,
    key: &SigningKey,
    context: &Context,
) -> Option<anyhow::Result<Arc<dyn HeadStore>>> {
    let status = context.health.stage(signer::NAME);
    let note = |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
    let opened = retry::until_done(&context.stopper, note, || async {
        match signer::heads::open(&config.head, key.verifier().name()).await {
            Err(error @ DatabaseError::Unavailable { .. }) => Err(Retry::because(error)),
            opened => Ok(opened.map_err(anyhow::Error::from)),
        }
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
    /// Where entries of the log's own are handed in.
    pub(crate) acts: Acts,
    pub(crate) queue: Queue,
    /// Where looks wait that this process did not answer.
    pub(crate) noted: Noted,
}

impl Service {
    /// The service with connections of its own, which others do not wait for, by ways that are added to these.
    pub(crate) fn new(
        (history, keys): (&Database, &Database),
        kek: Arc<Kek>,
        context: &Context,
        ways: &mut Ways,
    ) -> Self {
        let through = [history, keys].map(|one| ways.through(one, WRITING, context.chance));
        let mut this = Self::on((&through[0], &through[1]), kek, context);
        // Says a word at a time, with a limit, and tells best what is wrong.
        this.audit.lead = Lead::of(history, Audit::NAME);
        this.receipts.lead = Lead::of(history, Receipts::NAME);
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
        let (acts, queue) = acts::queue();
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
                ahead: Ahead::default(),
                fresh: Fresh::default(),
                steps: Steps::default(),
                ring: Arc::clone(&ring),
            },
            receipts: Receipts {
                store,
                codec: Arc::clone(&codec),
                lead: Lead::of(history, Receipts::NAME),
                ring,
            },
            acts,
            queue,
            noted: Noted(keys.clone()),
            codec,
        }
    }

    /// The history for viewers, each of whom has an entry in the log before they have an answer.
    fn viewing(&self, history: History, context: &Context) -> Viewing {
        let book = Book::Log(self.acts.clone());
        let rest = (Arc::clone(&context.clock), context.chance);
        Viewing::on(history, self.noted.clone(), book, rest)
    }

    pub(crate) async fn run(
        &self,
        context: &Context,
        signing: Option<&Signing>,
        (worker, reconciler): (&Worker, &Reconciler),
    ) {
        let sign = async {
            if let Some(signing) = signing {
                signing.run(context).await;
            }
        };
        tokio::join!(
            keep::run(&self.audit, context, &self.codec),
            relay::run(&self.receipts, context, &self.codec),
            self.queue.run(&self.audit, &self.noted, context),
            self.noted.run(&self.audit, context),
            worker.run(&self.audit, context),
            reconciler.run(&self.audit, &self.acts, context),
            sign,
        );
    }
}
