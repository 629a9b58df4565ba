//! The words of the set-up: topics, schemas, databases, directory, settings.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckOr {
    /// Whether they fit
    Check,
    /// Make what is missing
    Create,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: idtrail topics create --config idtrail.toml")]
pub(crate) struct Topics {
    /// Check, or create what is missing
    pub(crate) what: CheckOr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemasWhat {
    /// Whether each is registered
    Check,
    /// Their ids
    List,
    /// Register what is missing
    Register,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: idtrail schemas register --config idtrail.toml")]
pub(crate) struct Schemas {
    /// Check, list or register
    pub(crate) what: SchemasWhat,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatabaseWhat {
    /// Whether their tables are those of this release
    Check,
    /// Make or upgrade their tables
    Migrate,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: idtrail database migrate --config idtrail.toml")]
pub(crate) struct Database {
    /// Check or migrate
    pub(crate) what: DatabaseWhat,
}

#[derive(Debug, Args)]
pub(crate) struct Directory {
    #[command(subcommand)]
    pub(crate) what: DirectoryWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DirectoryWhat {
    /// Replace the directory by a CSV or JSON file, in one transaction
    #[command(after_help = "Example: idtrail directory import directory.json --data ./data")]
    Import {
        /// CSV or JSON
        file: PathBuf,
    },
    /// What the directory holds
    #[command(after_help = "Example: idtrail directory list --data ./data")]
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigWhat {
    /// Print each effective setting with where it comes from, and refuse unsafe ones
    Check,
    /// Print a commented example
    Example,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail config check --config idtrail.toml\n         idtrail config example > idtrail.toml"
)]
pub(crate) struct Config {
    /// Check or example
    pub(crate) what: ConfigWhat,
    /// One JSON object for each setting
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: idtrail doctor --config idtrail.toml")]
pub(crate) struct Doctor {
    /// One JSON object for each system
    #[arg(long)]
    pub(crate) json: bool,
}
