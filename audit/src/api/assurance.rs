//! The accounts over HTTP: how it stands, and the signed statement of a day. They name no client, so every reader sees them.

use axum::{
    Json,
    extract::{Path, Query as Parameters, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use super::{Api, log, problem::Problem};

/// The parameters of a question for accounts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    day: Option<String>,
}

/// `GET /assurance`: the hours of a day, else the newest 24.
pub(super) async fn standing(
    State(api): State<Api>,
    given: Result<Parameters<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Parameters(given) = given.map_err(|_| Problem::BadDay)?;
    let standing = api.assurance.standing(given.day.as_deref()).await;
    let standing = standing.map_err(log::unready)?.ok_or(Problem::BadDay)?;
    Ok(Json(standing).into_response())
}

/// `GET /assurance/DAY`.
pub(super) async fn statement(
    State(api): State<Api>,
    Path(day): Path<String>,
) -> Result<Response, Problem> {
    let note = api.assurance.statement(&day).await.map_err(log::unready)?;
    note.map(log::text).ok_or(Problem::NoSuchDay)
}
