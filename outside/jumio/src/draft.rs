//! What has been found out about a callback so far.

use std::{borrow::Cow, collections::BTreeSet};

use schemas::{Facts, Finding, FindingCode, Generation, Outcome, Timestamp};

use crate::{moment, plain};

/// A rejection has at most one code and ten details; thrice that is noise.
const REASONS_MAX: usize = 32;

/// Enough to see what the provider changed; more would only fill the topic.
const UNKNOWN_FIELDS_MAX: usize = 32;

/// How far the provider is, where that is no reason for anything.
pub(crate) const PROGRESS: FindingCode = FindingCode::Progress;

/// Facts in the making.
pub(crate) struct Draft {
    pub(crate) facts: Facts,
    unknown: BTreeSet<String>,
}

impl Draft {
    /// Nothing known but who it is about, so the outcome is `unknown`.
    pub(crate) fn new(generation: Generation, provider_reference: String) -> Self {
        Self {
            facts: Facts {
                generation,
                provider_reference,
                provider_account: None,
                customer_reference: None,
                transaction_reference: None,
                kind: None,
                outcome: Outcome::Unknown,
                reasons: Vec::new(),
                document_type: None,
                document_subtype: None,
                document_country: None,
                document_expiry: None,
                similarity: None,
                liveness: None,
                screening_hits: None,
                occurred_at: None,
                unknown_fields: Vec::new(),
            },
            unknown: BTreeSet::new(),
        }
    }

    /// Adds a reason; a code that is no plain symbol is left out.
    pub(crate) fn because(&mut self, code: FindingCode, word: Option<&str>, field: &str) {
        if self.facts.reasons.len() < REASONS_MAX {
            self.facts.reasons.push(Finding {
                code,
                provider_code: word.and_then(plain::symbol),
                field: Some(field.to_owned()),
            });
        }
    }

    /// Flags a part that could not be read and that the verdict does not rest on.
    pub(crate) fn flag(&mut self, field: &str) {
        self.because(FindingCode::DetailUnreadable, None, field);
    }

    /// One of our own references; one that we cannot have given is flagged and left out.
    pub(crate) fn own_reference(&mut self, text: Option<&str>, field: &str) -> Option<String> {
        let text = plain::given(text?)?;
        let reference = plain::own_reference(text);
        if reference.is_none() {
            self.flag(field);
        }
        reference
    }

    /// The first of the stamps that can be read; one that cannot be is flagged.
    pub(crate) fn moment<'t>(
        &mut self,
        stamps: impl IntoIterator<Item = (&'static str, Option<Cow<'t, str>>)>,
    ) -> Option<Timestamp> {
        for (field, text) in stamps {
            let Some(text) = text else { continue };
            match moment::timestamp(&text) {
                Some(time) => return Some(time),
                None => self.flag(field),
            }
        }
        None
    }

    /// Notes the names that are not among the known ones; `place` is the path of what holds them.
    pub(crate) fn note_unknown<'n>(
        &mut self,
        place: &str,
        names: impl Iterator<Item = &'n str>,
        known: &[&str],
    ) {
        for name in names.filter(|name| !known.contains(name)) {
            let name = plain::name(name);
            self.unknown.insert(if place.is_empty() {
                name.to_owned()
            } else {
                format!("{place}.{name}")
            });
        }
    }

    pub(crate) fn finish(self) -> Facts {
        Facts {
            unknown_fields: self.unknown.into_iter().take(UNKNOWN_FIELDS_MAX).collect(),
            ..self.facts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft::new(Generation::Netverify, "a".to_owned())
    }

    #[test]
    fn unknown_names_are_few_sorted_and_printable() {
        let names: Vec<String> = (0..100).rev().map(|n| format!("n{n:02}")).collect();
        let mut draft = draft();
        draft.note_unknown("", names.iter().map(String::as_str), &["n00"]);
        draft.note_unknown("a", ["Jane Doe", "Joe"].into_iter(), &[]);
        let unknown = draft.finish().unknown_fields;
        assert_eq!(unknown.len(), 32);
        assert_eq!(unknown.first().map(String::as_str), Some("a.Joe"));
        assert_eq!(unknown.get(1).map(String::as_str), Some("a.unprintable"));
        assert!(unknown.is_sorted());
    }

    #[test]
    fn a_reference_that_cannot_be_ours_is_flagged_without_its_value() {
        let mut draft = draft();
        assert_eq!(draft.own_reference(Some("a\nb"), "customerId"), None);
        assert_eq!(draft.own_reference(Some("N/A"), "customerId"), None);
        let reasons = draft.finish().reasons;
        let [reason] = reasons.as_slice() else {
            return assert_eq!(reasons.len(), 1);
        };
        assert_eq!(reason.code, FindingCode::DetailUnreadable);
        assert_eq!(reason.field.as_deref(), Some("customerId"));
        assert_eq!(reason.provider_code, None);
    }

    #[test]
    fn an_unreadable_stamp_gives_way_to_the_next() {
        let mut draft = draft();
        let time = draft.moment([
            ("callbackDate", Some(Cow::Borrowed("soon"))),
            (
                "transactionDate",
                Some(Cow::Borrowed("2023-03-02T10:15:30Z")),
            ),
        ]);
        assert_eq!(time, Timestamp::parse_rfc3339("2023-03-02T10:15:30Z"));
        assert_eq!(draft.finish().reasons.len(), 1);
    }
}
