//! Logs, metrics and spans: one place decides their form and where they go.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::{
    Context as OtelContext, KeyValue,
    trace::{
        Span as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        Tracer as _,
    },
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::trace::TraceParent;

pub use opentelemetry::trace::SpanKind;

/// How long the last spans may take on their way out; a collector that is down must not hold the process.
const FLUSH: Duration = Duration::from_secs(2);
/// Buckets around the promises: 300 ms and 1 s to a mail, 2 s at the door, minutes when something is wrong.
const SECONDS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0,
];

/// Whether spans go anywhere. Like the tracer of `opentelemetry::global` it is one for the process.
static SPANS: AtomicBool = AtomicBool::new(false);

/// `[telemetry]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is logged, as `tracing` directives, e.g. `info` or `info,stage=debug`.
    pub log: String,
    /// `json`, or `text` for people at a terminal.
    pub format: String,
    /// Base URL of an OTLP/HTTP collector, e.g. `http://127.0.0.1:4318`; none turns spans off.
    pub otlp: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            format: "json".to_owned(),
            otlp: None,
        }
    }
}

/// Keeps logs, metrics and spans going; [`flush`](Self::flush) before the process ends.
#[derive(Debug)]
pub struct Telemetry {
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    spans: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts logs, metrics and, where a collector is named, spans. Once per process.
    ///
    /// Call it outside the async runtime: the exporter has a thread of its own.
    pub fn start(config: &Config, service: &'static str) -> Result<Self, String> {
        let filter =
            EnvFilter::try_new(&config.log).map_err(|error| format!("[telemetry] log: {error}"))?;
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let layer = match config.format.as_str() {
            "json" => layer.json().flatten_event(true).boxed(),
            "text" => layer.compact().with_target(false).boxed(),
            other => {
                return Err(format!(
                    "[telemetry] format: `{other}` is neither json nor text"
                ));
            }
        };
        tracing_subscriber::registry()
            .with(layer.with_filter(filter))
            .try_init()
            .map_err(|error| format!("logs were started twice: {error}"))?;
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| format!("metrics cannot be started: {error}"))?;
        let spans = config
            .otlp
            .as_deref()
            .map(|url| spans_to(url, service))
            .transpose()?;
        Ok(Self { metrics, spans })
    }

    /// Sends what is left, within two seconds. Call it outside the async runtime.
    pub fn flush(&self) {
        if let Some(spans) = &self.spans {
            let _unsent = spans.shutdown_with_timeout(FLUSH);
        }
    }
}

fn spans_to(url: &str, service: &'static str) -> Result<SdkTracerProvider, String> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
        .with_timeout(FLUSH)
        .build()
        .map_err(|error| format!("[telemetry] otlp: {error}"))?;
    // The batch processor drops spans when its queue is full: telling must never hold up working.
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(
            Resource::builder()
                .with_service_name(format!("idtrail-{service}"))
                .build(),
        )
        .build();
    opentelemetry::global::set_tracer_provider(provider.clone());
    SPANS.store(true, Ordering::Relaxed);
    Ok(provider)
}

/// Makes the first span of a journey, and gives the `traceparent` that the next step continues.
pub fn begin(name: &'static str, parent: TraceParent) -> String {
    let text = parent.to_string();
    if !SPANS.load(Ordering::Relaxed) {
        return text;
    }
    step(name, SpanKind::Producer, Some(&text), Vec::new()).unwrap_or(text)
}

/// Makes the span of one step of a record's journey, a child of the step before, and gives the
/// `traceparent` that the next step continues.
///
/// With spans off the incoming `traceparent` is passed on, so that the trace is whole whoever has them on.
/// `attributes` never hold a key or a value of the record.
pub fn step(
    name: &'static str,
    kind: SpanKind,
    traceparent: Option<&str>,
    attributes: Vec<KeyValue>,
) -> Option<String> {
    let parent = traceparent.and_then(TraceParent::parse)?;
    let remote = SpanContext::new(
        TraceId::from_bytes(parent.trace_id()),
        SpanId::from_bytes(parent.span_id()),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let context = OtelContext::new().with_remote_span_context(remote);
    let tracer = opentelemetry::global::tracer("idtrail");
    let mut span = tracer
        .span_builder(name)
        .with_kind(kind)
        .with_attributes(attributes)
        .start_with_context(&tracer, &context);
    let own = span.span_context().clone();
    span.end();
    if own.is_valid() && own.span_id() != SpanId::from_bytes(parent.span_id()) {
        Some(parent.with_span(own.span_id().to_bytes()).to_string())
    } else {
        Some(parent.to_string())
    }
}
