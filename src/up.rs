//! `up`: all services in one process on the embedded defaults.

use std::{
    ffi::OsStr,
    fs::File,
    io::IsTerminal as _,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use stage::{Context, Settings, config::Origin};
use toml::Value;

use crate::{
    command::{Place, Up},
    config::All,
    exit::{Exit, Failure},
    output, process, service, setup, stores,
};

/// How often what is no longer kept is deleted.
const RETENTION: Duration = Duration::from_mins(10);

/// Runs the system until asked to stop.
pub(crate) fn run(arguments: &Up) -> Result<Exit, Failure> {
    let _lock = lock(&arguments.data)?;
    let mut all = settings(arguments)?;
    all.check()?;
    let again = arguments.clone();
    all.reread_door(arguments.config.clone(), move || settings(&again));
    let data = arguments.data.clone();
    let stages = service::all_stages(&all);
    process::serve("up", &stages, all, |all, context| async move {
        let demo = prepare(&all, &context).await?;
        let door = ingest::door::bind(all.door.listen).map_err(Failure::usage)?;
        say(&all, &data, demo);
        let stopper = context.stopper.clone();
        let retention = retain(context.clone());
        let (done, ()) = tokio::join!(
            service::all_of_them(Arc::clone(&all), context, door),
            retention
        );
        if stopper.is_stopping() && done.is_ok() {
            output::note("stopped: everything that was accepted is kept");
        }
        done
    })?;
    Ok(Exit::Yes)
}

/// Makes the data folder and locks it: two processes on one folder would each believe to be alone.
pub(crate) fn lock(data: &Path) -> Result<File, Failure> {
    let named = |error: std::io::Error| Failure::usage(format!("{}: {error}", data.display()));
    // `raw` holds personal data: nobody else on this machine may look into the folder.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(named)?;
    let file = File::create(data.join("lock")).map_err(named)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure::usage(format!(
            "another `idtrail up` runs on the data folder {}; stop it, or give another with --data",
            data.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(named(error)),
    }
}

fn settings(arguments: &Up) -> Result<All, Failure> {
    let place = Place {
        config: arguments.config.clone(),
        data: None,
    };
    let mut settings = match &arguments.config {
        Some(_) => process::settings(&place)?,
        None => process::environment_only()?,
    };
    defaults(&mut settings, &arguments.data);
    let given = [
        ("door.listen", "--listen", arguments.listen),
        ("admin.listen", "--admin", arguments.admin),
        ("audit.listen", "--api", arguments.api),
    ];
    for (path, name, address) in given {
        if let Some(address) = address {
            settings.set(
                path,
                Value::String(address.to_string()),
                Origin::Argument(name.to_owned()),
            );
        }
    }
    Ok(All::read(&settings)?)
}

/// The embedded defaults, and what only a trial on this machine may do: loopback may post.
pub(crate) fn defaults(settings: &mut Settings, data: &Path) {
    process::embedded_defaults(settings, data);
    let origin = || Origin::Argument("idtrail up".to_owned());
    let loopback = ["127.0.0.0/8", "::1/128"].map(|network| Value::String(network.to_owned()));
    settings.set_default("door.allow", Value::Array(loopback.to_vec()), origin());
    settings.set_default(
        "audit.listen",
        Value::String("127.0.0.1:8081".to_owned()),
        origin(),
    );
    settings.set_default("broker.partitions", Value::Integer(4), origin());
    // A load from one's own machine is no flood.
    settings.set_default("door.rate", Value::Integer(20_000), origin());
    settings.set_default("door.burst", Value::Integer(20_000), origin());
    settings.set_default("door.total_rate", Value::Integer(20_000), origin());
    if std::io::stderr().is_terminal() {
        settings.set_default(
            "telemetry.format",
            Value::String("text".to_owned()),
            origin(),
        );
    }
}

/// Does what `topics create`, `schemas register` and `database migrate` do. Whether the demo directory was imported.
pub(crate) async fn prepare(all: &All, context: &Context) -> Result<bool, Failure> {
    for file in [&all.audit.key_file, &all.audit.log_key_file]
        .into_iter()
        .flatten()
    {
        stores::make_key_file(file)?;
    }
    context.broker.create_topics().await?;
    setup::register(context.broker.as_ref()).await?;
    stores::migrate(all).await?;
    let table = stores::directory(all).await?;
    let empty = table.list().await.map_err(Failure::unreachable)?.is_empty();
    if empty {
        table
            .import(directory::demo_import())
            .await
            .map_err(Failure::usage)?;
    }
    Ok(empty)
}

/// Deletes what is no longer kept, until asked to stop.
async fn retain(context: Context) {
    while context
        .stopper
        .run_until_stopped(tokio::time::sleep(RETENTION))
        .await
        .is_some()
    {
        match context.broker.retain().await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "records were deleted by retention"),
            Err(error) => tracing::warn!("retention could not delete: {error}"),
        }
    }
}

fn say(all: &All, data: &Path, demo: bool) {
    // As it was called, so that what stands here can be copied where it is in no PATH.
    let called = std::env::args_os().next();
    let program = called.as_deref().unwrap_or(OsStr::new("idtrail")).display();
    let door = format!("http://{}/callbacks/jumio", all.door.listen);
    let api = all.audit.listen.map_or_else(
        || "off".to_owned(),
        |listen| format!("http://{listen}/v1/checks"),
    );
    let mail: PathBuf = all.notify.maildir.clone().unwrap_or_default();
    output::note(&format!(
        "idtrail is up\n  door     {door}\n  status   http://{}/status\n  history  {api}\n  mail     {}\n  data     {}",
        all.admin.listen,
        mail.join("new").display(),
        data.display(),
    ));
    if demo {
        output::note(&format!(
            "  directory: the demo accounts A-1001 and A-1002; `{program} directory import FILE` replaces them"
        ));
    }
    let data = data.display();
    output::note(&format!(
        "try\n  {program} emit --scenario approved --customer A-1001:C-2001 --to {door}\n  {program} history --account A-1001 --data {data}\n  {program} tail checked --follow --data {data}"
    ));
}
