//! What `/metrics` says of the door before anything has happened there.

use crate::{providers::PROVIDERS, sources::Refused};
use schemas::{Refusal, Stage};

/// Counters without labels.
const DOOR: [&str; 12] = [
    "idtrail_ingest_certificate_refused_total",
    "idtrail_ingest_connections_refused_total",
    "idtrail_ingest_drift_alerts_total",
    "idtrail_ingest_handshakes_failed_total",
    "idtrail_ingest_proxy_headers_refused_total",
    "idtrail_ingest_refusals_not_kept_total",
    "idtrail_ingest_sources_refused_total",
    "idtrail_ingest_sources_reloaded_total",
    "idtrail_ingest_spool_drained_total",
    "idtrail_ingest_spool_failures_total",
    "idtrail_ingest_spool_set_aside_total",
    "idtrail_ingest_strangers_well_formed_total",
];

/// Makes every series of the door known at 0: the first event of a series that begins with it is no increase, and an
/// alarm on increases would miss it.
pub(crate) fn begin_door() {
    for name in DOOR {
        metrics::counter!(name).increment(0);
    }
    for reason in Refused::ALL {
        metrics::counter!("idtrail_ingest_clients_refused_total", "reason" => reason.as_str())
            .increment(0);
    }
    metrics::gauge!("idtrail_ingest_breaker_open").set(0.0);
    metrics::gauge!("idtrail_ingest_door_closed").set(0.0);
}

/// The same for `validate`, which also counts what the door has refused.
pub(crate) fn begin_validate() {
    for stage in [Stage::Door, Stage::Validate] {
        for reason in Refusal::ALL {
            metrics::counter!("idtrail_rejected_total", "stage" => stage.as_str(), "reason" => reason.as_str())
                .increment(0);
        }
    }
    for provider in PROVIDERS {
        metrics::counter!("idtrail_unknown_fields_total", "provider" => provider.name).increment(0);
    }
}
