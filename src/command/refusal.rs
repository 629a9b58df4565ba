//! The words of `rejected`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Rejected {
    #[command(subcommand)]
    pub(crate) what: RejectedWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RejectedWhat {
    /// What was refused, oldest first
    #[command(after_help = "Example: idtrail rejected list --data ./data --json")]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// One refusal with its body, while `raw` keeps it; the body may hold personal data
    #[command(after_help = "Example: idtrail rejected show 3e0…  --data ./data")]
    Show {
        /// The refusal's id
        id: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Send it through again: the same bytes, the same event id
    #[command(
        after_help = "Example: idtrail rejected replay 3e0… --reason \"account imported\" --data ./data"
    )]
    Replay {
        /// The refusal's id
        id: String,
        /// Why; kept in the history
        #[arg(long)]
        reason: String,
        /// Who; kept in the history
        #[arg(long, default_value = "operator")]
        by: String,
    },
}
