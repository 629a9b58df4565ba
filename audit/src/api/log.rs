//! The log over HTTP, in the form that every tool for C2SP tlog-tiles reads; and the proofs of one check.

use axum::{
    Extension, Json,
    extract::{
        Path, Query as Parameters, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use stage::Retry;

use super::{Api, Asker, What, failed, problem::Problem};
use crate::{
    evidence::Shown,
    history::HistoryError,
    log::{tile::Tile, tree::leaf_hash},
};

/// A checkpoint is another one in a second, and a proof says less than one could have then.
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// Proofs that are made at once: each asks for some tiles, one after the other.
const AT_ONCE: usize = 4;
/// What a path of a tile once gave it gives for ever.
const FOR_EVER: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");

pub(super) fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}

pub(super) fn unready(retry: Retry) -> Problem {
    failed(HistoryError::Unavailable(retry))
}

async fn newest(api: &Api) -> Result<Shown, Problem> {
    let shown = api.evidence.checkpoint().await.map_err(unready)?;
    shown.ok_or(Problem::NothingSigned)
}

/// `GET /log/checkpoint`.
pub(super) async fn checkpoint(State(api): State<Api>) -> Result<Response, Problem> {
    Ok(text(newest(&api).await?.note))
}

/// `GET /log/vkey`.
pub(super) async fn vkey(State(api): State<Api>) -> Result<Response, Problem> {
    let key = api.vkey.as_deref().ok_or(Problem::NothingSigned)?;
    Ok(text(format!("{key}\n")))
}

/// `GET /log/tile/…`.
pub(super) async fn tile(
    State(api): State<Api>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(path) = path.map_err(|_| Problem::NoSuchTile)?;
    let tile = Tile::parse(&format!("tile/{path}")).ok_or(Problem::NoSuchTile)?;
    let size = newest(&api).await?.size;
    let data = api.evidence.tile(&tile, size).await.map_err(unready)?;
    let data = data.ok_or(Problem::NoSuchTile)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(BYTES)),
        (header::CACHE_CONTROL, FOR_EVER),
    ];
    Ok((headers, data).into_response())
}

/// The parameters of a question for proofs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    seq: Option<i64>,
}

/// The proofs of a check, one for each step.
#[derive(Serialize)]
struct Proofs {
    proofs: Vec<One>,
}

#[derive(Serialize)]
struct One {
    seq: i64,
    /// `integrated`, or `pending` until the next checkpoint.
    state: &'static str,
    leaf: Option<String>,
    leaf_hash: String,
    proof: Option<String>,
}

/// `GET /v1/checks/{event_id}/proof`: all proofs in JSON, or with `seq` one of them as the text that tools take.
pub(super) async fn proof(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    path: Result<Path<String>, PathRejection>,
    given: Result<Parameters<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path(event_id) = path.map_err(|_| Problem::NoSuchEvent)?;
    let Parameters(given) = given.map_err(|_| Problem::BadParameters)?;
    let (viewer, scope) = (asker.viewer(What::Proof)?, asker.scope());
    let found = api.viewing.find(&viewer, &event_id, scope).await;
    let found = found.map_err(failed)?.ok_or(Problem::NoSuchEvent)?;
    let mut seqs = found.seqs();
    seqs.retain(|seq| given.seq.is_none_or(|only| only == *seq));
    // Made while the look is being recorded, and given only if it was.
    let (recorded, proofs) = tokio::join!(api.viewing.show(found), proofs(&api, seqs));
    recorded.map_err(failed)?;
    let mut proofs = proofs?;
    if given.seq.is_none() {
        return Ok(Json(Proofs { proofs }).into_response());
    }
    let only = proofs.pop().ok_or(Problem::NoSuchEvent)?;
    only.proof.map(text).ok_or(Problem::NothingSigned)
}

/// The proofs of these entries, in their order.
async fn proofs(api: &Api, seqs: Vec<i64>) -> Result<Vec<One>, Problem> {
    let shown = newest(api).await?;
    let made = stream::iter(seqs).map(|seq| one(api, seq, &shown));
    made.buffered(AT_ONCE).try_collect().await.map_err(unready)
}

async fn one(api: &Api, seq: i64, shown: &Shown) -> Result<One, Retry> {
    let index = u64::try_from(seq).unwrap_or(u64::MAX);
    let leaf = api.evidence.leaf(index).await?.unwrap_or_default();
    let proof = api.evidence.proof(index, shown).await?;
    Ok(One {
        seq,
        state: if proof.is_some() {
            "integrated"
        } else {
            "pending"
        },
        leaf_hash: hex::encode(leaf_hash(&leaf)),
        leaf: String::from_utf8(leaf).ok(),
        proof: proof.map(|proof| proof.to_string()),
    })
}
