//! One request, step by step: who, where, how, how much, what. The first step that refuses answers.

use std::net::{IpAddr, SocketAddr};

use httparse::EMPTY_HEADER;
use schemas::{Refusal, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Door, Posted};
use crate::{
    http::{
        Answer,
        answer::Outcome,
        connection::{Connection, Ended},
        head::{self, Framing, Head, MAX_FIELDS, Malformed},
    },
    providers::{self, Provider},
    sources::Gate,
};

/// Longest request target: the provider's own limit for callback URLs is 255 characters.
const MAX_TARGET: usize = 1_024;
/// The one header field of the sender that is kept is cut to what a media type can need.
const MAX_CONTENT_TYPE: usize = 200;

/// A refusal, and whether the fact of it is kept.
#[derive(Debug)]
pub(super) struct Refused {
    outcome: Outcome,
    /// Somebody who is not on the list.
    stranger: Option<IpAddr>,
    kept: Option<Kept>,
}

/// What is kept of a refused request of a listed peer.
#[derive(Debug)]
struct Kept {
    reason: Refusal,
    peer: IpAddr,
    content_type: String,
}

impl Refused {
    fn counted(outcome: Outcome) -> Self {
        Self {
            outcome,
            stranger: None,
            kept: None,
        }
    }
}

/// What is known once the head is judged.
#[derive(Debug)]
struct Admitted {
    provider: &'static Provider,
    media: &'static str,
    content_type: String,
    peer: IpAddr,
    framing: Framing,
    limit: usize,
    last: bool,
    waits: bool,
}

impl Door {
    /// Reads one request and answers it; nothing where the sender went away.
    pub(super) async fn one<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S>,
        peer: SocketAddr,
    ) -> Option<Answer> {
        let length = match connection.head().await {
            Ok(length) => length,
            Err(ended) => return self.ended(ended, self.only(peer), String::new()).await,
        };
        let judged = {
            let mut fields = [EMPTY_HEADER; MAX_FIELDS];
            match head::read(connection.head_bytes(length), &mut fields) {
                Ok(head) => self.judge(&head, peer),
                Err(malformed) => Err(unreadable(malformed, self.only(peer))),
            }
        };
        let admitted = match judged {
            Ok(admitted) => admitted,
            Err(refused) => {
                if let Some(stranger) = refused.stranger {
                    self.consider(connection, length, stranger).await;
                }
                return Some(self.refuse(refused).await);
            }
        };
        if admitted.waits {
            connection
                .write(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await
                .ok()?;
        }
        // What is in hand is bounded over all connections, before its bytes are read.
        let Some(_room) = self.room(admitted.peer, admitted.framing, admitted.limit) else {
            return Some(Answer::of(Outcome::Shed));
        };
        let body = connection
            .body(length, admitted.framing, admitted.limit)
            .await;
        let body = match body {
            Ok(body) => body,
            Err(ended) => {
                return self
                    .ended(ended, Some(admitted.peer), admitted.content_type)
                    .await;
            }
        };
        let last = admitted.last;
        let posted = Posted {
            provider: admitted.provider,
            media: admitted.media,
            content_type: admitted.content_type,
            peer: admitted.peer,
            body: connection.body_bytes(&body).to_vec(),
        };
        let answer = self.accept(posted).await.and_close(last);
        connection.done(&body);
        Some(answer)
    }

    /// Judges a head: who, where, how often, how.
    fn judge(&self, head: &Head<'_>, peer: SocketAddr) -> Result<Admitted, Refused> {
        // Asked once: a clock costs more than most of what is judged here.
        let now = self.context.clock.now();
        let peer = self.client(head, peer, now)?;
        let provider = self.route(head, now)?;
        if self.orders.is_closed() {
            return Err(Refused::counted(Outcome::Closed));
        }
        if !self.may_post(peer, now) {
            return Err(Refused::counted(Outcome::RateLimited));
        }
        let content_type = head.field("content-type").unwrap_or("");
        let kept = |outcome, reason| Refused {
            outcome,
            stranger: None,
            kept: Some(Kept {
                reason,
                peer,
                content_type: cut(content_type),
            }),
        };
        if head.target.len() > MAX_TARGET {
            return Err(kept(Outcome::UrlTooLong, Refusal::UrlTooLong));
        }
        let media = (provider.media)(content_type);
        let Some(media) = media.filter(|_| !head.has("content-encoding")) else {
            return Err(kept(Outcome::BadContentType, Refusal::UnsupportedMediaType));
        };
        let limit = if media == "json" {
            self.config.max_json_bytes
        } else {
            self.config.max_form_bytes
        };
        if matches!(head.framing, Framing::Length(stated) if stated > limit as u64) {
            return Err(kept(Outcome::TooLarge, Refusal::TooLarge));
        }
        Ok(Admitted {
            provider,
            media,
            content_type: cut(content_type),
            peer,
            framing: head.framing,
            limit,
            last: head.last,
            waits: head.waits,
        })
    }

    /// The provider of a path; a secret segment is needed where one is set, and tells nothing where it is wrong.
    pub(super) fn route(
        &self,
        head: &Head<'_>,
        now: Timestamp,
    ) -> Result<&'static Provider, Refused> {
        let unknown = || Refused::counted(Outcome::NotFound);
        let mut segments = head
            .path()
            .strip_prefix("/callbacks/")
            .ok_or_else(unknown)?
            .split('/');
        let provider = segments.next().and_then(providers::by_name);
        let provider = provider.ok_or_else(unknown)?;
        if !self.sources.opens(segments.next(), now) || segments.next().is_some() {
            return Err(unknown());
        }
        if head.method == "POST" {
            Ok(provider)
        } else {
            Err(Refused::counted(Outcome::BadMethod))
        }
    }

    /// What a request that ended early is answered, and what is kept of it.
    async fn ended(
        &self,
        ended: Ended,
        peer: Option<IpAddr>,
        content_type: String,
    ) -> Option<Answer> {
        let (outcome, reason) = match ended {
            Ended::Idle | Ended::Cut => return None,
            Ended::TooSlow => (Outcome::TooSlow, Refusal::TooSlow),
            Ended::HeadTooLarge => (Outcome::HeadersTooLarge, Refusal::HeadersTooLarge),
            Ended::BodyTooLarge => (Outcome::TooLarge, Refusal::TooLarge),
            Ended::Malformed => (Outcome::BadFraming, Refusal::BadFraming),
        };
        let kept = peer.map(|peer| Kept {
            reason,
            peer,
            content_type,
        });
        let refused = Refused {
            outcome,
            stranger: None,
            kept,
        };
        Some(self.refuse(refused).await)
    }

    async fn refuse(&self, refused: Refused) -> Answer {
        if let Some(kept) = refused.kept {
            self.keep_refusal(kept.peer, kept.reason, kept.content_type)
                .await;
        }
        Answer::of(refused.outcome)
    }

    /// Whom a request is from: the peer, or whom a proxy of ours names; refused unless that one may post.
    fn client(&self, head: &Head<'_>, peer: SocketAddr, now: Timestamp) -> Result<IpAddr, Refused> {
        let refused = |stranger| Refused {
            stranger,
            ..Refused::counted(Outcome::BadSource)
        };
        let client = self.sources.client(peer, head.fields());
        let client = client.map_err(|_counted| refused(None))?;
        if self.sources.is_listed(client, now) {
            Ok(client)
        } else {
            Err(refused(Some(client)))
        }
    }

    /// The one who must have sent what cannot be read: nobody in particular where a proxy speaks for many.
    fn only(&self, peer: SocketAddr) -> Option<IpAddr> {
        match self.sources.gate(peer, self.context.clock.now()) {
            Gate::Listed(address) => Some(address),
            Gate::Proxy(_) | Gate::Stranger(_) => None,
        }
    }
}

fn cut(content_type: &str) -> String {
    let cut = content_type.floor_char_boundary(MAX_CONTENT_TYPE);
    content_type.get(..cut).unwrap_or_default().to_owned()
}

/// A head that cannot be read tells nothing but that.
fn unreadable(malformed: Malformed, peer: Option<IpAddr>) -> Refused {
    let (outcome, reason) = match malformed {
        Malformed::Framing => (Outcome::BadFraming, Refusal::BadFraming),
        Malformed::TooManyFields => (Outcome::HeadersTooLarge, Refusal::HeadersTooLarge),
        Malformed::Version => (Outcome::BadVersion, Refusal::BadFraming),
        Malformed::Expectation => (Outcome::BadExpectation, Refusal::BadFraming),
    };
    Refused {
        outcome,
        stranger: None,
        kept: peer.map(|peer| Kept {
            reason,
            peer,
            content_type: String::new(),
        }),
    }
}
