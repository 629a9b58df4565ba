//! Netverify scans: the document, the selfie, the watch lists.

use schemas::{Generation, Kind, Outcome};

use super::{
    Must, Scenario,
    bodies::{APPROVED, Scan, Template, scan},
};
use crate::Media;

pub(super) const SCENARIOS: &[Scenario] = &[
    selfie(
        "approved",
        "document and selfie passed",
        Outcome::Passed,
        r#"{"similarity":"MATCH","validity":true}"#,
    ),
    document(
        "approved-document-only",
        "no selfie was asked for",
        Outcome::Passed,
        APPROVED,
    ),
    document(
        "approved-selfie-empty",
        "the selfie part is an empty object",
        Outcome::Passed,
        Scan {
            selfie: Some("{}"),
            ..APPROVED
        },
    ),
    selfie(
        "approved-selfie-as-text",
        "validity written as text, hidden members",
        Outcome::Passed,
        r#"{"similarity":"MATCH","validity":"TRUE","reason":"VALID","similarityDecision":"AUTOMATED","similarityScore":0.98}"#,
    ),
    odd(
        "approved-without-type",
        "the callback type is missing and made good",
        Outcome::Passed,
        |fill| scan(fill, APPROVED).without("callBackType").form(),
    ),
    odd(
        "approved-new-field",
        "a parameter that this release does not know",
        Outcome::Passed,
        |fill| scan(fill, APPROVED).with("someNewParameter", "1").form(),
    ),
    selfie(
        "selfie-mismatch",
        "the selfie shows another person",
        Outcome::Failed,
        r#"{"similarity":"NO_MATCH","validity":true}"#,
    ),
    selfie(
        "selfie-not-possible",
        "selfie and document could not be compared",
        Outcome::Review,
        r#"{"similarity":"NOT_POSSIBLE","validity":true}"#,
    ),
    invalid(
        "selfie-cropped-from-id",
        Outcome::Failed,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"SELFIE_CROPPED_FROM_ID"}"#,
    ),
    invalid(
        "selfie-entire-id",
        Outcome::Failed,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"ENTIRE_ID_USED_AS_SELFIE"}"#,
    ),
    invalid(
        "selfie-multiple-people",
        Outcome::Failed,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"MULTIPLE_PEOPLE"}"#,
    ),
    invalid(
        "selfie-screen-paper-video",
        Outcome::Failed,
        r#"{"similarity":"MATCH","validity":false,"reason":"SELFIE_IS_SCREEN_PAPER_VIDEO"}"#,
    ),
    invalid(
        "selfie-manipulated",
        Outcome::Failed,
        r#"{"similarity":"MATCH","validity":"FALSE","reason":"SELFIE_MANIPULATED"}"#,
    ),
    invalid(
        "selfie-age-difference",
        Outcome::Failed,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"AGE_DIFFERENCE_TOO_BIG"}"#,
    ),
    invalid(
        "selfie-liveness-failed",
        Outcome::Failed,
        r#"{"similarity":"MATCH","validity":false,"reason":"LIVENESS_FAILED"}"#,
    ),
    invalid(
        "selfie-no-face",
        Outcome::Resubmit,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"NO_FACE_PRESENT"}"#,
    ),
    invalid(
        "selfie-face-not-fully-visible",
        Outcome::Resubmit,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"FACE_NOT_FULLY_VISIBLE"}"#,
    ),
    invalid(
        "selfie-bad-quality",
        Outcome::Resubmit,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"BAD_QUALITY"}"#,
    ),
    invalid(
        "selfie-black-and-white",
        Outcome::Resubmit,
        r#"{"similarity":"NOT_POSSIBLE","validity":false,"reason":"BLACK_AND_WHITE"}"#,
    ),
    selfie(
        "selfie-unreadable",
        "the selfie part is cut short: doubt is never a pass",
        Outcome::Unknown,
        r#"{"similarity":"MATCH","validity":tru"#,
    ),
    selfie(
        "selfie-contradictory",
        "the selfie part says yes and no",
        Outcome::Unknown,
        r#"{"similarity":"MATCH","similarity":"NO_MATCH","validity":true}"#,
    ),
    selfie(
        "selfie-unknown-word",
        "a word that this release does not know",
        Outcome::Unknown,
        r#"{"similarity":"PROBABLY","validity":true}"#,
    ),
    selfie(
        "selfie-incomplete",
        "half of the selfie part is missing",
        Outcome::Unknown,
        r#"{"similarity":"MATCH"}"#,
    ),
    document(
        "unsupported-type",
        "this kind of document is not accepted",
        Outcome::Resubmit,
        Scan {
            status: "DENIED_UNSUPPORTED_ID_TYPE",
            ..APPROVED
        },
    ),
    document(
        "unsupported-country",
        "documents of this country are not accepted",
        Outcome::Resubmit,
        Scan {
            status: "DENIED_UNSUPPORTED_ID_COUNTRY",
            ..APPROVED
        },
    ),
    document(
        "expired-link",
        "the link ran out before any document came",
        Outcome::Abandoned,
        Scan {
            status: "NO_ID_UPLOADED",
            ..APPROVED
        },
    ),
    document(
        "screening-clear",
        "watch lists asked, no hits",
        Outcome::Passed,
        Scan {
            screening: Some(("DONE", Some("0"))),
            ..APPROVED
        },
    ),
    document(
        "screening-hits",
        "watch lists have hits",
        Outcome::Review,
        Scan {
            screening: Some(("DONE", Some("\"3\""))),
            ..APPROVED
        },
    ),
    document(
        "screening-not-done",
        "watch lists were not asked",
        Outcome::Review,
        Scan {
            screening: Some(("NOT_DONE", None)),
            ..APPROVED
        },
    ),
    document(
        "screening-error",
        "watch lists could not be asked",
        Outcome::Review,
        Scan {
            screening: Some(("ERROR", None)),
            ..APPROVED
        },
    ),
    document(
        "screening-unreadable",
        "the number of hits is no number",
        Outcome::Unknown,
        Scan {
            screening: Some(("DONE", Some("[]"))),
            ..APPROVED
        },
    ),
    document(
        "unknown-status",
        "a status that this release does not know",
        Outcome::Unknown,
        Scan {
            status: "SOMETHING_NEW",
            ..APPROVED
        },
    ),
    odd(
        "missing-status",
        "no status at all",
        Outcome::Unknown,
        |fill| scan(fill, APPROVED).without("verificationStatus").form(),
    ),
];

const fn document(
    name: &'static str,
    about: &'static str,
    outcome: Outcome,
    scan: Scan,
) -> Scenario {
    netverify((name, about), outcome, Kind::Document, Template::Scan(scan))
}

const fn selfie(
    name: &'static str,
    about: &'static str,
    outcome: Outcome,
    part: &'static str,
) -> Scenario {
    let scan = Scan {
        selfie: Some(part),
        ..APPROVED
    };
    netverify((name, about), outcome, Kind::Identity, Template::Scan(scan))
}

const fn invalid(name: &'static str, outcome: Outcome, part: &'static str) -> Scenario {
    selfie(name, "the selfie is not acceptable", outcome, part)
}

const fn odd(
    name: &'static str,
    about: &'static str,
    outcome: Outcome,
    write: fn(&super::Fill) -> String,
) -> Scenario {
    netverify(
        (name, about),
        outcome,
        Kind::Document,
        Template::Other(write),
    )
}

pub(super) const fn netverify(
    (name, about): (&'static str, &'static str),
    outcome: Outcome,
    kind: Kind,
    template: Template,
) -> Scenario {
    Scenario {
        name,
        about,
        media: Media::Form,
        generation: Some(Generation::Netverify),
        must: Must::Check {
            outcome,
            kind: Some(kind),
        },
        template,
    }
}
