//! Why a Netverify document was refused, in the provider's codes.

use schemas::FindingCode;

use crate::{
    draft::Draft,
    json::{self, Object, Value},
    known,
};

const FIELD: &str = "rejectReason";
const CODE: &str = "rejectReason.rejectReasonCode";
const DETAILS: &str = "rejectReason.rejectReasonDetails";
const DETAILS_CODE: &str = "rejectReason.rejectReasonDetails.detailsCode";

/// The guide lists ten details of one code.
const DETAILS_MAX: usize = 20;

/// Notes the codes of `rejectReason`; where there is none, the status is all that is said.
pub(crate) fn read(text: Option<&str>, code: FindingCode, status: &str, draft: &mut Draft) {
    let value = text.map(|text| json::read(text.as_bytes()));
    let reason = match value.as_ref() {
        None | Some(Some(Value::Null)) => None,
        Some(Some(Value::Object(object))) if object.conflict().is_none() => Some(object),
        Some(_) => {
            draft.flag(FIELD);
            None
        }
    };
    let coded = reason.is_some_and(|reason| codes(reason, code, draft));
    if !coded {
        draft.because(code, Some(status), "verificationStatus");
    }
}

/// Whether the reason has a code.
fn codes(reason: &Object<'_>, code: FindingCode, draft: &mut Draft) -> bool {
    draft.note_unknown(FIELD, reason.names(), known::REJECT);
    let main = reason.text("rejectReasonCode");
    if let Some(main) = &main {
        draft.because(code, Some(main), CODE);
    }
    // One item comes as an object, several as a list; a list of one has been seen.
    match reason.given("rejectReasonDetails") {
        None => {}
        Some(Value::List(items)) => {
            for item in items.iter().take(DETAILS_MAX) {
                detail(item, code, draft);
            }
        }
        Some(item) => detail(item, code, draft),
    }
    main.is_some()
}

fn detail(item: &Value<'_>, code: FindingCode, draft: &mut Draft) {
    let Some(item) = item.object() else {
        draft.flag(DETAILS);
        return;
    };
    draft.note_unknown(DETAILS, item.names(), known::REJECT_DETAILS);
    if let Some(word) = item.text("detailsCode") {
        draft.because(code, Some(&word), DETAILS_CODE);
    }
}

#[cfg(test)]
mod tests {
    use schemas::Generation;

    use super::*;

    fn reasons(text: Option<&str>) -> Vec<(String, Option<String>)> {
        let mut draft = Draft::new(Generation::Netverify, "a".to_owned());
        read(text, FindingCode::Fraud, "DENIED_FRAUD", &mut draft);
        let reasons = draft.finish().reasons.into_iter();
        reasons
            .map(|finding| (finding.code.to_string(), finding.provider_code))
            .collect()
    }

    fn fraud(word: &str) -> (String, Option<String>) {
        ("fraud".to_owned(), Some(word.to_owned()))
    }

    #[test]
    fn details_come_as_object_as_list_and_not_at_all() {
        for (text, words) in [
            (r#"{"rejectReasonCode":100}"#, vec!["100"]),
            (
                r#"{"rejectReasonCode":"100","rejectReasonDetails":{"detailsCode":"1001"}}"#,
                vec!["100", "1001"],
            ),
            (
                r#"{"rejectReasonCode":"100","rejectReasonDetails":[{"detailsCode":"1001"},{"detailsCode":10011}]}"#,
                vec!["100", "1001", "10011"],
            ),
            (
                r#"{"rejectReasonCode":"100","rejectReasonDetails":[]}"#,
                vec!["100"],
            ),
        ] {
            let expected: Vec<_> = words.into_iter().map(fraud).collect();
            assert_eq!(reasons(Some(text)), expected, "{text}");
        }
    }

    #[test]
    fn without_a_code_the_status_speaks() {
        assert_eq!(reasons(None), [fraud("DENIED_FRAUD")]);
        assert_eq!(reasons(Some("{}")), [fraud("DENIED_FRAUD")]);
        let flagged = ("detail_unreadable".to_owned(), None);
        for text in ["{", "[]", r#"{"rejectReasonCode":1,"rejectReasonCode":2}"#] {
            assert_eq!(
                reasons(Some(text)),
                [flagged.clone(), fraud("DENIED_FRAUD")]
            );
        }
    }

    #[test]
    fn free_text_is_no_code() {
        assert_eq!(
            reasons(Some(r#"{"rejectReasonCode":"Jane Doe"}"#)),
            [("fraud".to_owned(), None)]
        );
    }
}
