//! A schema registry with Confluent's API.
//!
//! Schemas are looked up by id through `schema_registry_converter`, by its plain call: its decoder would keep
//! an unknown id as an error for ever. Our own ids are found by posting the schema that is compiled in.

use std::{error::Error, path::PathBuf, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, Method, Response, StatusCode, redirect::Policy};
use schema_registry_converter::{
    async_impl::schema_registry::{SrSettings, get_schema_by_id},
    error::SRCError,
    schema_registry_common::RawError,
};
use schemas::{AnyEvent, Topic};
use serde::Deserialize;

use super::{Registry, RegistryError};

/// How long one request may take.
const ANSWER_AT_MOST: Duration = Duration::from_secs(10);
const CONNECT_AT_MOST: Duration = Duration::from_secs(3);
/// How long an id that another process has just registered may be unknown (§5 of the design).
const PATIENCE: Duration = Duration::from_mins(1);
/// Largest answer: a schema with room to spare.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// How much of an error's text is passed on.
const MAX_TEXT_CHARS: usize = 300;
/// What the registry answers for a subject, version or schema that it does not have.
const NOT_FOUND: [u32; 4] = [404, 40_401, 40_402, 40_403];
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Where the registry is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base URL of the API, below which are `subjects`, `schemas` and `config`.
    pub url: String,
    /// Name for basic authentication.
    pub user: Option<String>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
}

/// The registry.
pub struct Confluent {
    prefix: String,
    url: String,
    login: Option<(String, String)>,
    client: Client,
    look_up: SrSettings,
}

impl std::fmt::Debug for Confluent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Confluent")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Found {
    id: u32,
}

/// An answer that was understood.
enum Answer {
    Id(u32),
    NotFound,
}

impl Confluent {
    /// Makes the client; connects only when something is asked. The error says which setting is wrong.
    pub fn open(settings: &Settings, prefix: &str) -> Result<Self, String> {
        let login = match (&settings.user, &settings.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => {
                let password = std::fs::read_to_string(file)
                    .map_err(|error| format!("password_file {}: {error}", file.display()))?;
                let password = password.trim_end_matches(['\r', '\n']).to_owned();
                Some((user.clone(), password))
            }
            _ => return Err("user and password_file go together".to_owned()),
        };
        let url = settings.url.trim_end_matches('/').to_owned();
        reqwest::Url::parse(&url).map_err(|error| format!("url {url}: {error}"))?;
        let client = || {
            Client::builder()
                .no_proxy()
                .connect_timeout(CONNECT_AT_MOST)
                .timeout(ANSWER_AT_MOST)
                .redirect(Policy::none())
        };
        let mut look_up = SrSettings::new_builder(url.clone());
        look_up.no_proxy().set_timeout(ANSWER_AT_MOST);
        if let Some((user, password)) = &login {
            look_up.set_basic_authorization(user, Some(password));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            url,
            login,
            client: client().build().map_err(|error| error.to_string())?,
            look_up: look_up
                .build_with(client())
                .map_err(|error| error.to_string())?,
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<(StatusCode, Vec<u8>), RegistryError> {
        let mut request = self
            .client
            .request(method, format!("{}/{path}", self.url))
            .header("content-type", CONTENT_TYPE)
            .header("accept", CONTENT_TYPE)
            .body(body.to_string());
        if let Some((user, password)) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        let answer = request
            .send()
            .await
            .map_err(|error| unavailable(with_causes(&error.without_url())))?;
        let status = answer.status();
        Ok((status, bounded(answer).await?))
    }

    /// Posts the compiled-in schema of a topic.
    async fn post(&self, path: &str, topic: Topic) -> Result<Answer, RegistryError> {
        let text = AnyEvent::contract(topic).map_or("", schemas::Contract::text);
        let body = serde_json::json!({ "schema": text, "schemaType": "AVRO" });
        let (status, body) = self.send(Method::POST, path, &body).await?;
        if status.is_success() {
            let found: Found = serde_json::from_slice(&body)
                .map_err(|_| unavailable("an answer without an id"))?;
            return Ok(Answer::Id(found.id));
        }
        match serde_json::from_slice::<RawError>(&body) {
            Ok(told) if NOT_FOUND.contains(&told.error_code) => Ok(Answer::NotFound),
            _ => Err(refused(path, status, &body)),
        }
    }
}

#[async_trait]
impl Registry for Confluent {
    async fn id_of(&self, topic: Topic) -> Result<u32, RegistryError> {
        let subject = topic.subject(&self.prefix);
        match self.post(&format!("subjects/{subject}"), topic).await? {
            Answer::Id(id) => Ok(id),
            Answer::NotFound => Err(RegistryError::NotRegistered(subject)),
        }
    }

    async fn schema(&self, id: u32) -> Result<Option<String>, RegistryError> {
        match get_schema_by_id(id, &self.look_up).await {
            Ok(found) => Ok(Some(found.schema)),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(unavailable(with_causes(&error))),
        }
    }

    async fn register(&self, topic: Topic) -> Result<u32, RegistryError> {
        let subject = topic.subject(&self.prefix);
        // First the rule, then the schema: it must not get in by a laxer one.
        let rule = serde_json::json!({ "compatibility": "FULL_TRANSITIVE" });
        let path = format!("config/{subject}");
        let (status, body) = self.send(Method::PUT, &path, &rule).await?;
        if !status.is_success() {
            return Err(refused(&path, status, &body));
        }
        let path = format!("subjects/{subject}/versions");
        match self.post(&path, topic).await? {
            Answer::Id(id) => Ok(id),
            Answer::NotFound => Err(unavailable(format!("{path} is not found"))),
        }
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

fn unavailable(why: impl std::fmt::Display) -> RegistryError {
    RegistryError::Unavailable(why.to_string().chars().take(MAX_TEXT_CHARS).collect())
}

/// An answer that is no success. A 404 without the registry's own code comes from something else at this
/// address, so it says nothing about a schema.
fn refused(path: &str, status: StatusCode, body: &[u8]) -> RegistryError {
    match serde_json::from_slice::<RawError>(body) {
        Ok(told) => unavailable(format!("{path}: {status}: {}", told.message)),
        Err(_) => unavailable(format!("{path}: {status}; is this the registry's address?")),
    }
}

/// Whether the registry itself says that it has no such schema.
fn is_not_found(error: &SRCError) -> bool {
    let told = error
        .source()
        .and_then(|cause| cause.downcast_ref::<RawError>());
    told.is_some_and(|told| NOT_FOUND.contains(&told.error_code))
}

/// An error and what led to it: the outermost alone seldom says what is wrong.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

async fn bounded(mut answer: Response) -> Result<Vec<u8>, RegistryError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| unavailable(with_causes(&error.without_url())))?
    {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(unavailable("an answer of more than a mebibyte"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
