//! Who may read: on loopback everybody on this machine, as long as no reader is named; else readers by their tokens.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use aws_lc_rs::constant_time;
use axum::http::{HeaderMap, header};

use super::problem::Problem;
use crate::{
    config::Reader,
    log::tree::{Hash, sha256},
};

/// Shortest token: 128 bits in hex, which nobody guesses over HTTP.
const MIN_TOKEN: usize = 32;
/// Stands in a reader's accounts for all of them.
const ALL: &str = "*";

/// A reader that is known.
pub(crate) struct Known {
    pub(crate) name: String,
    /// SHA-256 of the token; the token itself is not kept.
    token: Hash,
    pub(crate) accounts: Vec<String>,
}

impl Known {
    /// Whether the reader sees all accounts.
    pub(crate) fn sees_all(&self) -> bool {
        self.accounts.iter().any(|account| account == ALL)
    }
}

/// Everybody who may read.
pub(crate) struct Access(Vec<Arc<Known>>);

impl Access {
    /// Reads the tokens of all readers. Without readers everybody may read, which is for loopback only.
    pub(crate) fn of(readers: &[Reader]) -> Result<Self, String> {
        let known: Result<Vec<_>, _> = readers.iter().map(known).collect();
        let known = known?;
        let tokens: HashSet<_> = known.iter().map(|one| one.token).collect();
        if tokens.len() < known.len() {
            return Err("[[audit.readers]]: two readers have the same token".to_owned());
        }
        Ok(Self(known))
    }

    /// Who asks; nobody in particular where no reader is named.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<Option<Arc<Known>>, Problem> {
        if self.0.is_empty() {
            return if is_local(headers) {
                Ok(None)
            } else {
                Err(Problem::ForeignHost)
            };
        }
        let token = bearer(headers).ok_or(Problem::Unauthorized)?;
        let token = sha256(&[token.as_bytes()]);
        // All are compared, and each in the same time: how long it takes tells nothing about a token.
        let mut found = None;
        for one in &self.0 {
            if constant_time::verify_slices_are_equal(&one.token, &token).is_ok() {
                found = Some(Arc::clone(one));
            }
        }
        found.map(Some).ok_or(Problem::Unauthorized)
    }
}

fn known(reader: &Reader) -> Result<Arc<Known>, String> {
    let refused = |why: &str| {
        let (file, name) = (reader.token_file.display(), &reader.name);
        format!("[[audit.readers]] `{name}`: token_file {file}: {why}")
    };
    let text =
        std::fs::read_to_string(&reader.token_file).map_err(|error| refused(&error.to_string()))?;
    let token = text.trim();
    if token.len() < MIN_TOKEN {
        return Err(refused("a token needs at least 32 characters"));
    }
    Ok(Arc::new(Known {
        name: reader.name.clone(),
        token: sha256(&[token.as_bytes()]),
        accounts: reader.accounts.clone(),
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the request names this machine. A web page elsewhere can make a browser ask here, but not under such a name.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        return true;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}
