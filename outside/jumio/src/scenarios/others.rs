//! Authentications, supporting documents and KYX workflows.

use schemas::{Generation, Kind, Outcome};

use super::{Must, Scenario, bodies::Template};
use crate::Media;

pub(super) const SCENARIOS: &[Scenario] = &[
    face(
        "authentication-passed",
        "a known face again",
        Outcome::Passed,
        "PASSED",
    ),
    face(
        "authentication-failed",
        "another face",
        Outcome::Failed,
        "FAILED",
    ),
    face(
        "authentication-invalid",
        "the picture is at fault",
        Outcome::Resubmit,
        "INVALID",
    ),
    face(
        "authentication-expired",
        "nobody came",
        Outcome::Abandoned,
        "EXPIRED",
    ),
    face(
        "authentication-unknown",
        "a result that this release does not know",
        Outcome::Unknown,
        "SOMETHING_NEW",
    ),
    supporting(
        ("docverify-extracted", "a supporting document, read"),
        Outcome::Received,
        Template::Document("DONE", Some("EXTRACTED")),
    ),
    supporting(
        ("docverify-uploaded", "a supporting document, not read"),
        Outcome::Received,
        Template::Document("DONE", Some("UPLOADED")),
    ),
    supporting(
        ("docverify-discarded", "a supporting document, thrown away"),
        Outcome::Resubmit,
        Template::Document("DONE", Some("DISCARDED")),
    ),
    supporting(
        ("docverify-failed", "a supporting document, never finished"),
        Outcome::Abandoned,
        Template::Document("FAILED", None),
    ),
    supporting(
        (
            "docverify-failed-with-document",
            "never finished, though a page came",
        ),
        Outcome::Abandoned,
        Template::Document("FAILED", Some("UPLOADED")),
    ),
    supporting(
        (
            "docverify-without-document",
            "done, and nothing said of the document",
        ),
        Outcome::Unknown,
        Template::Document("DONE", None),
    ),
    supporting(
        (
            "docverify-unknown",
            "a status that this release does not know",
        ),
        Outcome::Unknown,
        Template::Document("DONE", Some("SOMETHING_NEW")),
    ),
    supporting(
        (
            "docverify-unknown-transaction",
            "a status that this release does not know",
        ),
        Outcome::Unknown,
        Template::Document("SOMETHING_NEW", Some("UPLOADED")),
    ),
    legacy(
        "multidocument-present",
        "a document, as of 2013",
        Outcome::Received,
        "DOCUMENT_PRESENT",
    ),
    legacy(
        "multidocument-none",
        "no document",
        Outcome::Resubmit,
        "NO_DOCUMENT_PRESENT",
    ),
    legacy(
        "multidocument-unsupported",
        "a kind that is not accepted",
        Outcome::Resubmit,
        "DENIED_UNSUPPORTED_DOCUMENT_TYPE",
    ),
    legacy(
        "multidocument-unknown",
        "a status that this release does not know",
        Outcome::Unknown,
        "SOMETHING_NEW",
    ),
    workflow(
        "kyx-initiated",
        "a workflow exists",
        Outcome::Pending,
        "INITIATED",
    ),
    workflow(
        "kyx-acquisition-started",
        "the client has begun",
        Outcome::Pending,
        "ACQUISITION_STARTED",
    ),
    workflow(
        "kyx-acquired",
        "the client is done",
        Outcome::Pending,
        "ACQUIRED",
    ),
    workflow(
        "kyx-processed",
        "the result can be fetched",
        Outcome::Pending,
        "PROCESSED",
    ),
    workflow(
        "kyx-session-expired",
        "the client left",
        Outcome::Abandoned,
        "SESSION_EXPIRED",
    ),
    workflow(
        "kyx-token-expired",
        "the link ran out",
        Outcome::Abandoned,
        "TOKEN_EXPIRED",
    ),
    workflow(
        "kyx-unknown",
        "a status that this release does not know",
        Outcome::Unknown,
        "SOMETHING_NEW",
    ),
];

const fn face(
    name: &'static str,
    about: &'static str,
    outcome: Outcome,
    result: &'static str,
) -> Scenario {
    Scenario {
        name,
        about,
        media: Media::Form,
        generation: Some(Generation::Authentication),
        must: Must::Check {
            outcome,
            kind: Some(Kind::Authentication),
        },
        template: Template::Authentication(result),
    }
}

const fn supporting(
    (name, about): (&'static str, &'static str),
    outcome: Outcome,
    template: Template,
) -> Scenario {
    Scenario {
        name,
        about,
        media: Media::Form,
        generation: Some(Generation::Docverify),
        must: Must::Check {
            outcome,
            kind: Some(Kind::SupportingDocument),
        },
        template,
    }
}

const fn legacy(
    name: &'static str,
    about: &'static str,
    outcome: Outcome,
    status: &'static str,
) -> Scenario {
    Scenario {
        generation: Some(Generation::Multidocument),
        ..supporting((name, about), outcome, Template::MultiDocument(status))
    }
}

/// The callback alone does not say what was checked.
const fn workflow(
    name: &'static str,
    about: &'static str,
    outcome: Outcome,
    status: &'static str,
) -> Scenario {
    Scenario {
        name,
        about,
        media: Media::Json,
        generation: Some(Generation::Kyx),
        must: Must::Check {
            outcome,
            kind: None,
        },
        template: Template::Workflow(status),
    }
}
