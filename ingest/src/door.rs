//! The door: a body is answered 200 only once it is durable.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use metrics::Counter;
use schemas::{RawHeaders, Refusal, Timestamp, Topic};
use stage::{Context, Output, config::ConfigError, trace::TraceParent};
use tokio_util::sync::CancellationToken;

use self::{
    bucket::{Bucket, Buckets},
    places::{Room, Rooms},
    pool::Pool,
};
use crate::{
    Config,
    durable::{Durable, NotKept},
    http::{
        Answer,
        answer::{Date, Outcome},
        connection::Times,
        head::Framing,
    },
    orders::Standing,
    providers::Provider,
    sources::{Drift, Sources},
    tls::Tls,
};

mod bucket;
mod places;
mod pool;
mod request;
mod serve;
mod start;
mod stranger;

pub use serve::bind;
pub use start::{StartError, start};

/// Refused requests kept a second; the rest is counted. A misconfigured provider is seen, a flood fills nothing.
const KEPT_REFUSALS: u32 = 10;
/// The `CloudEvents` source of raw records.
const SOURCE: &str = "/idtrail/ingest";

/// The door's decisions and what they rest on. One for the process.
pub struct Door {
    config: Config,
    sources: Sources,
    drift: Mutex<Drift>,
    posts: Mutex<Buckets>,
    refusals: Mutex<Bucket>,
    rooms: Rooms,
    times: Times,
    date: Mutex<Date>,
    pool: Mutex<Pool>,
    tls: Option<Tls>,
    durable: Durable,
    orders: Standing,
    counters: [Counter; Outcome::ALL.len()],
    /// Once cancelled, connections end that wait for another request.
    closing: CancellationToken,
    context: Context,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

/// A request whose body is in hand, before it is durable.
struct Posted {
    provider: &'static Provider,
    media: &'static str,
    content_type: String,
    peer: IpAddr,
    body: Vec<u8>,
}

impl Door {
    /// A door with these settings; opens the spool where there is one.
    async fn open(config: Config, context: Context) -> Result<Self, ConfigError> {
        let now = context.clock.now();
        let orders = Standing::default();
        let each = (config.rate, config.burst);
        let all = (config.total_rate, config.total_burst);
        Ok(Self {
            sources: Sources::new(&config, orders.clone())?,
            drift: Mutex::default(),
            posts: Mutex::new(Buckets::new(each, all, now)),
            refusals: Mutex::new(Bucket::full(KEPT_REFUSALS, KEPT_REFUSALS, now)),
            rooms: Rooms::new(&config),
            times: config.times(),
            date: Mutex::default(),
            pool: Mutex::new(Pool::new()),
            tls: config.tls.as_ref().map(Tls::open).transpose()?,
            counters: Outcome::ALL.map(
                |outcome| metrics::counter!("idtrail_ingest_requests_total", "outcome" => outcome.as_str()),
            ),
            durable: Durable::open(&config, &context).await?,
            orders,
            closing: CancellationToken::new(),
            config,
            context,
        })
    }

    fn may_post(&self, peer: IpAddr, now: Timestamp) -> bool {
        let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        posts.take(peer, now)
    }

    /// Room for a body of this client; none where all that may be in hand is.
    fn room(&self, client: IpAddr, framing: Framing, limit: usize) -> Option<Room<'_>> {
        let bytes = match framing {
            Framing::Length(stated) => u32::try_from(stated).ok()?,
            // How many will come is not known.
            Framing::Chunked => u32::try_from(limit).ok()?,
        };
        self.rooms.take(client, bytes)
    }

    fn count(&self, outcome: Outcome) {
        if let Some(counter) = self.counters.get(outcome as usize) {
            counter.increment(1);
        }
    }

    fn bytes_of(&self, answer: Answer) -> Vec<u8> {
        let now = self.context.clock.now();
        let mut date = self.date.lock().unwrap_or_else(PoisonError::into_inner);
        answer.write(date.at(now), self.tls.is_some())
    }

    /// Makes the body durable, and only then says 200.
    async fn accept(&self, posted: Posted) -> Answer {
        let identified = (posted.provider.identify)(posted.media, &posted.body);
        let (key, refused) = match identified {
            Ok(identity) => (Some(identity.key), None),
            Err(refused) => (refused.provider_reference, Some(refused.reason)),
        };
        if refused.is_some() && !self.may_keep() {
            return Answer::of(Outcome::BadBody);
        }
        let outcome = match (self.store(posted, key, refused).await, refused) {
            (Ok(()), None) => Outcome::Accepted,
            (Ok(()), Some(_)) => Outcome::BadBody,
            (Err(NotKept::TooLarge), _) => Outcome::TooLarge,
            (Err(NotKept::Unavailable | NotKept::Full), _) => Outcome::Unavailable,
        };
        Answer::of(outcome)
    }

    /// Keeps the fact of a refused request of a listed peer, without its body.
    async fn keep_refusal(&self, peer: IpAddr, refused: Refusal, content_type: String) {
        let Some(provider) = crate::providers::PROVIDERS.first() else {
            return;
        };
        if !self.may_keep() {
            return;
        }
        let posted = Posted {
            provider,
            media: "form",
            content_type,
            peer,
            body: Vec::new(),
        };
        if let Err(error) = self.store(posted, None, Some(refused)).await {
            tracing::warn!(
                reason = refused.as_str(),
                "a refused request could not be kept: {error}"
            );
        }
    }

    fn may_keep(&self) -> bool {
        let now = self.context.clock.now();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let may = refusals.take(now);
        if !may {
            metrics::counter!("idtrail_ingest_refusals_not_kept_total").increment(1);
        }
        may
    }

    async fn store(
        &self,
        posted: Posted,
        key: Option<String>,
        refused: Option<Refusal>,
    ) -> Result<(), NotKept> {
        let (id, trace) = {
            let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
            pool.take(self.context.chance)
        };
        let request_id = uuid::Builder::from_random_bytes(id).into_uuid().to_string();
        let headers = RawHeaders {
            provider: posted.provider.name.to_owned(),
            kind: posted.media.to_owned(),
            content_type: posted.content_type,
            peer: posted.peer.to_string(),
            received_at: self.context.clock.now(),
            sha256: sha256(&posted.body),
            refused,
            traceparent: stage::telemetry::begin("POST", TraceParent::of(trace)),
            request_id,
        };
        let bytes = posted.body.len();
        let output = Output {
            topic: Topic::Raw,
            key: key.map_or_else(
                || headers.request_id.clone().into_bytes(),
                String::into_bytes,
            ),
            headers: headers.headers(SOURCE),
            value: posted.body,
        };
        let kept = self.durable.append(output).await?;
        tracing::debug!(
            request_id = headers.request_id,
            ?kept,
            bytes,
            "a callback is durable"
        );
        Ok(())
    }
}

/// In hex. Digit by digit, as the library's `encode` writes it, would be seen in what a post costs.
fn sha256(bytes: &[u8]) -> String {
    let mut digits = vec![0; 2 * SHA256.output_len()];
    hex::encode_to_slice(digest(&SHA256, bytes), &mut digits)
        .expect("there is room for two digits of each byte");
    String::from_utf8(digits).expect("hex digits are ASCII")
}
