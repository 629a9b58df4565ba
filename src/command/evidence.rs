//! The words of `verify`, `prove` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::viewer::Why;

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail verify ./tiles --vkey log.vkey --since last-visit.checkpoint\n         idtrail verify http://127.0.0.1:8081/log --policy policy.txt --json\n         idtrail verify 3e0….tlog-proof --vkey log.vkey\n         idtrail verify 2026-11-25.statement --vkey log.vkey --log ./tiles"
)]
pub(crate) struct Verify {
    /// A folder or URL of a log (tlog-tiles), one proof (tlog-proof), an evidence pack (zip), or a statement of a day
    #[arg(value_name = "PATH|URL")]
    pub(crate) what: String,
    /// The log's verifier key, or a file with it
    #[arg(long, value_name = "FILE|TEXT")]
    pub(crate) vkey: Option<String>,
    /// A policy (tlog-policy): keys of logs and witnesses, and how many must have signed
    #[arg(long, value_name = "FILE", conflicts_with = "vkey")]
    pub(crate) policy: Option<PathBuf>,
    /// The checkpoint of the last visit: the log must begin with what it was
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) since: Option<PathBuf>,
    /// The leaf of a proof that does not carry it
    #[arg(long, value_name = "FILE")]
    pub(crate) leaf: Option<PathBuf>,
    /// Hold a statement of a day against this log, a folder or URL
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) log: Option<String>,
    /// The pack was narrowed by time: records of the account may be missing
    #[arg(long)]
    pub(crate) part: bool,
    /// The log is another program's: leave out what holds for our leaves only
    #[arg(long)]
    pub(crate) foreign: bool,
    /// One JSON object a finding, and one for the whole
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail prove 0c5e… --data ./data > 0c5e.tlog-proof\n         idtrail prove --seq 41 --data ./data\n         idtrail prove 0c5e… --url https://audit.example.com --token-file reader.token"
)]
pub(crate) struct Prove {
    /// The id of an event: proves the step that brought it
    #[arg(value_name = "EVENT_ID", required_unless_present = "seq")]
    pub(crate) event: Option<String>,
    /// The index of an entry, as `history` shows it
    #[arg(long, value_name = "N", conflicts_with_all = ["event", "url"])]
    pub(crate) seq: Option<u64>,
    /// Ask the audit API there, without a database
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// File with the token of a reader of that API
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) token_file: Option<PathBuf>,
    /// One JSON object a step, for every step of the check
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) why: Why,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail assurance --data ./data\n         idtrail assurance --day 2026-11-25 --json\n         idtrail assurance --day 2026-11-25 --statement > 2026-11-25.statement"
)]
pub(crate) struct Assurance {
    /// The hours of this day, in UTC; without it the newest 24
    #[arg(long, value_name = "D")]
    pub(crate) day: Option<String>,
    /// Print the signed statement of the day instead, for `verify`
    #[arg(long, requires = "day", conflicts_with = "json")]
    pub(crate) statement: bool,
    /// One JSON object an hour, and one for the whole
    #[arg(long)]
    pub(crate) json: bool,
}

/// In which form the history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line, as `history --json` prints it
    Ndjson,
    /// Comma-separated; cells that a spreadsheet would compute are text
    Csv,
    /// The same columns with their types, for programs that analyse
    Parquet,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: idtrail export --tiles ./tiles --data ./data\n         idtrail export --format csv --out history.csv --account A-1001\n         idtrail export --format parquet --out history.parquet --since 2026-01-01T00:00:00Z\n         idtrail export --pack a-1001.zip --account A-1001"
)]
pub(crate) struct Export {
    /// Write the log as static files: tlog-tiles, and `log.vkey` beside `checkpoint`
    #[arg(long, value_name = "DIR", required_unless_present_any = ["format", "pack"])]
    pub(crate) tiles: Option<PathBuf>,
    /// Write the history, with its SHA-256 beside it
    #[arg(long, value_enum, requires = "out", conflicts_with = "tiles")]
    pub(crate) format: Option<Format>,
    /// Where the history goes; the sum goes to FILE.sha256
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) out: Option<PathBuf>,
    /// Write the evidence pack of an account: records, proofs, and a page that checks them offline
    #[arg(long, value_name = "FILE", requires = "account", conflicts_with_all = ["tiles", "format"])]
    pub(crate) pack: Option<PathBuf>,
    /// The checkpoint of the auditor's last visit: the pack shows that the log only grew since
    #[arg(long, value_name = "FILE", requires = "pack")]
    pub(crate) since_checkpoint: Option<PathBuf>,
    /// Account id or number
    #[arg(long, value_name = "A", conflicts_with = "tiles")]
    pub(crate) account: Option<String>,
    /// From this time, RFC 3339
    #[arg(long, value_name = "T", conflicts_with = "tiles")]
    pub(crate) since: Option<String>,
    /// Before this time, RFC 3339
    #[arg(long, value_name = "T", conflicts_with = "tiles")]
    pub(crate) until: Option<String>,
    #[command(flatten)]
    pub(crate) why: Why,
}
