//! What the watch-list part of a Netverify scan makes of a pass.

use schemas::{FindingCode, Outcome};

use crate::{
    draft::Draft,
    json::{self, Object, Value},
    known,
};

const FIELD: &str = "additionalChecks";
const PLACE: &str = "additionalChecks.watchlistScreening";
const STATUS: &str = "additionalChecks.watchlistScreening.searchStatus";
const RESULTS: &str = "additionalChecks.watchlistScreening.searchResults";

/// One part, written in two ways over the years.
const SPELLINGS: [&str; 2] = ["watchlistScreening", "watchListScreening"];

/// The watch-list part of a scan.
pub(crate) enum Screening {
    /// No search was asked for.
    Absent,
    /// There is a part and it cannot be read; the path of what is at fault.
    Unreadable(String),
    /// The search was not made, or failed; its status.
    NotDone(Option<String>),
    /// It was made, and how many hits it had is not said.
    NotCounted,
    /// It was made.
    Done(i64),
}

impl Screening {
    /// Reads the part and notes its hits and its unknown members.
    pub(crate) fn read(text: Option<&str>, draft: &mut Draft) -> Self {
        let Some(text) = text else {
            return Self::Absent;
        };
        let checks = match json::read(text.as_bytes()) {
            Some(Value::Null) => return Self::Absent,
            Some(Value::Object(checks)) => checks,
            _ => return Self::Unreadable(FIELD.to_owned()),
        };
        draft.note_unknown(FIELD, checks.names(), known::CHECKS);
        if let Some(path) = checks.conflict() {
            return Self::Unreadable(format!("{FIELD}.{path}"));
        }
        let mut parts = SPELLINGS.iter().filter_map(|name| checks.given(name));
        match (parts.next(), parts.next()) {
            (None, _) => Self::Absent,
            (Some(Value::Object(part)), None) => Self::of(part, draft),
            // In both spellings at once, or no object: what holds cannot be told.
            _ => Self::Unreadable(PLACE.to_owned()),
        }
    }

    fn of(part: &Object<'_>, draft: &mut Draft) -> Self {
        draft.note_unknown(PLACE, part.names(), known::SCREENING);
        let status = part.text("searchStatus");
        if status.as_deref() != Some("DONE") {
            return Self::NotDone(status.map(std::borrow::Cow::into_owned));
        }
        let Some(results) = part.given("searchResults") else {
            return Self::NotCounted;
        };
        let hits = results
            .text()
            .and_then(|text| text.trim().parse::<i64>().ok())
            .filter(|hits| *hits >= 0);
        draft.facts.screening_hits = hits;
        hits.map_or_else(|| Self::Unreadable(RESULTS.to_owned()), Self::Done)
    }

    /// What it makes of a scan whose document is approved and whose selfie came to `so_far`.
    pub(crate) fn judge(&self, so_far: Outcome, draft: &mut Draft) -> Outcome {
        let weighed = match self {
            Self::Absent | Self::Done(0) => return so_far,
            Self::Unreadable(path) if so_far == Outcome::Passed => {
                draft.because(FindingCode::PartUnreadable, None, path);
                Outcome::Unknown
            }
            Self::Unreadable(path) => {
                draft.flag(path);
                return so_far;
            }
            Self::NotDone(status) => {
                draft.because(FindingCode::Screening, status.as_deref(), STATUS);
                Outcome::Review
            }
            Self::NotCounted | Self::Done(_) => {
                draft.because(FindingCode::Screening, None, RESULTS);
                Outcome::Review
            }
        };
        if so_far == Outcome::Passed {
            weighed
        } else {
            so_far
        }
    }

    /// Flags what cannot be read where the verdict is a refusal without it.
    pub(crate) fn flag(&self, draft: &mut Draft) {
        if let Self::Unreadable(path) = self {
            draft.flag(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::Generation;

    use super::*;

    fn judged(text: &str, so_far: Outcome) -> (Outcome, Option<i64>) {
        let mut draft = Draft::new(Generation::Netverify, "a".to_owned());
        let outcome = Screening::read(Some(text), &mut draft).judge(so_far, &mut draft);
        (outcome, draft.facts.screening_hits)
    }

    #[test]
    fn a_pass_stands_only_without_hits() {
        for (text, expected) in [
            ("{}", (Outcome::Passed, None)),
            ("null", (Outcome::Passed, None)),
            (r#"{"addressValidation":{"x":1}}"#, (Outcome::Passed, None)),
            (
                r#"{"watchListScreening":{"searchStatus":"DONE","searchResults":"0"}}"#,
                (Outcome::Passed, Some(0)),
            ),
            (
                r#"{"watchlistScreening":{"searchStatus":"DONE","searchResults":2}}"#,
                (Outcome::Review, Some(2)),
            ),
            (
                r#"{"watchlistScreening":{"searchStatus":"DONE"}}"#,
                (Outcome::Review, None),
            ),
            (
                r#"{"watchlistScreening":{"searchStatus":"NOT_DONE","searchResults":0}}"#,
                (Outcome::Review, None),
            ),
            (r#"{"watchlistScreening":{}}"#, (Outcome::Review, None)),
            (
                r#"{"watchlistScreening":{"searchStatus":"DONE","searchResults":-1}}"#,
                (Outcome::Unknown, None),
            ),
            (
                r#"{"watchlistScreening":{"searchStatus":"DONE","searchResults":[0]}}"#,
                (Outcome::Unknown, None),
            ),
            (
                r#"{"watchlistScreening":{"searchStatus":"DONE","searchResults":0},"watchListScreening":{"searchStatus":"DONE","searchResults":1}}"#,
                (Outcome::Unknown, None),
            ),
            (r#"{"watchlistScreening":"DONE"}"#, (Outcome::Unknown, None)),
            ("[", (Outcome::Unknown, None)),
        ] {
            assert_eq!(judged(text, Outcome::Passed), expected, "{text}");
        }
    }

    #[test]
    fn a_refusal_is_never_softened() {
        for text in [
            "[",
            r#"{"watchlistScreening":{"searchStatus":"ERROR"}}"#,
            r#"{"watchlistScreening":{"searchStatus":"DONE","searchResults":2}}"#,
        ] {
            assert_eq!(judged(text, Outcome::Failed).0, Outcome::Failed, "{text}");
            assert_eq!(judged(text, Outcome::Unknown).0, Outcome::Unknown, "{text}");
        }
    }
}
