//! All settings of the process, read and judged once; `config check` and `config example`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use stage::{
    BatchLimit, ConfigError, Settings,
    config::{Admin, Process, leaves, masked},
    telemetry,
};

use crate::{
    command::{self, ConfigWhat, Place},
    exit::{Exit, Failure},
    output, process,
};

mod judged;

/// `[broker]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Broker {
    /// `embedded` or `kafka`.
    pub(crate) kind: String,
    /// The embedded broker's file.
    pub(crate) file: PathBuf,
    /// Kafka's bootstrap servers.
    pub(crate) bootstrap: String,
    /// Prefix of topic names, transactional ids and groups.
    pub(crate) prefix: String,
    /// Stable name of this process among those of its service; a second process of the same name fences the first.
    #[serde(deserialize_with = "text_or_number")]
    pub(crate) instance: String,
    /// Partitions of each topic, when topics are made.
    pub(crate) partitions: i32,
    /// Replicas of each partition, when topics are made.
    pub(crate) replication: i32,
    /// Further librdkafka properties, e.g. `"security.protocol" = "SASL_SSL"`.
    pub(crate) properties: BTreeMap<String, String>,
    /// Files whose content becomes a librdkafka property, for secrets, e.g. `"sasl.password" = "/run/secrets/kafka"`.
    pub(crate) property_files: BTreeMap<String, PathBuf>,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            kind: "embedded".to_owned(),
            file: PathBuf::from("data/topics.db"),
            bootstrap: "127.0.0.1:9092".to_owned(),
            prefix: "idtrail".to_owned(),
            instance: "0".to_owned(),
            partitions: 12,
            replication: 1,
            properties: BTreeMap::new(),
            property_files: BTreeMap::new(),
        }
    }
}

/// A name that is a number, as from `IDTRAIL_BROKER__INSTANCE=0`, is a name all the same.
fn text_or_number<'de, D: serde::Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Name {
        Text(String),
        Number(i64),
    }
    Ok(match Name::deserialize(value)? {
        Name::Text(text) => text,
        Name::Number(number) => number.to_string(),
    })
}

/// `[registry]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Registry {
    /// Base URL of the Confluent API.
    pub(crate) url: String,
    /// Name for basic authentication.
    pub(crate) user: Option<String>,
    /// File that holds the password.
    pub(crate) password_file: Option<PathBuf>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8085".to_owned(),
            user: None,
            password_file: None,
        }
    }
}

/// `[batch]`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Batch {
    /// Records of one batch.
    pub(crate) records: usize,
    /// How long a batch waits to fill once it has one record, in milliseconds.
    pub(crate) wait_ms: u64,
}

impl Default for Batch {
    fn default() -> Self {
        let limit = BatchLimit::default();
        Self {
            records: limit.records,
            wait_ms: u64::try_from(limit.wait.as_millis()).unwrap_or(20),
        }
    }
}

/// `[directory]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Directory {
    /// `sqlite:FILE` or `postgres://…`.
    pub(crate) url: String,
    /// File that holds the database password.
    pub(crate) password_file: Option<PathBuf>,
    /// What the echoed customer reference means.
    pub(crate) customer_reference: String,
    /// What the echoed transaction reference means; empty: nothing.
    pub(crate) transaction_reference: String,
    /// The queue that hears where nobody active earns on a client.
    pub(crate) fallback_queue: String,
    /// Where people open an account.
    pub(crate) account_link: String,
    /// Where people open a contact.
    pub(crate) contact_link: String,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            url: "sqlite:data/directory.db".to_owned(),
            password_file: None,
            customer_reference: "{account}:{contact}".to_owned(),
            transaction_reference: String::new(),
            fallback_queue: "q-sales-fallback".to_owned(),
            account_link: "https://crm.example/accounts/{id}".to_owned(),
            contact_link: "https://crm.example/contacts/{id}".to_owned(),
        }
    }
}

/// All sections.
#[derive(Clone, Debug)]
pub(crate) struct All {
    pub(crate) idtrail: Process,
    pub(crate) broker: Broker,
    pub(crate) registry: Registry,
    pub(crate) batch: Batch,
    pub(crate) door: ingest::Config,
    pub(crate) admin: Admin,
    pub(crate) directory: Directory,
    pub(crate) notify: notify::Config,
    pub(crate) audit: audit::Config,
    pub(crate) telemetry: telemetry::Config,
}

const SECTIONS: [&str; 10] = [
    "idtrail",
    "broker",
    "registry",
    "batch",
    "door",
    "admin",
    "directory",
    "notify",
    "audit",
    "telemetry",
];

impl All {
    /// Reads every section; unknown sections and keys are refused.
    pub(crate) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        settings.only_sections(&SECTIONS)?;
        Ok(Self {
            idtrail: settings.section("idtrail")?,
            broker: settings.section("broker")?,
            registry: settings.section("registry")?,
            batch: settings.section("batch")?,
            door: settings.section("door")?,
            admin: settings.section("admin")?,
            directory: settings.section("directory")?,
            notify: settings.section("notify")?,
            audit: settings.section("audit")?,
            telemetry: settings.section("telemetry")?,
        })
    }

    /// The size of batches.
    pub(crate) fn limit(&self) -> BatchLimit {
        BatchLimit {
            records: self.batch.records.max(1),
            wait: Duration::from_millis(self.batch.wait_ms),
            ..BatchLimit::default()
        }
    }

    /// Lets the door read its settings again while it runs; `file` is watched.
    pub(crate) fn reread_door(
        &mut self,
        file: Option<PathBuf>,
        read: impl Fn() -> Result<Self, Failure> + Send + Sync + 'static,
    ) {
        let door = move || {
            let all = read().map_err(Failure::into_why)?;
            all.check().map_err(|error| error.to_string())?;
            Ok(all.door)
        };
        self.door.reread = Some(ingest::sources::Reread::new(file, door));
    }

    /// Refuses settings that are unsafe for what the process is for.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let profile = self.idtrail.profile;
        self.door.check(profile)?;
        self.notify
            .check(profile == stage::config::Profile::Production)?;
        let embedded = self.broker.kind == "embedded";
        let unsafe_setting = |setting: &str, why: &str| {
            Err(ConfigError::Unsafe {
                setting: setting.to_owned(),
                why: why.to_owned(),
            })
        };
        if !embedded && self.broker.kind != "kafka" {
            return unsafe_setting("broker.kind", "is neither embedded nor kafka");
        }
        if profile == stage::config::Profile::Production && !embedded && self.broker.replication < 3
        {
            return unsafe_setting(
                "broker.replication",
                "production needs 3 replicas, or a lost disk is lost callbacks",
            );
        }
        Ok(())
    }

    /// Every effective setting: `section.key` and value.
    fn effective(&self) -> Result<Vec<(String, toml::Value)>, Failure> {
        let mut table = toml::Table::new();
        let mut put = |name: &str, section: Result<toml::Value, toml::ser::Error>| {
            table.insert(name.to_owned(), section.map_err(Failure::usage)?);
            Ok::<_, Failure>(())
        };
        put("idtrail", toml::Value::try_from(&self.idtrail))?;
        put("broker", toml::Value::try_from(&self.broker))?;
        put("registry", toml::Value::try_from(&self.registry))?;
        put("batch", toml::Value::try_from(self.batch))?;
        put("door", toml::Value::try_from(&self.door))?;
        put("admin", toml::Value::try_from(&self.admin))?;
        put("directory", toml::Value::try_from(&self.directory))?;
        put("notify", toml::Value::try_from(&self.notify))?;
        put("audit", toml::Value::try_from(&self.audit))?;
        put("telemetry", toml::Value::try_from(&self.telemetry))?;
        let leaves = leaves(&table).into_iter();
        Ok(leaves
            .map(|(keys, value)| (keys.join("."), value))
            .collect())
    }
}

/// `config check` and `config example`.
pub(crate) fn run(arguments: &command::Config, place: &Place) -> Result<Exit, Failure> {
    if arguments.what == ConfigWhat::Example {
        output::line(include_str!("config_example.toml").trim_end())?;
        return Ok(Exit::Yes);
    }
    let settings = process::settings(place)?;
    let all = All::read(&settings)?;
    let mut rows = Vec::new();
    for (path, value) in all.effective()? {
        let value = value.as_str().map_or_else(
            || value.to_string(),
            |text| format!("\"{}\"", masked(&path, text)),
        );
        let origin = settings.origin(&path);
        if arguments.json {
            output::json(
                &serde_json::json!({ "setting": path, "value": value, "origin": origin.to_string() }),
            )?;
        } else {
            rows.push(vec![path, value, origin.to_string()]);
        }
    }
    if !arguments.json {
        output::table(&["SETTING", "VALUE", "FROM"], &rows)?;
    }
    judged::whole(&all)?;
    Ok(Exit::Yes)
}
