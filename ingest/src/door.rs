//! The door: a body is answered 200 only once it is durable.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use hyper::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use ipnet::IpNet;
use schemas::{RawHeaders, Refusal, Timestamp, Topic};
use stage::{BrokerError, Context, Output, config::ConfigError, trace::TraceParent};

use self::bucket::Bucket;
use crate::{Config, providers::Provider};

mod answer;
mod bucket;
mod request;
mod serve;

pub use answer::Answer;
pub use serve::{bind, serve};

/// Refused requests kept a second; the rest is counted. A misconfigured provider is seen, a flood fills nothing.
const KEPT_REFUSALS: u32 = 10;
/// The `CloudEvents` source of raw records.
const SOURCE: &str = "/idtrail/ingest";

/// The door's decisions and what they rest on. One for the process.
pub struct Door {
    config: Config,
    networks: Vec<IpNet>,
    /// SHA-256 of each secret path segment, so that comparing takes the same time whatever was guessed.
    secrets: Vec<[u8; 32]>,
    posts: Mutex<Bucket>,
    refusals: Mutex<Bucket>,
    context: Context,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

/// A request whose body is in hand, before it is durable.
struct Posted<'a> {
    provider: &'static Provider,
    media: &'static str,
    content_type: &'a str,
    peer: IpAddr,
    body: Bytes,
}

impl Door {
    /// A door with these settings.
    pub fn new(config: Config, context: Context) -> Result<Self, ConfigError> {
        let secrets = config
            .secrets()?
            .iter()
            .map(|secret| sha256(secret.as_bytes()))
            .collect();
        let now = context.clock.now();
        Ok(Self {
            networks: config.networks()?,
            secrets,
            posts: Mutex::new(Bucket::full(config.rate, config.burst, now)),
            refusals: Mutex::new(Bucket::full(KEPT_REFUSALS, KEPT_REFUSALS, now)),
            config,
            context,
        })
    }

    fn is_listed(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|network| network.contains(&peer))
    }

    /// Makes the body durable, and only then says 200.
    async fn accept(&self, posted: Posted<'_>) -> Answer {
        let identified = (posted.provider.identify)(posted.media, &posted.body);
        let (key, refused) = match identified {
            Ok(identity) => (Some(identity.key), None),
            Err(refused) => (refused.provider_reference, Some(refused.reason)),
        };
        if refused.is_some() && !self.may_keep() {
            return Answer::of(StatusCode::BAD_REQUEST, "bad_body");
        }
        match (self.store(&posted, key, refused).await, refused) {
            (Ok(()), None) => Answer::of(StatusCode::OK, "accepted"),
            (Ok(()), Some(_)) => Answer::of(StatusCode::BAD_REQUEST, "bad_body"),
            (Err(BrokerError::TooLarge(_)), _) => {
                Answer::of(StatusCode::PAYLOAD_TOO_LARGE, "too_large")
            }
            (Err(error), _) => {
                tracing::warn!("a callback could not be made durable: {error}");
                Answer::retry(StatusCode::SERVICE_UNAVAILABLE, "unavailable", RETRY_AFTER)
            }
        }
    }

    /// Keeps the fact of a refused request of a listed peer, without its body.
    async fn keep_refusal(
        &self,
        peer: IpAddr,
        provider: &'static Provider,
        refused: Refusal,
        headers: &HeaderMap,
    ) {
        if !self.may_keep() {
            metrics::counter!("idtrail_ingest_refusals_not_kept_total").increment(1);
            return;
        }
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let posted = Posted {
            provider,
            media: "form",
            content_type,
            peer,
            body: Bytes::new(),
        };
        if let Err(error) = self.store(&posted, None, Some(refused)).await {
            tracing::warn!(
                reason = refused.as_str(),
                "a refused request could not be kept: {error}"
            );
        }
    }

    fn may_keep(&self) -> bool {
        let now = self.context.clock.now();
        self.refusals
            .lock()
            .is_ok_and(|mut bucket| bucket.take(now))
    }

    async fn store(
        &self,
        posted: &Posted<'_>,
        key: Option<String>,
        refused: Option<Refusal>,
    ) -> Result<(), BrokerError> {
        let request_id = uuid::Builder::from_random_bytes(self.context.chance.bytes())
            .into_uuid()
            .to_string();
        let received_at: Timestamp = self.context.clock.now();
        let traceparent = TraceParent::begin(self.context.chance).to_string();
        let traceparent = stage::telemetry::step(
            "POST",
            stage::telemetry::SpanKind::Producer,
            Some(&traceparent),
            Vec::new(),
        )
        .unwrap_or(traceparent);
        let headers = RawHeaders {
            provider: posted.provider.name.to_owned(),
            kind: posted.media.to_owned(),
            // The one header of the sender that is kept, cut to what a media type can need.
            content_type: posted.content_type.chars().take(200).collect(),
            peer: posted.peer.to_string(),
            received_at,
            sha256: hex::encode(sha256(&posted.body)),
            refused,
            traceparent,
            request_id: request_id.clone(),
        };
        let output = Output {
            topic: Topic::Raw,
            key: key.unwrap_or_else(|| request_id.clone()).into_bytes(),
            headers: headers.headers(SOURCE),
            value: posted.body.to_vec(),
        };
        let position = self
            .context
            .broker
            .append(output, self.config.deadline())
            .await?;
        tracing::debug!(request_id, position = %position, bytes = posted.body.len(), "a callback is durable");
        Ok(())
    }
}

/// What a provider that repeats should wait: long enough for a broker to elect a leader.
const RETRY_AFTER: Duration = Duration::from_secs(5);

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Runs the door until asked to stop; the listener is the caller's.
pub async fn start(
    config: Config,
    context: Context,
    listener: tokio::net::TcpListener,
) -> Result<(), ConfigError> {
    let door = Arc::new(Door::new(config, context)?);
    serve(listener, door).await;
    Ok(())
}
