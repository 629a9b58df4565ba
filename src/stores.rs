//! The databases of the services and the directory: opened, checked and migrated by their settings.

use std::path::Path;

use directory::{Fit, Link, Location, OpenError, References, Table};
use stage::{
    ConfigError,
    database::{Database, Migrations},
};

use crate::{config::All, exit::Failure};

/// The setting, its database and its tables, for each service that has one.
fn services(
    all: &All,
) -> Vec<(
    &'static str,
    &stage::database::Location,
    &'static Migrations,
)> {
    let mut services = vec![
        ("notify.database", &all.notify.database, &notify::MIGRATIONS),
        ("audit.database", &all.audit.database, &audit::MIGRATIONS),
        ("audit.keys", &all.audit.keys, &audit::KEY_MIGRATIONS),
    ];
    if all.audit.has_head_database() {
        services.push(("audit.head", &all.audit.head, &audit::HEAD_MIGRATIONS));
    }
    services
}

/// Makes or upgrades all tables.
pub(crate) async fn migrate(all: &All) -> Result<(), Failure> {
    for (setting, location, migrations) in services(all) {
        Database::open(location, setting)?
            .migrate(setting, migrations)
            .await?;
    }
    Table::migrate(&location(all)?).await.map_err(open_failed)
}

/// Whether the tables of each database are those of this release.
pub(crate) async fn check(all: &All) -> Vec<(&'static str, Result<(), Failure>)> {
    let mut answers = Vec::new();
    for (setting, location, migrations) in services(all) {
        answers.push((setting, check_one(setting, location, migrations).await));
    }
    answers.push(("directory.url", check_directory(all).await));
    answers
}

async fn check_one(
    setting: &str,
    location: &stage::database::Location,
    migrations: &Migrations,
) -> Result<(), Failure> {
    Ok(Database::open(location, setting)?
        .check(setting, migrations)
        .await?)
}

async fn check_directory(all: &All) -> Result<(), Failure> {
    match Table::check(&location(all)?).await.map_err(open_failed)? {
        Fit::Fits { .. } => Ok(()),
        unfit @ (Fit::Missing | Fit::Older { .. } | Fit::Newer { .. }) => {
            Err(Failure::usage(unfit))
        }
    }
}

/// Checks the databases that a service needs before it starts.
pub(crate) async fn need(all: &All, prefixes: &[&str]) -> Result<(), Failure> {
    for (setting, answer) in check(all).await {
        if prefixes.iter().any(|prefix| setting.starts_with(prefix)) {
            answer?;
        }
    }
    Ok(())
}

/// Opens the built-in directory.
pub(crate) async fn directory(all: &All) -> Result<Table, Failure> {
    let settings = &all.directory;
    let wrong = |setting: &str, why: String| {
        Failure::from(ConfigError::Section {
            section: "directory".to_owned(),
            why: format!("{setting}: {why}"),
        })
    };
    let references = References::new(
        &settings.customer_reference,
        &settings.transaction_reference,
    )
    .map_err(|error| {
        wrong(
            "customer_reference, transaction_reference",
            error.to_string(),
        )
    })?;
    let link = |setting: &'static str, text: &str| {
        text.parse::<Link>()
            .map_err(|error| wrong(setting, error.to_string()))
    };
    let table_settings = directory::Settings {
        fallback_queue: settings.fallback_queue.clone(),
        account_link: link("account_link", &settings.account_link)?,
        contact_link: link("contact_link", &settings.contact_link)?,
    };
    Table::open(&location(all)?, references, table_settings)
        .await
        .map_err(open_failed)
}

fn location(all: &All) -> Result<Location, Failure> {
    let settings = &all.directory;
    let Some(file) = &settings.password_file else {
        return Ok(Location {
            url: settings.url.clone(),
        });
    };
    let password = std::fs::read_to_string(file).map_err(|error| ConfigError::File {
        file: file.clone(),
        why: error.to_string(),
    })?;
    let password = encoded(password.trim_end_matches(['\r', '\n']));
    match settings.url.split_once('@') {
        Some((user, rest)) => Ok(Location {
            url: format!("{user}:{password}@{rest}"),
        }),
        None => Err(Failure::usage(
            "[directory] url: names no user, but `password_file` is set",
        )),
    }
}

/// Percent-encodes every byte that is not plain, so that a password cannot change the URL around it.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is a step of `map_err`")]
fn open_failed(error: OpenError) -> Failure {
    match error {
        OpenError::Unavailable(_) => Failure::unreachable(format!("the directory: {error}")),
        OpenError::Url | OpenError::Unfit(_) => Failure::usage(format!("[directory] {error}")),
    }
}

/// Makes the file of a key where it is missing: 32 random bytes in hex, readable by its owner only.
pub(crate) fn make_key_file(file: &Path) -> Result<(), Failure> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut opened) => {
            let key: [u8; 32] = stage::Chance::system().bytes();
            writeln!(opened, "{}", hex::encode(key))?;
            opened.sync_all()?;
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Failure::usage(format!("{}: {error}", file.display()))),
    }
}
