//! What every command and every process does first: settings, clock, broker, telemetry.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use stage::{
    Broker, Chance, Context, Health, Settings, Stopper, SystemClock,
    broker::embedded::{Embedded, Opening},
    config::Origin,
    health::page::{self, Page},
    telemetry::Telemetry,
};
use tokio::runtime::Runtime;

use crate::{about, command::Place, config::All, exit::Failure};

/// How long a drain may take, beside what the door announces before: with what follows it less than the 30 s after which
/// Kubernetes kills, more than the 15 s that the door gives to its connections.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);
/// How long is waited at the end for threads that are still at work.
const ABANDON: Duration = Duration::from_secs(5);

/// The environment, read once.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The settings of a command: a file, or the data folder of `up`, and the environment over it.
pub(crate) fn settings(place: &Place) -> Result<Settings, Failure> {
    let mut settings = Settings::load(place.config.as_deref(), &environment())?;
    if let Some(data) = &place.data {
        if !data.is_dir() {
            return Err(Failure::usage(format!(
                "the data folder {} is not there; `idtrail up --data {}` makes it",
                data.display(),
                data.display()
            )));
        }
        embedded_defaults(&mut settings, data);
    } else if place.config.is_none() && Path::new("data/topics.db").exists() {
        embedded_defaults(&mut settings, Path::new("data"));
    }
    Ok(settings)
}

/// The settings of the environment alone.
pub(crate) fn environment_only() -> Result<Settings, Failure> {
    Ok(Settings::load(None, &environment())?)
}

/// What `up` sets where nobody else did: everything in one folder.
pub(crate) fn embedded_defaults(settings: &mut Settings, data: &Path) {
    let origin = || Origin::Argument(format!("--data {}", data.display()));
    let asks_for_key = settings.origin("audit.key_command") != Origin::Default;
    let mut put = |path: &str, value: String| {
        settings.set_default(path, toml::Value::String(value), origin());
    };
    let file = |name: &str| data.join(name).display().to_string();
    put("broker.file", file("topics.db"));
    put("directory.url", format!("sqlite:{}", file("directory.db")));
    put(
        "notify.database.url",
        format!("sqlite:{}", file("notify.db")),
    );
    put("notify.channel", "maildir".to_owned());
    put("notify.maildir", file("mail"));
    put(
        "audit.database.url",
        format!("sqlite:{}", file("history.db")),
    );
    put("audit.keys.url", format!("sqlite:{}", file("keys.db")));
    if !asks_for_key {
        put("audit.key_file", file("history.key"));
    }
    put("audit.log_key_file", file("log.key"));
    put("audit.head.url", format!("file:{}", file("log.head")));
}

/// The runtime of a command or process.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::usage)
}

/// Runs a short command to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime()?.block_on(work)
}

/// Opens the broker that the settings name.
pub(crate) async fn broker(all: &All) -> Result<Arc<dyn Broker>, Failure> {
    let clock = Arc::new(SystemClock);
    if all.broker.kind == "kafka" {
        return crate::kafka::open(all, clock);
    }
    let opening = Opening {
        prefix: all.broker.prefix.clone(),
        partitions: all.broker.partitions,
    };
    Ok(Arc::new(
        Embedded::open(&all.broker.file, opening, Arc::new(SystemClock)).await?,
    ))
}

/// The context of the services of this process.
fn context(all: &All, broker: Arc<dyn Broker>, stopper: Stopper) -> Context {
    Context {
        broker,
        clock: Arc::new(SystemClock),
        chance: Chance::system(),
        stopper,
        health: Health::new(),
        limit: all.limit(),
    }
}

/// Runs services until they end: telemetry around them, signals and the admin listener beside them.
///
/// `work` gets the context once the broker is open; when it ends, everything else ends too.
///
/// `stages` are expected from the beginning, so that a process is not ready before each of them is.
pub(crate) fn serve<F, Fut>(
    name: &'static str,
    stages: &[&'static str],
    all: All,
    work: F,
) -> Result<(), Failure>
where
    F: FnOnce(Arc<All>, Context) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    // The exporter of spans has a thread of its own and must be built outside the runtime.
    let telemetry = Telemetry::start(&all.telemetry, name).map_err(Failure::usage)?;
    let runtime = runtime()?;
    let all = Arc::new(all);
    let done = runtime.block_on(async {
        let stopper = Stopper::new();
        let drain = DRAIN + Duration::from_millis(all.door.announce_ms);
        let signals = stopper.clone().follow_signals(drain);
        let signals = signals.map_err(Failure::usage)?;
        let admin = page::bind(all.admin.listen).await.map_err(Failure::usage)?;
        let context = context(&all, broker(&all).await?, stopper.clone());
        for stage in stages {
            context.health.stage(stage);
        }
        let page = Page {
            health: context.health.clone(),
            metrics: telemetry.metrics.clone(),
            stopper,
            about: Arc::new(about::json()),
        };
        tokio::select! {
            done = work(Arc::clone(&all), context) => done,
            ended = page::serve(admin, page) => ended.map_err(Failure::usage),
            () = signals => Ok(()),
        }
    });
    runtime.shutdown_timeout(ABANDON);
    telemetry.flush();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_program_prints_needs_no_file() {
        for (command, file) in [(None, true), (Some("[\"unseal\"]"), false)] {
            let command =
                command.map(|text| ("IDTRAIL_AUDIT__KEY_COMMAND".to_owned(), text.to_owned()));
            let variables: Vec<(String, String)> = command.into_iter().collect();
            let mut settings = Settings::load(None, &variables).unwrap();
            embedded_defaults(&mut settings, Path::new("data"));
            let set = settings.origin("audit.key_file") != Origin::Default;
            assert_eq!(set, file);
        }
    }
}
