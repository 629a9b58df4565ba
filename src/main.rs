//! `idtrail`: one binary, a subcommand for each service and for each thing that people do.

use std::process::ExitCode;

use clap::Parser as _;

mod about;
mod access;
mod assurance;
mod command;
mod config;
mod demo;
mod directory;
mod doctor;
mod door;
mod emit;
mod erase;
mod exit;
mod explain;
mod export;
mod history;
mod kafka;
mod output;
mod process;
mod prove;
mod rejected;
mod service;
mod setup;
mod sources;
mod spool;
mod stores;
mod tail;
mod up;
mod verify;
mod viewer;
mod witness;

use command::{Arguments, Command};
use exit::Exit;

// Short-lived allocations of every record dominate; mimalloc spends measurably less on them than glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The one TLS provider of the process; a second call would be a fault of ours, and harmless.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // No datum of ours is near 8 MiB; a hostile length prefix must not allocate more.
    apache_avro::util::max_allocation_bytes(8 << 20);
    match run(arguments) {
        Ok(exit) => exit.code(),
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<Exit, exit::Failure> {
    let place = arguments.place;
    match arguments.command {
        Command::Up(up) => up::run(&up),
        Command::Demo(demo) => demo::run(&demo),
        Command::Ingest => service::run(service::Service::Ingest, &place),
        Command::Validate => service::run(service::Service::Validate, &place),
        Command::Enrich => service::run(service::Service::Enrich, &place),
        Command::Notify => service::run(service::Service::Notify, &place),
        Command::Audit => service::run(service::Service::Audit, &place),
        Command::Explain(explain) => explain::run(&explain),
        Command::Emit(emit) => emit::run(&emit),
        Command::Tail(tail) => tail::run(&tail, &place),
        Command::History(history) => history::run(&history, &place),
        Command::Door(door) => door::run(&door, &place),
        Command::Sources(sources) => sources::run(&sources, &place),
        Command::Spool(spool) => spool::run(&spool, &place),
        Command::Verify(verify) => verify::run(&verify),
        Command::Prove(prove) => prove::run(&prove, &place),
        Command::Assurance(assurance) => assurance::run(&assurance, &place),
        Command::Export(export) => export::run(&export, &place),
        Command::Rejected(rejected) => rejected::run(&rejected, &place),
        Command::Witness(arguments) => witness::run(&arguments, &place),
        Command::Hold(hold) => erase::hold(&hold, &place),
        Command::Erase(arguments) => erase::erase(&arguments, &place),
        Command::Relationship(arguments) => erase::relationship(&arguments, &place),
        Command::Retention(retention) => erase::retention(&retention, &place),
        Command::Keys(keys) => erase::keys(&keys, &place),
        Command::Topics(topics) => setup::topics(&topics, &place),
        Command::Schemas(schemas) => setup::schemas(&schemas, &place),
        Command::Database(database) => setup::database(&database, &place),
        Command::Directory(directory) => directory::run(&directory, &place),
        Command::Config(config) => config::run(&config, &place),
        Command::Doctor(doctor) => doctor::run(&doctor, &place),
    }
}
