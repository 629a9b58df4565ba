//! What a Netverify Authentication callback says.

use std::borrow::Cow;

use schemas::{Facts, FindingCode, Kind, Outcome};

use crate::{Refused, draft::Draft, form::Form, interface::Interface, known, plain};

const RESULT: &str = "transactionResult";

/// Reads a callback whose type is `NETVERIFY_AUTHENTICATION`.
pub(crate) fn read(form: &Form<'_>) -> Result<Facts, Refused> {
    let reference = Interface::Authentication.provider_reference(form)?;
    let mut draft = Draft::new(Interface::Authentication.generation(), reference);
    draft.note_unknown("", form.names(), known::AUTHENTICATION);

    draft.facts.kind = Some(Kind::Authentication);
    draft.facts.provider_account = form
        .given("enrollmentTransactionReference")
        .and_then(plain::symbol);
    draft.facts.customer_reference =
        draft.own_reference(form.given("userReference"), "userReference");
    draft.facts.occurred_at = draft.moment(
        ["callbackDate", "transactionDate"].map(|name| (name, form.given(name).map(Cow::Borrowed))),
    );

    let result = form.given(RESULT);
    let (outcome, code) = match result {
        Some("PASSED") => (Outcome::Passed, None),
        Some("FAILED") => (Outcome::Failed, Some(FindingCode::SelfieMismatch)),
        Some("INVALID") => (Outcome::Resubmit, Some(FindingCode::SelfieInvalid)),
        Some("EXPIRED") => (Outcome::Abandoned, Some(FindingCode::Expired)),
        _ => (Outcome::Unknown, Some(FindingCode::UnknownStatus)),
    };
    if let Some(code) = code {
        draft.because(code, result, RESULT);
    }
    draft.facts.outcome = outcome;
    draft.facts.liveness = result.map(|word| {
        if outcome == Outcome::Unknown {
            "UNKNOWN".to_owned()
        } else {
            word.to_owned()
        }
    });
    Ok(draft.finish())
}
