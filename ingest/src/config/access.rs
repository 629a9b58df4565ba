//! `[door]`: who may come in, judged before the door listens.

use std::path::PathBuf;

use ipnet::IpNet;
use jumio::sources::{self, DataCentre};
use schemas::Timestamp;
use serde::{Deserialize, Serialize};
use stage::config::{ConfigError, Profile};

use crate::{
    Config,
    secrets::Secrets,
    sources::{AllowList, Lists},
};

/// `[door.sources]`: of each provider, whose published addresses may post.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Published {
    /// Data centres of Jumio: `eu`, `us`, `sgp`.
    pub jumio: Vec<String>,
}

impl Default for Published {
    fn default() -> Self {
        Self {
            jumio: vec![DataCentre::Eu.as_str().to_owned()],
        }
    }
}

/// One of `door.secrets`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The file that holds it.
    pub file: PathBuf,
    /// When it ends, RFC 3339; without it never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

fn refuse<T>(setting: &str, why: &dyn std::fmt::Display) -> Result<T, ConfigError> {
    Err(ConfigError::Unsafe {
        setting: setting.to_owned(),
        why: why.to_string(),
    })
}

impl Config {
    /// The data centres of Jumio whose published addresses may post.
    pub fn data_centres(&self) -> Result<Vec<DataCentre>, ConfigError> {
        let parse = |word: &String| {
            word.parse().map_err(|error| ConfigError::Section {
                section: "door.sources".to_owned(),
                why: format!("jumio: `{word}` is {error}"),
            })
        };
        self.sources.jumio.iter().map(parse).collect()
    }

    /// The networks that may post.
    pub fn networks(&self) -> Result<Vec<IpNet>, ConfigError> {
        let mut networks = self.allow.clone();
        networks.extend(self.data_centres()?.into_iter().flat_map(sources::networks));
        Ok(networks)
    }

    /// What the settings say of sources.
    pub fn lists(&self) -> Result<Lists, ConfigError> {
        let wide = self.allow_wide_sources;
        let listed =
            AllowList::new(&self.networks()?, wide).or_else(|why| refuse("door.allow", &why))?;
        let proxies = AllowList::perhaps_empty(&self.proxies, wide)
            .or_else(|why| refuse("door.proxies", &why))?;
        Ok(Lists {
            listed,
            proxies,
            forwarded: self.forwarded,
            proxy_protocol: self.proxy_protocol,
        })
    }

    /// The secret path segments, read from their files and judged.
    pub fn open_secrets(&self) -> Result<Secrets, ConfigError> {
        let mut values = Vec::new();
        for (place, secret) in self.secrets.iter().enumerate() {
            let text =
                std::fs::read_to_string(&secret.file).map_err(|error| ConfigError::File {
                    file: secret.file.clone(),
                    why: error.to_string(),
                })?;
            let until = secret.until.as_deref().map(|text| {
                Timestamp::parse_rfc3339(text).map_or_else(
                    || {
                        let setting = format!("door.secrets[{place}].until");
                        refuse(&setting, &"no time such as 2026-12-01T00:00:00Z")
                    },
                    Ok,
                )
            });
            let until = until.transpose()?;
            values.push((text.trim().to_owned(), until));
        }
        let given = values.iter().map(|(value, until)| (value.as_str(), *until));
        Secrets::new(given)
            .or_else(|(place, why)| refuse(&format!("door.secrets[{place}].file"), &why))
    }

    /// Refuses sources and secrets that must not face the internet.
    pub(super) fn check_access(&self, profile: Profile) -> Result<(), ConfigError> {
        self.lists()?;
        self.open_secrets()?;
        if self.proxy_protocol && self.proxies.is_empty() {
            return refuse(
                "door.proxy_protocol",
                &"no proxy is named that could send the header; name them in `door.proxies`",
            );
        }
        if profile == Profile::Development {
            return Ok(());
        }
        if self
            .networks()?
            .iter()
            .any(|network| network.addr().to_canonical().is_loopback())
        {
            return refuse(
                "door.allow",
                &"loopback is allowed in the development profile only",
            );
        }
        let plain = self.tls.is_none() && self.proxies.is_empty();
        if plain && !self.listen.ip().to_canonical().is_loopback() {
            return refuse(
                "door.listen",
                &"a public listener without TLS is for the development profile only; set `door.tls`, or name the proxy that ends TLS in `door.proxies`",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
