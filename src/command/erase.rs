//! The words of `hold`, `erase`, `relationship`, `retention` and `keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail hold --account A-1001 --until 2031-11-25 --basis \"money laundering act\" --by ann"
)]
pub(crate) struct Hold {
    /// Account id or number
    #[arg(long, value_name = "A")]
    pub(crate) account: String,
    /// The day from which on it may be erased again, or an RFC 3339 time
    #[arg(long, value_name = "DATE")]
    pub(crate) until: String,
    /// Why the law wants it kept; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) basis: String,
    /// Who; kept in the history
    #[arg(long, value_name = "WHO")]
    pub(crate) by: String,
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(subcommand)]
    pub(crate) what: EraseWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EraseWhat {
    /// Ask for the erasure of an account: exit code 1 where it is held or not known
    #[command(
        after_help = "Example: idtrail erase request --account A-1001 --reason \"asked to be forgotten, case 4711\" --by ann"
    )]
    Request {
        /// Account id or number
        #[arg(long, value_name = "A")]
        account: String,
        /// Why; kept in the history, so it must not name the client
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who; kept in the history
        #[arg(long, value_name = "WHO")]
        by: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Approve what somebody else asked for; the audit service destroys the keys once the entry that tells of it is signed
    #[command(after_help = "Example: idtrail erase approve 3e0… --by bob")]
    Approve {
        /// The request's id
        id: String,
        /// Who, and not who asked; kept in the history
        #[arg(long, value_name = "WHO")]
        by: String,
    },
    /// All requests, newest first, how far they are, and what they wait for
    #[command(after_help = "Example: idtrail erase list --json")]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Relationship {
    #[command(subcommand)]
    pub(crate) what: RelationshipWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RelationshipWhat {
    /// Note when the relationship with an account ended: five years later its records are due
    #[command(
        after_help = "Example: idtrail relationship end --account A-1001 --at 2026-11-25 --by ann"
    )]
    End {
        /// Account id or number
        #[arg(long, value_name = "A")]
        account: String,
        /// The day, or an RFC 3339 time
        #[arg(long, value_name = "DATE")]
        at: String,
        /// Who; kept in the history
        #[arg(long, value_name = "WHO")]
        by: String,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1 where something is overdue.\n\nExample: idtrail retention --json"
)]
pub(crate) struct Retention {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) what: KeysWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysWhat {
    /// Seal every data key with another key-encryption key; may be stopped and begun again
    #[command(
        after_help = "Example: idtrail keys rotate --new-key-file /run/secrets/next.key --config idtrail.toml"
    )]
    Rotate {
        /// The new key: 32 bytes, or 64 hex digits
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
    },
}
