//! What a Document Verification callback says: its transaction first, then its document.

use std::borrow::Cow;

use schemas::{Date, Facts, FindingCode, Kind, Outcome, Refusal};

use crate::{
    Refused,
    draft::{Draft, PROGRESS},
    form::Form,
    identity::reference_of_form,
    interface::Interface,
    json::{self, Object, Value},
    known, plain,
};

pub(crate) const TRANSACTION: &str = "transaction";
const DOCUMENT: &str = "document";

/// Where our references stand in `transaction`.
pub(crate) const CUSTOMER: &str = "customerId";
pub(crate) const MERCHANT: &str = "merchantScanReference";

const TRANSACTION_STATUS: &str = "transaction.status";
const DOCUMENT_STATUS: &str = "document.status";

/// Reads a callback that is `scanReference` and `transaction`.
pub(crate) fn read(form: &Form<'_>) -> Result<Facts, Refused> {
    // These two are the message itself, so they are held to the rules of a message: what contradicts
    // itself is ambiguous, and what is no object says nothing.
    let transaction = part(form, TRANSACTION)?;
    let document = part(form, DOCUMENT)?;
    let reference = Interface::Docverify.provider_reference(form)?;
    let broken = |field: &str| {
        Interface::Docverify
            .refusal(Refusal::BadEmbeddedJson)
            .at(field)
            .about(Some(reference.clone()))
    };
    let Part::Object(transaction) = transaction else {
        return Err(broken(TRANSACTION));
    };
    let document = match document {
        Part::Absent => None,
        Part::Object(document) => Some(document),
        Part::Broken => return Err(broken(DOCUMENT)),
    };
    let mut draft = Draft::new(Interface::Docverify.generation(), reference);
    draft.note_unknown("", form.names(), known::DOCVERIFY);
    fill(&mut draft, form, &transaction, document.as_ref());
    draft.facts.outcome = outcome(&mut draft, &transaction, document.as_ref());
    Ok(draft.finish())
}

enum Part<'a> {
    Absent,
    Broken,
    Object(Object<'a>),
}

fn part<'f>(form: &'f Form<'_>, name: &str) -> Result<Part<'f>, Refused> {
    let Some(text) = form.given(name) else {
        return Ok(Part::Absent);
    };
    match json::read(text.as_bytes()) {
        Some(Value::Null) => Ok(Part::Absent),
        Some(Value::Object(object)) => match object.conflict() {
            None => Ok(Part::Object(object)),
            Some(path) => Err(Refused::new(Refusal::Ambiguous)
                .at(format!("{name}.{path}"))
                .about(reference_of_form(form))),
        },
        _ => Ok(Part::Broken),
    }
}

fn fill(
    draft: &mut Draft,
    form: &Form<'_>,
    transaction: &Object<'_>,
    document: Option<&Object<'_>>,
) {
    draft.facts.kind = Some(Kind::SupportingDocument);
    draft.note_unknown(TRANSACTION, transaction.names(), known::TRANSACTION);
    draft.facts.customer_reference = draft.own_reference(
        transaction.text(CUSTOMER).as_deref(),
        "transaction.customerId",
    );
    draft.facts.transaction_reference = draft.own_reference(
        transaction.text(MERCHANT).as_deref(),
        "transaction.merchantScanReference",
    );
    draft.facts.occurred_at = draft.moment([
        ("timestamp", form.given("timestamp").map(Cow::Borrowed)),
        ("transaction.date", transaction.text("date")),
    ]);
    if let Some(document) = document {
        draft.note_unknown(DOCUMENT, document.names(), known::DOCUMENT);
        let text = |name| document.text(name);
        draft.facts.document_type = text("type").as_deref().and_then(plain::symbol);
        draft.facts.document_country = text("country").as_deref().and_then(plain::country);
        // A card has `MM/YY` here, which names no day.
        draft.facts.document_expiry = document
            .get("extractedData")
            .and_then(Value::object)
            .and_then(|data| data.text("expiryDate"))
            .and_then(|text| Date::parse(&text));
    }
}

fn outcome(draft: &mut Draft, transaction: &Object<'_>, document: Option<&Object<'_>>) -> Outcome {
    let status = transaction.text("status");
    match status.as_deref() {
        Some("DONE") => {}
        Some(word @ "FAILED") => {
            draft.because(FindingCode::Expired, Some(word), TRANSACTION_STATUS);
            return Outcome::Abandoned;
        }
        other => {
            draft.because(FindingCode::UnknownStatus, other, TRANSACTION_STATUS);
            return Outcome::Unknown;
        }
    }
    let status = document.and_then(|document| document.text("status"));
    let (outcome, code) = match status.as_deref() {
        Some("EXTRACTED" | "UPLOADED") => (Outcome::Received, PROGRESS),
        Some("DISCARDED") => (Outcome::Resubmit, FindingCode::Unreadable),
        _ => (Outcome::Unknown, FindingCode::UnknownStatus),
    };
    draft.because(code, status.as_deref(), DOCUMENT_STATUS);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Media, parse};

    fn read(transaction: &str, document: &str) -> Result<Facts, Refused> {
        let body = format!("scanReference=ref-1&transaction={transaction}&document={document}");
        parse(Media::Form, body.as_bytes())
    }

    fn outcome(transaction: &str, document: &str) -> Option<Outcome> {
        read(transaction, document).ok().map(|facts| facts.outcome)
    }

    #[test]
    fn the_transaction_comes_before_the_document() {
        let uploaded = r#"{"status":"UPLOADED"}"#;
        let done = r#"{"status":"DONE"}"#;
        assert_eq!(outcome(done, uploaded), Some(Outcome::Received));
        assert_eq!(
            outcome(r#"{"status":"FAILED"}"#, uploaded),
            Some(Outcome::Abandoned)
        );
        assert_eq!(
            outcome(r#"{"status":"FAILED"}"#, ""),
            Some(Outcome::Abandoned)
        );
        assert_eq!(
            outcome(r#"{"status":"NEW"}"#, uploaded),
            Some(Outcome::Unknown)
        );
        assert_eq!(outcome("{}", uploaded), Some(Outcome::Unknown));
        assert_eq!(outcome(done, ""), Some(Outcome::Unknown));
        assert_eq!(outcome(done, "null"), Some(Outcome::Unknown));
        assert_eq!(outcome(done, r#"{"status":"NEW"}"#), Some(Outcome::Unknown));
    }

    #[test]
    fn its_json_is_the_message_itself() {
        for (transaction, document, reason, field) in [
            ("", "", Refusal::BadEmbeddedJson, "transaction"),
            ("null", "", Refusal::BadEmbeddedJson, "transaction"),
            ("[]", "", Refusal::BadEmbeddedJson, "transaction"),
            ("{}", "[not+json", Refusal::BadEmbeddedJson, "document"),
            ("{}", "[]", Refusal::BadEmbeddedJson, "document"),
            (
                r#"{"status":"DONE","status":"FAILED"}"#,
                "",
                Refusal::Ambiguous,
                "transaction.status",
            ),
        ] {
            let refused = read(transaction, document).err().unwrap();
            assert_eq!(refused.reason, reason, "{transaction} {document}");
            assert_eq!(refused.field.as_deref(), Some(field));
            assert_eq!(refused.provider_reference.as_deref(), Some("ref-1"));
        }
    }

    #[test]
    fn month_and_year_name_no_day() {
        let expiry = |text: &str| {
            let document = format!(r#"{{"extractedData":{{"expiryDate":"{text}"}}}}"#);
            let facts = read("{}", &document).unwrap();
            facts.document_expiry.map(|date| date.to_string())
        };
        assert_eq!(expiry("01/27"), None);
        assert_eq!(expiry("2027-01-31"), Some("2027-01-31".to_owned()));
    }
}
