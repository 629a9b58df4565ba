//! The words of `door`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Door {
    #[command(subcommand)]
    pub(crate) what: DoorWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DoorWhat {
    /// Answer 503 to every provider from now on, over restarts, so that they repeat later
    #[command(
        after_help = "Example: idtrail door close --reason \"forged callbacks from a listed address\" --by ann"
    )]
    Close(Order),
    /// Take callbacks again
    #[command(
        after_help = "Example: idtrail door open --reason \"the provider has mended it\" --by ann"
    )]
    Open(Order),
    /// Whether the doors are open: exit code 0 open, 1 closed
    #[command(after_help = "Example: idtrail door status --json")]
    Status {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Who says so, and why.
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// Why; kept in the history
    #[arg(long)]
    pub(crate) reason: String,
    /// Who; kept in the history
    #[arg(long, default_value = "operator")]
    pub(crate) by: String,
}
