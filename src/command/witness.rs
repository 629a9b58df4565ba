//! The words of `witness`.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: idtrail witness --listen 127.0.0.1:7380 --data ./witness --origin \"$(cat log.vkey)\"\n         idtrail witness add-log \"$(cat log.vkey)\" --data ./witness"
)]
pub(crate) struct Witness {
    #[command(subcommand)]
    pub(crate) what: Option<WitnessWhat>,
    /// Where it listens
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// What it is called in its key, for ever; without it a name that follows from the key
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The verifier key of a log to watch; may be given more than once
    #[arg(long, value_name = "VKEY")]
    pub(crate) origin: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WitnessWhat {
    /// Watch a log, also while the witness runs
    #[command(
        after_help = "Example: idtrail witness add-log \"$(curl -s http://127.0.0.1:8081/log/vkey)\" --data ./witness"
    )]
    AddLog {
        /// The log's verifier key
        #[arg(value_name = "VKEY")]
        vkey: String,
    },
}
