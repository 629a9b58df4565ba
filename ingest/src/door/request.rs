//! One request, step by step: who, where, how, how much, what. The first step that refuses answers.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::{Body as _, Incoming},
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use schemas::Refusal;

use super::{Answer, Door, Posted, RETRY_AFTER, sha256};
use crate::providers::{self, Provider};

/// Longest request target: the provider's own limit for callback URLs is 255 characters.
const MAX_TARGET: usize = 1_024;
/// What a listed peer beyond its rate should wait.
const SLOW_DOWN: Duration = Duration::from_secs(1);

/// A refusal, and whether the fact of it is kept.
enum Refused {
    Counted(Answer),
    Kept(Answer, Refusal),
}

impl Door {
    /// Answers one request of a peer.
    pub(super) async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Answer {
        if !self.is_listed(peer) {
            return Answer::of(StatusCode::FORBIDDEN, "bad_source").and_close();
        }
        let (parts, body) = request.into_parts();
        let provider = match self.route(&parts.method, parts.uri.path()) {
            Ok(provider) => provider,
            Err(answer) => return answer,
        };
        if self.context.stopper.is_stopping() {
            return Answer::retry(StatusCode::SERVICE_UNAVAILABLE, "draining", RETRY_AFTER);
        }
        let target = parts
            .uri
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        let read = match self.admit(&parts.headers, target, provider) {
            Ok((media, limit)) => self.read(body, limit).await.map(|body| (media, body)),
            Err(refused) => Err(refused),
        };
        match read {
            Ok((media, body)) => {
                let content_type = text(&parts.headers, CONTENT_TYPE.as_str());
                self.accept(Posted {
                    provider,
                    media,
                    content_type,
                    peer,
                    body,
                })
                .await
            }
            Err(Refused::Counted(answer)) => answer,
            Err(Refused::Kept(answer, reason)) => {
                self.keep_refusal(peer, provider, reason, &parts.headers)
                    .await;
                answer
            }
        }
    }

    /// The provider of a path; a secret segment is needed where one is set, and tells nothing where it is wrong.
    fn route(&self, method: &Method, path: &str) -> Result<&'static Provider, Answer> {
        let unknown = || Answer::of(StatusCode::NOT_FOUND, "not_found");
        let mut segments = path
            .strip_prefix("/callbacks/")
            .ok_or_else(unknown)?
            .split('/');
        let provider = segments
            .next()
            .and_then(providers::by_name)
            .ok_or_else(unknown)?;
        let secret = segments.next();
        let open = match secret {
            None => self.secrets.is_empty(),
            Some(secret) => {
                let given = sha256(secret.as_bytes());
                // Every digest is compared, so that time tells neither which nor how many there are.
                self.secrets.iter().fold(false, |open, known| {
                    open | aws_lc_rs::constant_time::verify_slices_are_equal(known, &given).is_ok()
                })
            }
        };
        if !open || segments.next().is_some() {
            return Err(unknown());
        }
        if method == Method::POST {
            Ok(provider)
        } else {
            Err(Answer::of(StatusCode::METHOD_NOT_ALLOWED, "bad_method").allowing_post())
        }
    }

    /// Judges the header fields: rate, framing, media type and stated length.
    fn admit(
        &self,
        headers: &HeaderMap,
        target: usize,
        provider: &'static Provider,
    ) -> Result<(&'static str, usize), Refused> {
        let now = self.context.clock.now();
        if !self.posts.lock().is_ok_and(|mut bucket| bucket.take(now)) {
            let answer = Answer::retry(StatusCode::TOO_MANY_REQUESTS, "rate_limited", SLOW_DOWN);
            return Err(Refused::Counted(answer.and_close()));
        }
        if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
            let answer = Answer::of(StatusCode::BAD_REQUEST, "bad_framing").and_close();
            return Err(Refused::Kept(answer, Refusal::BadFraming));
        }
        if target > MAX_TARGET {
            let answer = Answer::of(StatusCode::URI_TOO_LONG, "url_too_long").and_close();
            return Err(Refused::Kept(answer, Refusal::UrlTooLong));
        }
        let media = (provider.media)(text(headers, CONTENT_TYPE.as_str()));
        let Some(media) = media.filter(|_| !headers.contains_key(CONTENT_ENCODING)) else {
            let answer =
                Answer::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_content_type").and_close();
            return Err(Refused::Kept(answer, Refusal::UnsupportedMediaType));
        };
        let limit = if media == "json" {
            self.config.max_json_bytes
        } else {
            self.config.max_form_bytes
        };
        Ok((media, limit))
    }

    async fn read(&self, body: Incoming, limit: usize) -> Result<Bytes, Refused> {
        let too_large = || {
            let answer = Answer::of(StatusCode::PAYLOAD_TOO_LARGE, "too_large").and_close();
            Refused::Kept(answer, Refusal::TooLarge)
        };
        // A stated length is judged before a byte is read.
        if body
            .size_hint()
            .exact()
            .is_some_and(|stated| stated > limit as u64)
        {
            return Err(too_large());
        }
        let deadline = Duration::from_millis(self.config.body_ms);
        match tokio::time::timeout(deadline, Limited::new(body, limit).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => {
                let answer = Answer::of(StatusCode::BAD_REQUEST, "bad_framing").and_close();
                Err(Refused::Kept(answer, Refusal::BadFraming))
            }
            Err(_) => {
                let answer = Answer::of(StatusCode::REQUEST_TIMEOUT, "too_slow").and_close();
                Err(Refused::Kept(answer, Refusal::TooSlow))
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}
