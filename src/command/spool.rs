//! The words of `spool`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Spool {
    #[command(subcommand)]
    pub(crate) what: SpoolWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpoolWhat {
    /// Show what stands aside because it could not be sent, oldest first: exit code 1 where nothing does
    #[command(after_help = "Example: idtrail spool list --config idtrail.toml --json")]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Put what stands aside back, for the door to send when it starts: exit code 1 where some stays aside
    #[command(after_help = "Example: idtrail spool resend --config idtrail.toml")]
    Resend,
}
