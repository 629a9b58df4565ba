//! The words of `sources`.

use clap::{Args, Subcommand};
use ingest::sources::approvals::MAX_HOURS;

#[derive(Debug, Args)]
pub(crate) struct Sources {
    #[command(subcommand)]
    pub(crate) what: SourcesWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesWhat {
    /// Who may post, and since when and why
    #[command(after_help = "Example: idtrail sources list --json")]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Compare the list with what the providers published and what DNS says today: exit code 1 where one is missing
    #[command(after_help = "Example: idtrail sources check --config idtrail.toml")]
    Check {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Let a network in for some hours, at every door
    #[command(
        after_help = "Example: idtrail sources approve 192.0.2.0/24 --hours 12 --reason \"the provider moves, ticket 4711\" --by ann"
    )]
    Approve(Approve),
}

/// What is let in, for how long, by whom and why.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The network
    #[arg(value_name = "CIDR")]
    pub(crate) network: String,
    /// For how many hours from now; 0 takes an approval back
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_HOURS)))]
    pub(crate) hours: u32,
    /// Why; kept in the history
    #[arg(long)]
    pub(crate) reason: String,
    /// Who; kept in the history
    #[arg(long)]
    pub(crate) by: String,
}
