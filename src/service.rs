//! One service as its own process, and all of them as one system.

use std::{sync::Arc, time::Duration};

use stage::{BrokerError, Context};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    command::Place,
    config::All,
    exit::{Exit, Failure},
    process, stores,
};

/// How often lag is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// The door.
    Ingest,
    /// `raw` to `checked`.
    Validate,
    /// `checked` to `enriched`.
    Enrich,
    /// `enriched` to `notified`.
    Notify,
    /// The history.
    Audit,
}

const SERVICES: [Service; 5] = [
    Service::Ingest,
    Service::Validate,
    Service::Enrich,
    Service::Notify,
    Service::Audit,
];

impl Service {
    /// The stages that it runs, by the names that `/status` shows.
    fn stages(self, all: &All) -> &'static [&'static str] {
        match self {
            // What is discarded ends with its decision; nothing is left to send.
            Self::Notify if all.notify.channel == notify::ChannelKind::Discard => {
                &["notify", "notify-relay"]
            }
            Self::Ingest => &["ingest"],
            Self::Validate => &["validate"],
            Self::Enrich => &["enrich"],
            Self::Notify => &["notify", "notify-relay", "notify-sender"],
            Self::Audit if all.audit.log_key_file.is_none() => &["audit", "audit-relay"],
            Self::Audit => &["audit", "audit-relay", "audit-signer"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Validate => "validate",
            Self::Enrich => "enrich",
            Self::Notify => "notify",
            Self::Audit => "audit",
        }
    }
}

/// Runs one service until asked to stop.
pub(crate) fn run(service: Service, place: &Place) -> Result<Exit, Failure> {
    let mut all = All::read(&process::settings(place)?)?;
    all.check()?;
    let again = place.clone();
    all.reread_door(place.config.clone(), move || {
        All::read(&process::settings(&again)?).map_err(Failure::from)
    });
    if all.broker.kind == "embedded" {
        return Err(Failure::usage(
            "the embedded broker lives in one process: use `idtrail up`, or set `broker.kind = \"kafka\"`",
        ));
    }
    let stages = service.stages(&all);
    let huge_pages = match service {
        // Threads there use little of each: without them the door takes a quarter less. The other services work on batches
        // of megabytes, which huge pages make cheaper.
        Service::Ingest => rustix::thread::disable_transparent_huge_pages(true),
        Service::Validate | Service::Enrich | Service::Notify | Service::Audit => Ok(()),
    };
    process::serve(service.name(), stages, all, |all, context| async move {
        if let Err(error) = huge_pages {
            tracing::warn!(
                "the system does not do without huge pages, so the door takes more memory: {error}"
            );
        }
        let door = match service {
            Service::Ingest => Some(ingest::door::bind(all.door.listen).map_err(Failure::usage)?),
            Service::Validate | Service::Enrich | Service::Notify | Service::Audit => None,
        };
        let mut services = JoinSet::new();
        services.spawn(one(service, all, context.clone(), door));
        until_ended(services, &context).await
    })?;
    Ok(Exit::Yes)
}

/// The stages of all services.
pub(crate) fn all_stages(all: &All) -> Vec<&'static str> {
    SERVICES
        .iter()
        .flat_map(|service| service.stages(all))
        .copied()
        .collect()
}

/// Runs all services in this process until asked to stop.
pub(crate) async fn all_of_them(
    all: Arc<All>,
    context: Context,
    door: TcpListener,
) -> Result<(), Failure> {
    let mut services = JoinSet::new();
    services.spawn(one(
        Service::Ingest,
        Arc::clone(&all),
        context.clone(),
        Some(door),
    ));
    for service in [
        Service::Validate,
        Service::Enrich,
        Service::Notify,
        Service::Audit,
    ] {
        services.spawn(one(service, Arc::clone(&all), context.clone(), None));
    }
    until_ended(services, &context).await
}

/// When one service ends, the others drain: a system that is half there would only look alive.
async fn until_ended(
    mut services: JoinSet<Result<(), Failure>>,
    context: &Context,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    loop {
        let ended = tokio::select! {
            ended = services.join_next() => ended,
            () = context.stopper.stopping_now() => {
                services.abort_all();
                return outcome;
            }
        };
        match ended {
            None => return outcome,
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(failure))) => outcome = outcome.and(Err(failure)),
            Some(Err(error)) => {
                let why = format!("a service has failed: {error}");
                outcome = outcome.and(Err(Failure::unreachable(why)));
            }
        }
        context.stopper.stop();
    }
}

async fn one(
    service: Service,
    all: Arc<All>,
    context: Context,
    door: Option<TcpListener>,
) -> Result<(), Failure> {
    match service {
        Service::Ingest => match door {
            Some(listener) => Ok(ingest::door::start(all.door.clone(), context, listener).await?),
            None => Err(Failure::usage("the door has no listener")),
        },
        Service::Validate => {
            let lag = watch_lag("validate", &[schemas::Topic::Raw], context.clone());
            let (done, ()) = tokio::join!(ingest::validate::start(context), lag);
            done.map_err(restart)
        }
        Service::Enrich => {
            stores::need(&all, &["directory"]).await?;
            let directory = Arc::new(stores::directory(&all).await?);
            let lag = watch_lag("enrich", &[schemas::Topic::Checked], context.clone());
            let (done, ()) = tokio::join!(enrich::start(directory, context), lag);
            done.map_err(restart)
        }
        Service::Notify => {
            stores::need(&all, &["directory", "notify"]).await?;
            let directory = Arc::new(stores::directory(&all).await?);
            notify::start(all.notify.clone(), directory, context)
                .await
                .map_err(Failure::usage)
        }
        Service::Audit => {
            stores::need(&all, &["audit"]).await?;
            audit::start(all.audit.clone(), context)
                .await
                .map_err(Failure::usage)
        }
    }
}

fn restart(error: BrokerError) -> Failure {
    // Fenced or misconfigured: a restart (or its setting) is the cure, never going on.
    error.into()
}

/// Looks at the lag of a group until asked to stop. A look that fails says nothing: the stage itself tells.
async fn watch_lag(group: &'static str, topics: &'static [schemas::Topic], context: Context) {
    let status = context.health.stage(group);
    while context
        .stopper
        .run_until_stopped(tokio::time::sleep(LOOK))
        .await
        .is_some()
    {
        if let Ok(lags) = context.broker.lag(group, topics).await {
            status.lag(lags.iter().map(|lag| lag.records).sum());
        }
    }
}
