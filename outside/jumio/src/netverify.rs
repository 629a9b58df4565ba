//! What a Netverify ID callback says.

use std::borrow::Cow;

use schemas::{Date, Facts, FindingCode, Kind, Outcome};

use crate::{
    Refused,
    draft::Draft,
    form::Form,
    interface::Interface,
    json::{self, Value},
    known, moment, plain, reject,
    screening::Screening,
    selfie::Selfie,
};

const STATUS: &str = "verificationStatus";

/// Parameters that hold JSON and that the verdict does not rest on.
const DETAILS: [&str; 5] = [
    "dateOfBirthParts",
    "dlCategories",
    "expiryDateParts",
    "idAddress",
    "issuingDateParts",
];

/// Reads a callback whose type is NETVERIFYID.
pub(crate) fn read(form: &Form<'_>) -> Result<Facts, Refused> {
    let reference = Interface::Netverify.provider_reference(form)?;
    let mut draft = Draft::new(Interface::Netverify.generation(), reference);
    draft.note_unknown("", form.names(), known::NETVERIFY);

    draft.facts.customer_reference = draft.own_reference(form.given("customerId"), "customerId");
    draft.facts.transaction_reference = draft.own_reference(
        form.given("merchantIdScanReference"),
        "merchantIdScanReference",
    );
    draft.facts.document_type = form.given("idType").and_then(plain::symbol);
    draft.facts.document_subtype = form.given("idSubtype").and_then(plain::symbol);
    draft.facts.document_country = form.given("idCountry").and_then(plain::country);
    draft.facts.document_expiry = expiry(form, &mut draft);
    draft.facts.occurred_at = draft.moment(
        ["callbackDate", "transactionDate"].map(|name| (name, form.given(name).map(Cow::Borrowed))),
    );

    let selfie = Selfie::read(form.given("identityVerification"), &mut draft);
    let screening = Screening::read(form.given("additionalChecks"), &mut draft);
    draft.facts.kind = Some(if selfie.is_there() {
        Kind::Identity
    } else {
        Kind::Document
    });
    draft.facts.outcome = match form.given(STATUS) {
        // The status speaks of the document alone: what the selfie and the watch lists make of it
        // decides.
        Some("APPROVED_VERIFIED") => {
            let outcome = selfie.judge(&mut draft);
            screening.judge(outcome, &mut draft)
        }
        status => {
            if let Selfie::Unreadable(path) = &selfie {
                draft.flag(path);
            }
            screening.flag(&mut draft);
            refusal(status, form.given("rejectReason"), &mut draft)
        }
    };
    flag_details(form, &mut draft);
    Ok(draft.finish())
}

fn refusal(status: Option<&str>, reason: Option<&str>, draft: &mut Draft) -> Outcome {
    match status {
        Some(word @ "DENIED_FRAUD") => {
            reject::read(reason, FindingCode::Fraud, word, draft);
            Outcome::Failed
        }
        Some(word @ "ERROR_NOT_READABLE_ID") => {
            reject::read(reason, FindingCode::Unreadable, word, draft);
            Outcome::Resubmit
        }
        Some(word @ ("DENIED_UNSUPPORTED_ID_TYPE" | "DENIED_UNSUPPORTED_ID_COUNTRY")) => {
            draft.because(FindingCode::Unsupported, Some(word), STATUS);
            Outcome::Resubmit
        }
        Some(word @ "NO_ID_UPLOADED") => {
            draft.because(FindingCode::NoDocument, Some(word), STATUS);
            Outcome::Abandoned
        }
        other => {
            draft.because(FindingCode::UnknownStatus, other, STATUS);
            Outcome::Unknown
        }
    }
}

/// The day itself; its parts only where it is missing.
fn expiry(form: &Form<'_>, draft: &mut Draft) -> Option<Date> {
    if let Some(text) = form.given("idExpiry") {
        let date = Date::parse(text);
        if date.is_none() {
            draft.flag("idExpiry");
        }
        return date;
    }
    let value = json::read(form.given("expiryDateParts")?.as_bytes())?;
    let parts = value.object().filter(|parts| parts.conflict().is_none())?;
    moment::date_of_parts(parts)
}

fn flag_details(form: &Form<'_>, draft: &mut Draft) {
    for name in DETAILS {
        let Some(text) = form.given(name) else {
            continue;
        };
        let readable = json::read(text.as_bytes()).is_some_and(|value| {
            let shaped = matches!(value, Value::Null | Value::Object(_) | Value::List(_));
            shaped && value.conflict().is_none()
        });
        if !readable {
            draft.flag(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Media, parse};

    fn facts(more: &str) -> Facts {
        let body = format!("callBackType=NETVERIFYID&jumioIdScanReference=ref-1&{more}");
        parse(Media::Form, body.as_bytes()).unwrap()
    }

    fn codes(facts: &Facts) -> Vec<(FindingCode, Option<&str>)> {
        let reasons = facts.reasons.iter();
        reasons
            .map(|finding| (finding.code, finding.field.as_deref()))
            .collect()
    }

    #[test]
    fn a_missing_status_is_unknown() {
        for more in [
            "",
            "verificationStatus=N%2FA",
            "verificationStatus=approved_verified",
        ] {
            let facts = facts(more);
            assert_eq!(facts.outcome, Outcome::Unknown, "{more}");
            assert_eq!(codes(&facts), [(FindingCode::UnknownStatus, Some(STATUS))]);
        }
    }

    #[test]
    fn broken_details_are_flagged_and_change_nothing() {
        let facts = facts(
            "verificationStatus=APPROVED_VERIFIED&idAddress=%7B&dlCategories=x&idExpiry=12%2F31&callbackDate=soon",
        );
        assert_eq!(facts.outcome, Outcome::Passed);
        let fields: Vec<_> = codes(&facts).into_iter().collect();
        let flagged = |field| (FindingCode::DetailUnreadable, Some(field));
        assert_eq!(
            fields,
            ["idExpiry", "callbackDate", "dlCategories", "idAddress"].map(flagged)
        );
    }

    #[test]
    fn the_parts_of_the_expiry_count_only_where_the_day_is_missing() {
        let parts =
            "expiryDateParts=%7B%22year%22:%222030%22,%22month%22:%2212%22,%22day%22:%2231%22%7D";
        let expiry = |more: &str| facts(more).document_expiry.map(|date| date.to_string());
        assert_eq!(expiry(parts), Some("2030-12-31".to_owned()));
        assert_eq!(
            expiry(&format!("{parts}&idExpiry=2029-01-01")),
            Some("2029-01-01".to_owned())
        );
        assert_eq!(expiry(&format!("{parts}&idExpiry=01%2F29")), None);
    }

    #[test]
    fn a_refused_scan_stays_refused_whatever_its_selfie_part_is() {
        let facts = facts("verificationStatus=DENIED_FRAUD&identityVerification=%7B");
        assert_eq!(facts.outcome, Outcome::Failed);
        assert_eq!(facts.kind, Some(Kind::Identity));
        assert_eq!(
            codes(&facts),
            [
                (FindingCode::DetailUnreadable, Some("identityVerification")),
                (FindingCode::Fraud, Some(STATUS)),
            ]
        );
    }

    #[test]
    fn unknown_names_are_noted_at_their_place() {
        let facts = facts(
            "verificationStatus=APPROVED_VERIFIED&newOne=Jane&identityVerification=%7B%22similarity%22:%22MATCH%22,%22validity%22:true,%22foo%22:1%7D&idAddress=%7B%22bar%22:1%7D",
        );
        assert_eq!(facts.unknown_fields, ["identityVerification.foo", "newOne"]);
    }

    #[test]
    fn types_and_countries_are_symbols_or_nothing() {
        let facts = facts(
            "verificationStatus=APPROVED_VERIFIED&idType=LICENSE&idSubtype=Jane+Doe&idCountry=at",
        );
        assert_eq!(facts.document_type.as_deref(), Some("LICENSE"));
        assert_eq!(facts.document_subtype, None);
        assert_eq!(facts.document_country, None);
    }
}
