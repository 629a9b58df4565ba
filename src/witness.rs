//! `witness`: a small witness that a partner can run, which cosigns the checkpoints of logs that only ever grow.

use std::sync::Arc;

use audit::witness::server::Server;
use stage::{Chance, Stopper, SystemClock, telemetry::Telemetry};
use tokio::net::TcpListener;

use crate::{
    command::{Place, Witness, WitnessWhat},
    config::All,
    exit::{Exit, Failure},
    output, process,
};

/// Answers until asked to stop, or adds a log.
pub(crate) fn run(arguments: &Witness, place: &Place) -> Result<Exit, Failure> {
    if let Some(WitnessWhat::AddLog { vkey }) = &arguments.what {
        return process::block_on(async {
            let witness = open(None, place).await?;
            let origin = add(&witness, vkey).await?;
            output::note(&format!("the witness watches {origin}"));
            output::line(&witness.vkey())?;
            Ok(Exit::Yes)
        });
    }
    // Of the settings of a system only how things are logged matters here.
    let settings = match place.config {
        Some(_) => process::settings(&Place {
            data: None,
            ..place.clone()
        })?,
        None => process::environment_only()?,
    };
    let all = All::read(&settings)?;
    let telemetry = Telemetry::start(&all.telemetry, "witness").map_err(Failure::usage)?;
    let done = process::block_on(serve(arguments, place));
    telemetry.flush();
    done
}

async fn serve(arguments: &Witness, place: &Place) -> Result<Exit, Failure> {
    let listen = arguments
        .listen
        .ok_or_else(|| Failure::usage("say where the witness listens: --listen ADDR"))?;
    let witness = open(arguments.name.as_deref(), place).await?;
    for vkey in &arguments.origin {
        add(&witness, vkey).await?;
    }
    let stopper = Stopper::new();
    let signals = stopper.clone().follow_signals(process::DRAIN);
    let signals = signals.map_err(Failure::usage)?;
    let bound = TcpListener::bind(listen).await;
    let listener = bound.map_err(|error| {
        Failure::usage(format!("cannot listen on {listen} (--listen): {error}"))
    })?;
    let address = listener.local_addr()?;
    output::note(&format!(
        "the witness listens on http://{address}; whoever it cosigns for needs this key"
    ));
    output::line(&witness.vkey())?;
    tokio::select! {
        () = witness.serve(listener, stopper.clone()) => Ok(Exit::Yes),
        () = signals => Ok(Exit::Yes),
    }
}

async fn open(name: Option<&str>, place: &Place) -> Result<Server, Failure> {
    let folder = place.data.as_deref().ok_or_else(|| {
        Failure::usage("say where the witness keeps what it has seen: --data DIR")
    })?;
    let opened = Server::open(folder, name, Chance::system(), Arc::new(SystemClock)).await;
    opened.map_err(|error| Failure::usage(format!("{error:#}")))
}

async fn add(witness: &Server, vkey: &str) -> Result<String, Failure> {
    let added = witness.add_log(vkey).await;
    added.map_err(|error| Failure::usage(format!("{error:#}")))
}
