//! The witness over HTTP: statuses exactly as the specification has them, one sentence with each no.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

use super::{Server, cosigning::Said};
use crate::witness::answer::SIZE;

/// Longest body: a proof of 63 hashes and a checkpoint with many signatures.
const MAX_BODY: usize = 16 << 10;
/// How long a request may take, its body included: it is short, and one transaction.
const ANSWER: Duration = Duration::from_secs(10);
const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn router(server: Server) -> Router {
    Router::new()
        .route("/", get(health))
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{log}/checkpoint", get(checkpoint))
        .fallback(async || (StatusCode::NOT_FOUND, "nothing answers there\n"))
        .layer(from_fn(in_time))
        .with_state(server)
}

/// A request that does not end must not keep its place for ever.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(ANSWER, next.run(request)).await;
    let slow = |_| (StatusCode::REQUEST_TIMEOUT, "this took too long\n").into_response();
    answered.unwrap_or_else(slow)
}

fn text(status: StatusCode, kind: &'static str, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Says who this is; 503 where the file does not answer.
async fn health(State(server): State<Server>) -> Response {
    match server.cosigned("").await {
        Ok(_) => text(StatusCode::OK, TEXT, format!("{}\n", server.vkey())),
        Err(retry) => unavailable(&retry),
    }
}

async fn add_checkpoint(State(server): State<Server>, body: Body) -> Response {
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        let said = "the body is longer than 16 KiB, or was cut off\n";
        return (StatusCode::PAYLOAD_TOO_LARGE, said).into_response();
    };
    match server.add_checkpoint(&body).await {
        Ok(said) => answer(said),
        Err(retry) => unavailable(&retry),
    }
}

fn answer(said: Said) -> Response {
    let (status, why) = match said {
        Said::Cosigned(line) => return text(StatusCode::OK, TEXT, line),
        Said::Seen(size) => return text(StatusCode::CONFLICT, SIZE, format!("{size}\n")),
        Said::Malformed => (StatusCode::BAD_REQUEST, "this is no submission"),
        Said::Back => (
            StatusCode::BAD_REQUEST,
            "the old size is larger than the checkpoint's",
        ),
        Said::UnknownLog => (StatusCode::NOT_FOUND, "this witness does not know the log"),
        Said::Unsigned => (
            StatusCode::FORBIDDEN,
            "the checkpoint is not signed by a key of the log",
        ),
        Said::Inconsistent => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "the checkpoint does not continue what was cosigned",
        ),
    };
    text(status, TEXT, format!("{why}\n"))
}

async fn checkpoint(State(server): State<Server>, Path(log): Path<String>) -> Response {
    match server.cosigned(&log).await {
        Ok(Some(note)) => text(StatusCode::OK, TEXT, note),
        Ok(None) => (StatusCode::NOT_FOUND, "nothing was cosigned of this log\n").into_response(),
        Err(retry) => unavailable(&retry),
    }
}

fn unavailable(retry: &stage::Retry) -> Response {
    tracing::error!("the witness cannot answer: {retry}");
    (StatusCode::SERVICE_UNAVAILABLE, "try again\n").into_response()
}
