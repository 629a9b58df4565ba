//! The admin listener: whether the process lives, is ready, and what its numbers are.

use std::{collections::HashMap, fmt::Write as _, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::{Health, Stopper, health::SPOOL};

/// What the admin pages are made from.
#[derive(Clone)]
pub struct Page {
    /// The states of the stages.
    pub health: Health,
    /// The numbers.
    pub metrics: PrometheusHandle,
    /// The wish to stop: a draining process is not ready.
    pub stopper: Stopper,
    /// What this binary is: version, revision, schema versions.
    pub about: Arc<serde_json::Value>,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Page")
    }
}

/// Binds the admin listener; the error names the address and the setting.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address} (setting `admin.listen`): {error}"))
}

/// Serves the admin pages until stopped.
pub async fn serve(listener: TcpListener, page: Page) -> std::io::Result<()> {
    let stopper = page.stopper.clone();
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route(
            "/metrics",
            get(async |State(page): State<Page>| page.metrics.render()),
        )
        .route("/status", get(status))
        .with_state(page);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stopper.stopping_now().await })
        .await
}

async fn readyz(
    State(page): State<Page>,
    Query(query): Query<HashMap<String, String>>,
) -> impl IntoResponse {
    let mut wrong = page.health.not_ready();
    if page.stopper.is_stopping() {
        wrong.push("draining".to_owned());
    }
    let code = if wrong.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut text = if wrong.is_empty() {
        "ok\n".to_owned()
    } else {
        wrong.join("\n") + "\n"
    };
    if query.contains_key("verbose") {
        for (name, status) in page.health.all() {
            let _infallible = writeln!(text, "{name}: {}", status.state);
        }
    }
    (code, text)
}

async fn status(State(page): State<Page>) -> impl IntoResponse {
    let mut parts = page.health.told();
    let spool = parts.remove(SPOOL);
    Json(serde_json::json!({
        "about": *page.about,
        "draining": page.stopper.is_stopping(),
        "stages": page.health.all(),
        "spool": spool,
        "parts": parts,
    }))
}
