//! The words of the command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

mod door;
mod erase;
mod evidence;
mod refusal;
mod setup;
mod sources;
mod spool;
mod witness;

pub(crate) use door::{Door, DoorWhat, Order};
pub(crate) use erase::{
    Erase, EraseWhat, Hold, Keys, KeysWhat, Relationship, RelationshipWhat, Retention,
};
pub(crate) use evidence::{Assurance, Export, Format, Prove, Verify};
pub(crate) use refusal::{Rejected, RejectedWhat};
pub(crate) use setup::{
    CheckOr, Config, ConfigWhat, Database, DatabaseWhat, Directory, DirectoryWhat, Doctor, Schemas,
    SchemasWhat, Topics,
};
pub(crate) use sources::{Approve, Sources, SourcesWhat};
pub(crate) use spool::{Spool, SpoolWhat};
pub(crate) use witness::{Witness, WitnessWhat};

use crate::viewer::Why;

/// Takes callbacks of identity-verification providers, tells who waits, and keeps a history that can be checked.
#[derive(Debug, Parser)]
#[command(name = "idtrail", version = crate::about::line(), max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 yes or done, 1 the answer is no, 2 wrong usage or configuration, 3 an outside system could not be reached.\n\nExample: idtrail up"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which system a command is about.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Place {
    /// Settings, one TOML file; every key is also `IDTRAIL_<SECTION>__<KEY>`.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder of `idtrail up` (embedded broker and databases).
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all services in one process on the embedded defaults
    Up(Up),
    /// Play the whole story unattended and check it
    Demo(Demo),
    /// Run the door: callbacks to `raw`
    #[command(after_help = "Example: idtrail ingest --config idtrail.toml")]
    Ingest,
    /// Run `raw` to `checked`
    #[command(after_help = "Example: idtrail validate --config idtrail.toml")]
    Validate,
    /// Run `checked` to `enriched`
    #[command(after_help = "Example: idtrail enrich --config idtrail.toml")]
    Enrich,
    /// Run `enriched` to `notified`
    #[command(after_help = "Example: idtrail notify --config idtrail.toml")]
    Notify,
    /// Run the history and its API
    #[command(after_help = "Example: idtrail audit --config idtrail.toml")]
    Audit,
    /// Say what a callback body would become, offline
    Explain(Explain),
    /// Post made-up callbacks to a door
    Emit(Emit),
    /// Show the events of a topic
    Tail(Tail),
    /// Show every check of a client and every step of it
    History(History),
    /// Close all doors, open them again, or say how they stand
    Door(Door),
    /// Show who may post, check it against the providers, and let a network in for some hours
    Sources(Sources),
    /// Show what a stopped door could not send from its spool, and have it sent again
    Spool(Spool),
    /// Check a log or a proof, trusting only the keys that are given
    Verify(Verify),
    /// Print the proof that an entry stands in the log
    Prove(Prove),
    /// Show whether everything that came in has come to its end, hour by hour
    Assurance(Assurance),
    /// Write the log as static files, or the history as a table
    Export(Export),
    /// Show what was refused, and send it through again
    Rejected(Rejected),
    /// Run a witness for logs of others: it cosigns what only grows, and refuses a rewritten history
    Witness(Witness),
    /// Keep an account's records until a date, whatever is asked
    Hold(Hold),
    /// Ask for the erasure of an account, approve one, or list them
    Erase(Erase),
    /// Note the end of a relationship
    Relationship(Relationship),
    /// Show what is kept until when, and what should be gone
    Retention(Retention),
    /// Change the key-encryption key
    Keys(Keys),
    /// Check or create the topics
    Topics(Topics),
    /// Check, list or register the Avro schemas
    Schemas(Schemas),
    /// Check or migrate the databases
    Database(Database),
    /// Import or list accounts, contacts and users
    Directory(Directory),
    /// Show the effective settings, or an example
    Config(Config),
    /// Try each outside system and say what to do where it is not well
    Doctor(Doctor),
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "Example: idtrail up --data ./data --listen 127.0.0.1:8080")]
pub(crate) struct Up {
    /// Data folder; made if it is not there
    #[arg(long, default_value = "./data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Settings that replace the embedded defaults
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the door listens
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where health, metrics and status listen
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<SocketAddr>,
    /// Where the audit API listens
    #[arg(long, value_name = "ADDR")]
    pub(crate) api: Option<SocketAddr>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: idtrail demo")]
pub(crate) struct Demo {
    /// Keep the data folder and say where it is
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail explain body.form\n         curl -s … | idtrail explain - --json"
)]
pub(crate) struct Explain {
    /// The body; `-` reads stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The media type; without it the first byte decides
    #[arg(long, value_name = "T")]
    pub(crate) content_type: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail emit --scenario approved --count 100 --rate 20\n         idtrail emit --list"
)]
pub(crate) struct Emit {
    /// List the scenarios
    #[arg(long)]
    pub(crate) list: bool,
    /// What to post; may be given more than once, then they take turns
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Vec<String>,
    /// Post these bodies as they are
    #[arg(long, value_name = "F", conflicts_with = "scenario")]
    pub(crate) file: Vec<PathBuf>,
    /// How many posts
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) count: u64,
    /// Posts a second; without it as fast as answers come
    #[arg(long, value_name = "R")]
    pub(crate) rate: Option<f64>,
    /// Posts at the same time
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub(crate) connections: usize,
    /// The door
    #[arg(
        long,
        default_value = "http://127.0.0.1:8080/callbacks/jumio",
        value_name = "URL"
    )]
    pub(crate) to: String,
    /// Customer reference, e.g. an account number of the directory
    #[arg(long, value_name = "REF")]
    pub(crate) customer: Option<String>,
    /// Transaction reference
    #[arg(long, value_name = "REF")]
    pub(crate) transaction: Option<String>,
    /// Provider reference of the first post; without it one is made for each
    #[arg(long, value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// One JSON object for each post
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail tail checked --data ./data --follow --json\n         idtrail tail rejected --from 2026-11-25T08:00:00Z"
)]
pub(crate) struct Tail {
    /// raw, checked, enriched, notified, audited, rejected or operated
    #[arg(value_name = "TOPIC")]
    pub(crate) topic: String,
    /// `start`, `end` or an RFC 3339 time
    #[arg(long, default_value = "start", value_name = "WHERE")]
    pub(crate) from: String,
    /// Wait for more
    #[arg(long)]
    pub(crate) follow: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail history --data ./data --account A-1001\n         idtrail history --reference CONTACT-000456 --json\n         idtrail history --access --account A-1001"
)]
pub(crate) struct History {
    /// Account id or number
    #[arg(long, value_name = "A")]
    pub(crate) account: Option<String>,
    /// Contact id
    #[arg(long, value_name = "C")]
    pub(crate) contact: Option<String>,
    /// The provider's reference, or either of ours
    #[arg(long, value_name = "R")]
    pub(crate) reference: Option<String>,
    /// From this time, RFC 3339
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Before this time, RFC 3339
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
    /// Who looked instead: at checks of the account, or at anything
    #[arg(long, conflicts_with_all = ["contact", "reference"])]
    pub(crate) access: bool,
    #[command(flatten)]
    pub(crate) why: Why,
    /// One JSON object a step, or a look
    #[arg(long)]
    pub(crate) json: bool,
}
