//! What this binary is.

use schemas::{AnyEvent, Topic};

/// The version of the release.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The revision it was built from; `unknown` outside a checkout.
pub(crate) const REVISION: &str = match option_env!("IDTRAIL_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Version, revision, and a fingerprint of each schema that it writes.
pub(crate) fn line() -> &'static str {
    static LINE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let schemas: Vec<String> = schemas()
            .into_iter()
            .map(|(topic, print)| format!("{topic} {print}"))
            .collect();
        format!(
            "{VERSION} (revision {REVISION})\nschemas: {}",
            schemas.join(", ")
        )
    });
    &LINE
}

/// The topics with the first eight hex digits of their schema's canonical fingerprint.
pub(crate) fn schemas() -> Vec<(&'static str, String)> {
    let print = |topic: Topic| {
        let contract = AnyEvent::contract(topic)?;
        let digest = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            contract.schema().canonical_form().as_bytes(),
        );
        Some((topic.as_str(), hex::encode(digest.as_ref())[..8].to_owned()))
    };
    Topic::ALL.into_iter().filter_map(print).collect()
}

/// The same as JSON, for `/status`.
pub(crate) fn json() -> serde_json::Value {
    let schemas: serde_json::Map<_, _> = schemas()
        .into_iter()
        .map(|(topic, print)| (topic.to_owned(), print.into()))
        .collect();
    serde_json::json!({ "version": VERSION, "revision": REVISION, "schemas": schemas })
}
