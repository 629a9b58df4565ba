//! What the selfie part of a Netverify scan comes to; doubt is never a pass.

use schemas::{FindingCode, Outcome};

use crate::{
    draft::Draft,
    json::{self, Object, Value},
    known, plain,
};

const FIELD: &str = "identityVerification";
const SIMILARITY: &str = "identityVerification.similarity";
const VALIDITY: &str = "identityVerification.validity";
const REASON: &str = "identityVerification.reason";

/// The picture was at fault, not the person: the client tries again.
const TRY_AGAIN: &[&str] = &[
    "BAD_QUALITY",
    "BLACK_AND_WHITE",
    "FACE_NOT_FULLY_VISIBLE",
    "NO_FACE_PRESENT",
];

/// The other reasons for an invalid selfie.
const REFUSED: &[&str] = &[
    "AGE_DIFFERENCE_TOO_BIG",
    "ENTIRE_ID_USED_AS_SELFIE",
    "LIVENESS_FAILED",
    "MULTIPLE_PEOPLE",
    "SELFIE_CROPPED_FROM_ID",
    "SELFIE_IS_SCREEN_PAPER_VIDEO",
    "SELFIE_MANIPULATED",
];

/// The selfie part of a scan.
pub(crate) enum Selfie {
    /// No selfie was asked for.
    Absent,
    /// There is one and it cannot be read; the path of what is at fault.
    Unreadable(String),
    /// What it says.
    Said {
        similarity: Similarity,
        validity: Validity,
        reason: Option<String>,
    },
}

/// Selfie against document.
#[derive(Clone, Copy)]
pub(crate) enum Similarity {
    Missing,
    Match,
    NoMatch,
    NotPossible,
    Unlisted,
}

/// The selfie in itself.
#[derive(Clone, Copy)]
pub(crate) enum Validity {
    Missing,
    True,
    False,
    Unlisted,
}

impl Selfie {
    /// Reads the part and notes its words and its unknown members.
    pub(crate) fn read(text: Option<&str>, draft: &mut Draft) -> Self {
        let Some(text) = text else {
            return Self::Absent;
        };
        let value = match json::read(text.as_bytes()) {
            Some(Value::Null) => return Self::Absent,
            Some(Value::Object(object)) if object.is_empty() => return Self::Absent,
            Some(Value::Object(object)) => object,
            _ => return Self::Unreadable(FIELD.to_owned()),
        };
        draft.note_unknown(FIELD, value.names(), known::SELFIE);
        if let Some(path) = value.conflict() {
            return Self::Unreadable(format!("{FIELD}.{path}"));
        }
        let similarity = Similarity::of(&value);
        let validity = Validity::of(&value);
        draft.facts.similarity = similarity.word().map(str::to_owned);
        draft.facts.liveness = validity.word().map(str::to_owned);
        Self::Said {
            similarity,
            validity,
            reason: value.text("reason").as_deref().and_then(plain::symbol),
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// What it makes of a document that passed.
    pub(crate) fn judge(&self, draft: &mut Draft) -> Outcome {
        match self {
            Self::Absent => Outcome::Passed,
            Self::Unreadable(path) => {
                draft.because(FindingCode::PartUnreadable, None, path);
                Outcome::Unknown
            }
            Self::Said {
                similarity,
                validity,
                reason,
            } => said(*similarity, *validity, reason.as_deref(), draft),
        }
    }
}

/// A listed refusal refuses when the other member is missing, but not when it is a word not listed:
/// whoever changed the one may have changed the other.
fn said(
    similarity: Similarity,
    validity: Validity,
    reason: Option<&str>,
    draft: &mut Draft,
) -> Outcome {
    match (similarity, validity) {
        (Similarity::Unlisted, _) | (Similarity::Missing, Validity::True | Validity::Missing) => {
            doubt(SIMILARITY, draft)
        }
        (_, Validity::Unlisted)
        | (Similarity::Match | Similarity::NotPossible, Validity::Missing) => {
            doubt(VALIDITY, draft)
        }
        (Similarity::NoMatch, Validity::True | Validity::False | Validity::Missing) => {
            draft.because(FindingCode::SelfieMismatch, Some("NO_MATCH"), SIMILARITY);
            if matches!(validity, Validity::False) {
                invalid(reason, draft);
            }
            Outcome::Failed
        }
        (Similarity::Match | Similarity::NotPossible | Similarity::Missing, Validity::False) => {
            invalid(reason, draft)
        }
        (Similarity::Match | Similarity::NotPossible, Validity::True)
            if reason.is_some_and(is_refusal) =>
        {
            doubt(REASON, draft)
        }
        (Similarity::Match, Validity::True) => Outcome::Passed,
        (Similarity::NotPossible, Validity::True) => {
            draft.because(
                FindingCode::SelfieNotPossible,
                Some("NOT_POSSIBLE"),
                SIMILARITY,
            );
            Outcome::Review
        }
    }
}

fn invalid(reason: Option<&str>, draft: &mut Draft) -> Outcome {
    let field = if reason.is_some() { REASON } else { VALIDITY };
    draft.because(FindingCode::SelfieInvalid, reason, field);
    if reason.is_some_and(|reason| TRY_AGAIN.contains(&reason)) {
        Outcome::Resubmit
    } else {
        Outcome::Failed
    }
}

fn doubt(field: &str, draft: &mut Draft) -> Outcome {
    draft.because(FindingCode::PartUnreadable, None, field);
    Outcome::Unknown
}

fn is_refusal(reason: &str) -> bool {
    TRY_AGAIN.contains(&reason) || REFUSED.contains(&reason)
}

impl Similarity {
    fn of(part: &Object<'_>) -> Self {
        match part.given("similarity") {
            None => Self::Missing,
            Some(Value::Text(text)) => match text.as_ref() {
                "MATCH" => Self::Match,
                "NO_MATCH" => Self::NoMatch,
                "NOT_POSSIBLE" => Self::NotPossible,
                _ => Self::Unlisted,
            },
            Some(_) => Self::Unlisted,
        }
    }

    fn word(self) -> Option<&'static str> {
        match self {
            Self::Missing => None,
            Self::Match => Some("MATCH"),
            Self::NoMatch => Some("NO_MATCH"),
            Self::NotPossible => Some("NOT_POSSIBLE"),
            Self::Unlisted => Some("UNKNOWN"),
        }
    }
}

impl Validity {
    /// A boolean on the wire, a word in the guide.
    fn of(part: &Object<'_>) -> Self {
        match part.given("validity") {
            None => Self::Missing,
            Some(Value::Bool(true)) => Self::True,
            Some(Value::Bool(false)) => Self::False,
            Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Self::True,
            Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Self::False,
            Some(_) => Self::Unlisted,
        }
    }

    fn word(self) -> Option<&'static str> {
        match self {
            Self::Missing => None,
            Self::True => Some("PASSED"),
            Self::False => Some("FAILED"),
            Self::Unlisted => Some("UNKNOWN"),
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::Generation;

    use super::*;

    fn outcome(text: &str) -> Outcome {
        let mut draft = Draft::new(Generation::Netverify, "a".to_owned());
        Selfie::read(Some(text), &mut draft).judge(&mut draft)
    }

    #[test]
    fn only_match_and_valid_is_a_pass() {
        for text in [
            r#"{"similarity":"MATCH","validity":true}"#,
            r#"{"similarity":"MATCH","validity":"TRUE"}"#,
            r#"{"similarity":"MATCH","validity":"true","reason":"VALID"}"#,
            r#"{"similarity":"MATCH","validity":true,"reason":""}"#,
            r#"{"similarity":"MATCH","similarity":"MATCH","validity":true}"#,
        ] {
            assert_eq!(outcome(text), Outcome::Passed, "{text}");
        }
    }

    #[test]
    fn a_listed_refusal_stands_when_the_other_member_is_missing() {
        for (text, expected) in [
            (r#"{"similarity":"NO_MATCH"}"#, Outcome::Failed),
            (r#"{"validity":false}"#, Outcome::Failed),
            (r#"{"validity":"False","reason":"NEW"}"#, Outcome::Failed),
            (
                r#"{"validity":false,"reason":"BAD_QUALITY"}"#,
                Outcome::Resubmit,
            ),
            (
                r#"{"similarity":"NO_MATCH","validity":false,"reason":"BAD_QUALITY"}"#,
                Outcome::Failed,
            ),
            (
                r#"{"similarity":"NOT_POSSIBLE","validity":true}"#,
                Outcome::Review,
            ),
        ] {
            assert_eq!(outcome(text), expected, "{text}");
        }
    }

    #[test]
    fn doubt_is_unknown() {
        for text in [
            r#"{"similarity":"MATCH"}"#,
            r#"{"similarity":"MATCH","validity":null}"#,
            r#"{"similarity":"MATCH","validity":1}"#,
            r#"{"similarity":"match","validity":true}"#,
            r#"{"similarity":["MATCH"],"validity":true}"#,
            r#"{"validity":true}"#,
            r#"{"similarity":"NOT_POSSIBLE"}"#,
            r#"{"similarity":"MATCH","validity":true,"reason":"LIVENESS_FAILED"}"#,
            r#"{"similarity":"MATCH","validity":true,"validity":false}"#,
            r#"{"similarity":"NO_MATCH","validity":"maybe"}"#,
            r#"{"x":1}"#,
            r#"["MATCH"]"#,
            r#""MATCH""#,
            r#"{"similarity":"MATCH","validity":tru"#,
        ] {
            assert_eq!(outcome(text), Outcome::Unknown, "{text}");
        }
    }
}
