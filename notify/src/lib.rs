#![doc = include_str!("../README.md")]

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use directory::Directory;
use sqlx::migrate::Migrator;
use stage::{
    Context, Retry,
    database::{CONNECTIONS, Database, DatabaseError, Lead, Migrations, Ways},
    retry,
};

mod alert;
mod bells;
mod channel;
mod config;
mod decide;
mod draft;
mod keep;
mod met;
mod plan;
mod relay;
mod schedule;
mod sender;
mod store;
mod tally;
mod template;
mod view;
mod windows;

#[cfg(test)]
mod tests;

pub use alert::{AdminView, Failing, More, Trouble};
pub use config::{ChannelKind, Config, Smtp, Tls};
pub use template::Text;
pub use view::{BadLink, Link, OnboardingView, SalesView, View, Word};

/// The section of the settings that names the database.
const SETTING: &str = "notify.database";

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The tables of `notify`.
pub static MIGRATIONS: Migrations = Migrations {
    sqlite: &SQLITE,
    postgres: &POSTGRES,
};

/// Decides, tells and publishes until asked to stop.
///
/// The settings are those that [`Config::check`] has accepted. Ends with an error only where a command or
/// another setting is the cure; what is merely not ready is waited for.
pub async fn start(
    config: Config,
    directory: Arc<dyn Directory>,
    context: Context,
) -> anyhow::Result<()> {
    let database = Database::open(&config.database, SETTING)?;
    if !tables_fit(&database, &context).await? {
        return Ok(());
    }
    let channel = channel(&config)?;
    let mut ways = Ways::default();
    let through = ways.through(&database, CONNECTIONS, context.chance);
    let databases = (&database, &through);
    let service = Service::new(&config, databases, (directory, channel), &context);
    ways.open_for(Box::pin(service.run(&context))).await;
    Ok(())
}

/// Whether people can be reached: what was found, or what to do.
pub async fn probe(config: &Config) -> Result<String, String> {
    if config.channel != ChannelKind::Smtp {
        return Ok("no outside system: notices are kept on this machine, or discarded".to_owned());
    }
    let writer = writer(config).map_err(|error| error.to_string())?;
    let server = channel::smtp::Smtp::new(config.smtp.clone(), writer);
    match server.probe().await {
        Ok(()) => Ok("reachable, over TLS and with our login where these are set".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Waits for the database; false if a stop is asked for first.
async fn tables_fit(database: &Database, context: &Context) -> Result<bool, DatabaseError> {
    let status = context
        .health
        .stage(<keep::Notify as stage::keep::Keep>::NAME);
    let note = |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
    let checked = retry::until_done(&context.stopper, note, || async {
        match database.check(SETTING, &MIGRATIONS).await {
            Err(error @ DatabaseError::Unavailable { .. }) => Err(Retry::because(error)),
            checked => Ok(checked),
        }
    });
    checked.await.transpose().map(|fits| fits.is_some())
}

fn writer(config: &Config) -> anyhow::Result<channel::message::Writer> {
    Ok(channel::message::Writer {
        from: config
            .from()
            .context("the setting `notify.smtp.from` is no mail address")?,
        domain: config.domain.clone(),
    })
}

fn channel(config: &Config) -> anyhow::Result<Arc<dyn channel::Channel>> {
    let writer = writer(config)?;
    Ok(match config.channel {
        ChannelKind::Smtp => Arc::new(channel::smtp::Smtp::new(config.smtp.clone(), writer)),
        ChannelKind::Maildir => {
            let folder: Option<PathBuf> = config.maildir.clone();
            let folder = folder.context("the channel `maildir` needs `notify.maildir`")?;
            Arc::new(channel::maildir::Maildir::new(folder, writer))
        }
        ChannelKind::Discard => Arc::new(channel::discard::Discard),
    })
}

/// The three loops over one outbox.
struct Service {
    codec: Arc<stage::Codec>,
    notify: keep::Notify,
    relay: relay::Relay,
    sender: sender::Sender,
}

impl Service {
    fn new(
        config: &Config,
        (database, through): (&Database, &Database),
        (directory, channel): (Arc<dyn Directory>, Arc<dyn channel::Channel>),
        context: &Context,
    ) -> Self {
        let codec = context.codec("notify");
        let store = store::open(through);
        // Not through the way: it has a limit of its own, and tells best what is wrong.
        let lead = Arc::new(Lead::of(database, "notify"));
        let bells: Arc<bells::Bells> = Arc::default();
        let pauses = config.pauses();
        let telling = Arc::new(plan::Telling {
            channel: channel.name(),
            ends_at_once: channel.name() == channel::discard::NAME,
            admins: config.admins.clone(),
            window: Duration::from_secs(config.alert_window_seconds),
            first_pause: pauses.first().copied().unwrap_or_default(),
        });
        tally::begin(telling.channel);
        Self {
            notify: keep::Notify {
                store: Arc::clone(&store),
                lead: Arc::clone(&lead),
                codec: Arc::clone(&codec),
                clock: Arc::clone(&context.clock),
                telling: Arc::clone(&telling),
                bells: Arc::clone(&bells),
                believed: std::sync::Mutex::default(),
            },
            relay: relay::Relay {
                store: Arc::clone(&store),
                lead: Arc::clone(&lead),
                codec: Arc::clone(&codec),
                bells: Arc::clone(&bells),
            },
            sender: sender::Sender {
                store,
                lead,
                directory,
                channel,
                telling,
                schedule: schedule::Schedule::new(pauses, context.chance),
                bells,
            },
            codec,
        }
    }

    async fn run(&self, context: &Context) {
        tokio::join!(
            stage::keep::run(&self.notify, context, &self.codec),
            stage::relay::run(&self.relay, context, &self.codec),
            sender::run(&self.sender, context),
        );
    }
}
