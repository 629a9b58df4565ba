//! The audit API: who may ask, what may be asked, and how no is said.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::{
        Path, Query as Parameters, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use schemas::Timestamp;
use serde::Deserialize;

use self::{access::Access, problem::Problem};
use crate::{
    assurance::Assurance,
    evidence::Evidence,
    history::{HistoryError, Query, Scope},
    looks::{Asked as What, Purpose, Viewer, Viewing},
};

pub(crate) mod access;
mod assurance;
mod log;
mod problem;
pub(crate) mod serve;

/// What the API says of itself; written by hand.
const OPENAPI: &str = include_str!("api/openapi.json");
/// How long an answer may take. Beyond it nobody waits any more.
const ANSWER: Duration = Duration::from_secs(30);
/// The header field in which somebody says why they ask.
const PURPOSE: &str = "x-purpose";

/// What answers are made from.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) viewing: Arc<Viewing>,
    pub(crate) access: Arc<Access>,
    pub(crate) evidence: Evidence,
    pub(crate) assurance: Assurance,
    /// The line that verifies checkpoints; none where nothing is signed.
    pub(crate) vkey: Option<String>,
}

/// Who asks, and why; put beside the request once it is known.
#[derive(Clone)]
struct Asker {
    known: Option<Arc<access::Known>>,
    /// Why, where that is said in words that can be kept.
    purpose: Result<Option<Purpose>, Problem>,
}

impl Asker {
    fn viewer(&self, asked: What) -> Result<Viewer, Problem> {
        let name = self.known.as_ref().map(|known| known.name.as_str());
        let purpose = self.purpose.clone()?;
        Ok(Viewer::of_api(name, asked, purpose))
    }

    fn scope(&self) -> Scope<'_> {
        match &self.known {
            Some(known) if !known.sees_all() => Scope::Accounts(&known.name, &known.accounts),
            Some(_) | None => Scope::All,
        }
    }
}

/// The routes.
pub(crate) fn router(api: Api) -> Router {
    Router::new()
        .route("/v1/checks", get(checks))
        .route("/v1/checks/{event_id}", get(check))
        .route("/v1/checks/{event_id}/proof", get(log::proof))
        .route("/log/checkpoint", get(log::checkpoint))
        .route("/log/vkey", get(log::vkey))
        .route("/log/tile/{*path}", get(log::tile))
        .route("/assurance", get(assurance::standing))
        .route("/assurance/{day}", get(assurance::statement))
        .route("/openapi.json", get(openapi))
        .fallback(async || Problem::NoSuchPath)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(api.clone(), admit))
        .with_state(api)
}

/// Lets in who may read. What comes out is for nobody else, so nothing on the way may keep it; but a tile, which tells
/// nothing of anybody, may be kept by who asked.
async fn admit(
    State(api): State<Api>,
    mut request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    let answer = async {
        match api.access.admit(request.headers()) {
            Ok(known) => {
                let purpose = purpose(request.headers());
                request.extensions_mut().insert(Asker { known, purpose });
                next.run(request).await
            }
            Err(problem) => problem.into_response(),
        }
    };
    let answered = tokio::time::timeout(ANSWER, answer).await;
    let mut response = answered.unwrap_or_else(|_| Problem::TooSlow.into_response());
    let cached = response.headers_mut().entry(header::CACHE_CONTROL);
    cached.or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Why somebody asks, where it is said: once, and in ASCII, as fields of HTTP are.
fn purpose(headers: &HeaderMap) -> Result<Option<Purpose>, Problem> {
    let mut given = headers.get_all(PURPOSE).iter();
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(text), None) => {
            let purpose = text.to_str().ok().and_then(Purpose::parse);
            purpose.map(Some).ok_or(Problem::BadPurpose)
        }
        (Some(_), Some(_)) => Err(Problem::BadPurpose),
    }
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// The parameters; one that is not known is refused, because a mistyped filter must not show more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    account: Option<String>,
    contact: Option<String>,
    reference: Option<String>,
    since: Option<String>,
    until: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

impl Asked {
    fn query(self) -> Result<Query, Problem> {
        let time = |text: Option<String>| {
            let parsed = text.map(|text| Timestamp::parse_rfc3339(&text).ok_or(Problem::BadTime));
            parsed.transpose()
        };
        Ok(Query {
            since: time(self.since)?,
            until: time(self.until)?,
            account: self.account,
            contact: self.contact,
            reference: self.reference,
            cursor: self.cursor,
            limit: limit(self.limit.as_deref())?,
        })
    }
}

/// The size of the page: a number from 1 on, however large. 0 stands for what is not said.
fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(0) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.trim_start_matches('0').is_empty() {
        return Err(Problem::BadParameters);
    }
    // What is no number of this machine is more than a page has.
    Ok(text.parse().unwrap_or(usize::MAX))
}

async fn checks(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    given: Result<Parameters<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Parameters(given) = given.map_err(|_| Problem::BadParameters)?;
    let query = given.query()?;
    let (viewer, scope) = (asker.viewer(What::Checks)?, asker.scope());
    let page = api
        .viewing
        .checks_within(&viewer, &query, scope)
        .await
        .map_err(failed)?;
    if page.checks.is_empty()
        && page.next_cursor.is_none()
        && query.cursor.is_none()
        && foreign(scope, &query)
    {
        // The same for an account of somebody else and for one that is not there.
        return Err(Problem::ForeignAccount);
    }
    Ok(Json(page).into_response())
}

/// Whether somebody asks for an account that is not on their list. By its other name it may be theirs all the same,
/// which is why this is asked only when nothing was found.
fn foreign(scope: Scope<'_>, query: &Query) -> bool {
    match (scope, &query.account) {
        (Scope::Accounts(_, accounts), Some(account)) => !accounts.contains(account),
        _ => false,
    }
}

async fn check(
    State(api): State<Api>,
    Extension(asker): Extension<Asker>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    // A path that is no text names nothing.
    let Path(event_id) = path.map_err(|_| Problem::NoSuchEvent)?;
    let (viewer, scope) = (asker.viewer(What::Check)?, asker.scope());
    let seen = api.viewing.check_within(&viewer, &event_id, scope).await;
    let seen = seen.map_err(failed)?.ok_or(Problem::NoSuchEvent)?;
    Ok(Json(seen).into_response())
}

fn failed(error: HistoryError) -> Problem {
    match error {
        HistoryError::Cursor => Problem::BadCursor,
        HistoryError::TooLarge => Problem::TooLarge,
        HistoryError::Unrecorded(retry) => {
            tracing::warn!("the audit API gives no answer that it cannot record: {retry}");
            Problem::Unrecorded
        }
        HistoryError::Unavailable(retry) => {
            tracing::warn!("the audit API cannot answer: {retry}");
            Problem::Unavailable
        }
    }
}

#[cfg(test)]
mod tests;
