//! A log over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use audit::verify::{LogReader, Unread};

use crate::exit::Failure;

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The log at a URL.
pub(super) struct Url {
    prefix: String,
    client: reqwest::Client,
}

impl Url {
    /// The log whose checkpoint is at this URL with `/checkpoint` after it.
    pub(super) fn new(url: &str) -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(Failure::usage)?;
        Ok(Self {
            prefix: url.trim_end_matches('/').to_owned(),
            client,
        })
    }
}

#[async_trait]
impl LogReader for Url {
    async fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unread> {
        let url = format!("{}/{path}", self.prefix);
        let unread = |why: String| Unread {
            path: url.clone(),
            why,
        };
        let sent = self.client.get(&url).send().await;
        let mut response = sent.map_err(|error| unread(error.without_url().to_string()))?;
        match response.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(None),
            other => return Err(unread(format!("it answered {other}"))),
        }
        let mut bytes = Vec::new();
        while bytes.len() <= limit {
            let chunk = response.chunk().await;
            match chunk.map_err(|error| unread(error.without_url().to_string()))? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => break,
            }
        }
        Ok(Some(bytes))
    }

    async fn list(&self) -> Result<Option<Vec<String>>, Unread> {
        Ok(None)
    }
}
