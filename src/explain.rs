//! `explain`: what a body would become, offline and without configuration.

use std::{io::Read as _, path::Path};

use ingest::{
    providers,
    validate::{Verdict, judge},
};
use schemas::{Position, Raw, RawHeaders, Timestamp};

use crate::{
    command::Explain,
    exit::{Exit, Failure},
    output,
};

/// The largest body that any provider of ours sends, with room to spare; a wrong file is no reason to fill the memory.
const MAX_BYTES: u64 = 1 << 20;

/// Prints the checked event or the refusal.
pub(crate) fn run(arguments: &Explain) -> Result<Exit, Failure> {
    let body = read(&arguments.file)?;
    let media = match &arguments.content_type {
        None => jumio::Media::guess(&body),
        Some(text) => jumio::Media::of_content_type(text).ok_or_else(|| {
            Failure::usage(format!(
                "the content type `{text}` is not one that the provider sends; it sends application/x-www-form-urlencoded and application/json"
            ))
        })?,
    };
    let verdict = judge(&raw(media.as_str(), body)?);
    let (value, exit) = match &verdict {
        Verdict::Checked(checked) => (serde_json::to_value(checked), Exit::Yes),
        Verdict::Rejected(rejected) => (serde_json::to_value(rejected), Exit::No),
    };
    let mut value = value.map_err(Failure::usage)?;
    // There is no record: what stands for it would only mislead.
    if let Some(object) = value.as_object_mut() {
        for made_up in ["raw", "received_at", "source", "first_seen", "id"] {
            object.remove(made_up);
        }
    }
    if arguments.json {
        output::json(&value)?;
    } else {
        people(&value, exit)?;
    }
    Ok(exit)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let named = |error: std::io::Error| Failure::usage(format!("{}: {error}", file.display()));
    if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut body)
            .map_err(named)?;
    } else {
        std::fs::File::open(file)
            .map_err(named)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut body)
            .map_err(named)?;
    }
    if body.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!(
            "{} is larger than any callback (1 MiB)",
            file.display()
        )));
    }
    Ok(body)
}

fn raw(media: &str, body: Vec<u8>) -> Result<Raw, Failure> {
    let nowhere = Timestamp::from_micros(0);
    let headers = RawHeaders {
        provider: providers::PROVIDERS
            .first()
            .map_or_else(String::new, |provider| provider.name.to_owned()),
        kind: media.to_owned(),
        content_type: String::new(),
        peer: String::new(),
        received_at: nowhere,
        request_id: String::new(),
        sha256: hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body)),
        refused: None,
        traceparent: String::new(),
    };
    let position = Position {
        topic: "none".to_owned(),
        partition: 0,
        offset: 0,
    };
    Raw::read(position, &headers.headers("/idtrail/explain"), Some(body)).map_err(Failure::usage)
}

fn people(value: &serde_json::Value, exit: Exit) -> std::io::Result<()> {
    output::line(if exit == Exit::Yes {
        "checked"
    } else {
        "rejected"
    })?;
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    for (name, value) in object {
        let text = match value.as_str() {
            Some(text) => text.to_owned(),
            None if value.is_null() => continue,
            None if value.as_array().is_some_and(Vec::is_empty) => continue,
            None => value.to_string(),
        };
        output::line(&format!("  {name:<22} {text}"))?;
    }
    Ok(())
}
