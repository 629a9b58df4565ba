//! Settings: one TOML file, every key also an environment variable, unknown keys refused.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

pub mod key_command;
pub mod key_file;
mod masked;
mod process;

pub use masked::masked;
pub use process::{Admin, Process, Profile};

/// Prefix of environment variables: `IDTRAIL_<SECTION>__<KEY>`.
const ENV_PREFIX: &str = "IDTRAIL_";
/// What divides section and key. A variable without it (such as one of the test runner) is no setting.
const ENV_DIVIDER: &str = "__";

/// What is wrong with the settings. Names the setting, never a secret value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {file} cannot be read: {why}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is no TOML.
    #[error("the configuration file {file} is no TOML: {why}")]
    Toml {
        /// The file.
        file: PathBuf,
        /// Where and why.
        why: String,
    },
    /// A section or key that does not exist, or a value of the wrong kind.
    #[error("[{section}] {why}")]
    Section {
        /// The section.
        section: String,
        /// What is wrong.
        why: String,
    },
    /// Allowed values that must not stand together or not in this profile.
    #[error("unsafe setting `{setting}`: {why}")]
    Unsafe {
        /// The setting.
        setting: String,
        /// Why it is refused, and what to do.
        why: String,
    },
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// An argument of the command.
    Argument(String),
    /// Nobody set it.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Environment(name) | Self::Argument(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The merged settings: file, then environment, then arguments.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    merged: Table,
    origins: BTreeMap<String, Origin>,
}

impl Settings {
    /// Reads the file, if one is named, and lays the environment over it.
    pub fn load(
        file: Option<&Path>,
        environment: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let mut this = Self::default();
        if let Some(file) = file {
            let text = std::fs::read_to_string(file).map_err(|error| ConfigError::File {
                file: file.to_owned(),
                why: error.to_string(),
            })?;
            let table: Table =
                text.parse()
                    .map_err(|error: toml::de::Error| ConfigError::Toml {
                        file: file.to_owned(),
                        why: error.to_string(),
                    })?;
            for (keys, value) in leaves(&table) {
                this.put(keys, value, Origin::File(file.to_owned()));
            }
        }
        for (name, text) in environment {
            let Some(rest) = name.strip_prefix(ENV_PREFIX) else {
                continue;
            };
            if !rest.contains(ENV_DIVIDER) {
                continue;
            }
            let name_of_setting = rest.to_ascii_lowercase();
            let keys = name_of_setting.split(ENV_DIVIDER).map(str::to_owned);
            let origin = Origin::Environment(name.clone());
            this.put(keys.collect(), value_of(text), origin);
        }
        Ok(this)
    }

    /// Lays an argument over what was read; `path` is `section.key`.
    pub fn set(&mut self, path: &str, value: Value, origin: Origin) {
        self.put(path.split('.').map(str::to_owned).collect(), value, origin);
    }

    /// A key may itself have dots in it, as the names of librdkafka's properties do.
    fn put(&mut self, mut keys: Vec<String>, value: Value, origin: Origin) {
        self.origins.insert(keys.join("."), origin);
        let Some(last) = keys.pop() else { return };
        let mut table = &mut self.merged;
        for key in keys {
            let next = table
                .entry(key)
                .or_insert_with(|| Value::Table(Table::new()));
            if !next.is_table() {
                *next = Value::Table(Table::new());
            }
            let Some(inner) = next.as_table_mut() else {
                return;
            };
            table = inner;
        }
        table.insert(last, value);
    }

    /// Lays an argument over what was read, where nothing was set yet.
    pub fn set_default(&mut self, path: &str, value: Value, origin: Origin) {
        if self.origin(path) == Origin::Default {
            self.set(path, value, origin);
        }
    }

    /// One section. Unknown keys are refused by the section's type.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let value = self
            .merged
            .get(name)
            .cloned()
            .unwrap_or_else(|| Value::Table(Table::new()));
        value
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Section {
                section: name.to_owned(),
                why: error.message().to_owned(),
            })
    }

    /// Refuses sections that do not exist.
    pub fn only_sections(&self, known: &[&str]) -> Result<(), ConfigError> {
        match self
            .merged
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            None => Ok(()),
            Some(name) => Err(ConfigError::Section {
                section: name.clone(),
                why: format!("no such section; there are {}", known.join(", ")),
            }),
        }
    }

    /// Where a setting, given as `section.key`, comes from.
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or(Origin::Default)
    }
}

/// The values of a table, each with the keys that lead to it; arrays and tables of arrays are values.
pub fn leaves(table: &Table) -> Vec<(Vec<String>, Value)> {
    let mut all = Vec::new();
    for (key, value) in table {
        match value.as_table().filter(|inner| !inner.is_empty()) {
            Some(inner) => {
                let inner = leaves(inner).into_iter();
                all.extend(inner.map(|(keys, value)| ([vec![key.clone()], keys].concat(), value)));
            }
            None => all.push((vec![key.clone()], value.clone())),
        }
    }
    all
}

/// A variable's text as TOML would read it; what is no TOML value is text.
fn value_of(text: &str) -> Value {
    let parsed: Result<Table, _> = format!("value = {text}").parse();
    parsed
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_variable_outranks_nothing_but_the_default() {
        let settings = Settings::load(
            None,
            &environment(&[("IDTRAIL_ADMIN__LISTEN", "127.0.0.1:1")]),
        )
        .unwrap();
        assert_eq!(settings.section::<Admin>("admin").unwrap().listen.port(), 1);
        assert_eq!(
            settings.origin("admin.listen"),
            Origin::Environment("IDTRAIL_ADMIN__LISTEN".to_owned())
        );
    }

    #[test]
    fn unknown_keys_and_sections_are_refused_by_name() {
        let settings =
            Settings::load(None, &environment(&[("IDTRAIL_ADMIN__LISTN", "x")])).unwrap();
        assert!(
            settings
                .section::<Admin>("admin")
                .unwrap_err()
                .to_string()
                .contains("listn")
        );
        assert!(
            settings
                .only_sections(&["broker"])
                .unwrap_err()
                .to_string()
                .contains("[admin]")
        );
    }

    #[test]
    fn a_key_may_have_dots_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("idtrail.toml");
        let text = "[broker.properties]\n\"sasl.username\" = \"a\"\n\"b\" = \"c\"\n";
        std::fs::write(&file, text).unwrap();
        let inline = r#"{ "sasl.username" = "a", b = "c" }"#;
        let variables = environment(&[("IDTRAIL_BROKER__PROPERTIES", inline)]);
        for settings in [
            Settings::load(Some(&file), &[]),
            Settings::load(None, &variables),
        ] {
            let broker: BTreeMap<String, BTreeMap<String, String>> =
                settings.unwrap().section("broker").unwrap();
            let read: Vec<_> = broker["properties"].iter().collect();
            let expected = [("b", "c"), ("sasl.username", "a")];
            assert_eq!(read.len(), expected.len());
            for ((name, value), (key, said)) in read.into_iter().zip(expected) {
                assert_eq!((name.as_str(), value.as_str()), (key, said));
            }
        }
    }

    #[test]
    fn numbers_lists_and_text_are_told_apart() {
        assert_eq!(value_of("12"), Value::Integer(12));
        assert_eq!(value_of("[\"a\"]").as_array().map(Vec::len), Some(1));
        assert_eq!(
            value_of("127.0.0.1:80"),
            Value::String("127.0.0.1:80".to_owned())
        );
    }
}
