//! One request, step by step: who, where, how, how much, what. The first step that refuses answers.

use std::net::IpAddr;

use httparse::EMPTY_HEADER;
use schemas::Refusal;
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
};

/// Longest request target: the provider's own limit for callback URLs is 255 characters.
const MAX_TARGET: usize = 1_024;
/// The one header field of the sender that is kept is cut to what a media type can need.
const MAX_CONTENT_TYPE: usize = 200;

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    /// Somebody whose address is known from the connection.
    Known(IpAddr),
    /// A proxy of ours; whom it speaks for stands in each head.
    Proxy(IpAddr),
}

impl Peer {
    /// The address that the connection itself tells.
    pub(super) fn address(self) -> IpAddr {
        match self {
            Self::Known(address) | Self::Proxy(address) => address,
        }
    }
}

/// A refusal, and whether the fact of it is kept.
#[derive(Debug)]
struct Refused {
    outcome: Outcome,
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
        peer: Peer,
    ) -> Option<Answer> {
        let length = match connection.head().await {
            Ok(length) => length,
            Err(ended) => return self.ended(ended, peer.address(), String::new()).await,
        };
        let judged = {
            let mut fields = [EMPTY_HEADER; MAX_FIELDS];
            match head::read(connection.head_bytes(length), &mut fields) {
                Ok(head) => self.judge(&head, peer),
                Err(malformed) => Err(unreadable(malformed, peer.address())),
            }
        };
        let admitted = match judged {
            Ok(admitted) => admitted,
            Err(refused) => return Some(self.refuse(refused).await),
        };
        if admitted.waits {
            connection
                .write(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await
                .ok()?;
            connection.flush().await.ok()?;
        }
        // What is in hand is bounded over all connections, before its bytes are read.
        let Some(_room) = self.room(admitted.framing, admitted.limit) else {
            return Some(Answer::of(Outcome::Shed));
        };
        let body = connection
            .body(length, admitted.framing, admitted.limit)
            .await;
        let body = match body {
            Ok(body) => body,
            Err(ended) => {
                return self
                    .ended(ended, admitted.peer, admitted.content_type)
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
    fn judge(&self, head: &Head<'_>, peer: Peer) -> Result<Admitted, Refused> {
        let peer = self.client(head, peer)?;
        let provider = self.route(head)?;
        if !self.may_post(peer) {
            return Err(Refused::counted(Outcome::RateLimited));
        }
        let content_type = head.field("content-type").unwrap_or("");
        let kept = |outcome, reason| Refused {
            outcome,
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
    fn route(&self, head: &Head<'_>) -> Result<&'static Provider, Refused> {
        let unknown = || Refused::counted(Outcome::NotFound);
        let mut segments = head
            .path()
            .strip_prefix("/callbacks/")
            .ok_or_else(unknown)?
            .split('/');
        let provider = segments.next().and_then(providers::by_name);
        let provider = provider.ok_or_else(unknown)?;
        if !self.opens(segments.next()) || segments.next().is_some() {
            return Err(unknown());
        }
        if head.method == "POST" {
            Ok(provider)
        } else {
            Err(Refused::counted(Outcome::BadMethod))
        }
    }

    /// What a request that ended early is answered, and what is kept of it.
    async fn ended(&self, ended: Ended, peer: IpAddr, content_type: String) -> Option<Answer> {
        let (outcome, reason) = match ended {
            Ended::Idle | Ended::Cut => return None,
            Ended::TooSlow => (Outcome::TooSlow, Refusal::TooSlow),
            Ended::HeadTooLarge => (Outcome::HeadersTooLarge, Refusal::HeadersTooLarge),
            Ended::BodyTooLarge => (Outcome::TooLarge, Refusal::TooLarge),
            Ended::Malformed => (Outcome::BadFraming, Refusal::BadFraming),
        };
        let kept = Some(Kept {
            reason,
            peer,
            content_type,
        });
        Some(self.refuse(Refused { outcome, kept }).await)
    }

    async fn refuse(&self, refused: Refused) -> Answer {
        if let Some(kept) = refused.kept {
            self.keep_refusal(kept.peer, kept.reason, kept.content_type)
                .await;
        }
        Answer::of(refused.outcome)
    }

    fn client(&self, head: &Head<'_>, peer: Peer) -> Result<IpAddr, Refused> {
        let _ = head;
        match peer {
            Peer::Known(address) | Peer::Proxy(address) => Ok(address),
        }
    }
}

fn cut(content_type: &str) -> String {
    let cut = content_type.floor_char_boundary(MAX_CONTENT_TYPE);
    content_type.get(..cut).unwrap_or_default().to_owned()
}

/// A head that cannot be read tells nothing but that.
fn unreadable(malformed: Malformed, peer: IpAddr) -> Refused {
    let (outcome, reason) = match malformed {
        Malformed::Framing => (Outcome::BadFraming, Refusal::BadFraming),
        Malformed::TooManyFields => (Outcome::HeadersTooLarge, Refusal::HeadersTooLarge),
        Malformed::Version => (Outcome::BadVersion, Refusal::BadFraming),
        Malformed::Expectation => (Outcome::BadExpectation, Refusal::BadFraming),
    };
    Refused {
        outcome,
        kept: Some(Kept {
            reason,
            peer,
            content_type: String::new(),
        }),
    }
}
