//! What the multi-document callback of about 2013 says.

use schemas::{Facts, FindingCode, Kind, Outcome};

use crate::{
    Refused,
    draft::{Draft, PROGRESS},
    form::Form,
    interface::Interface,
    known, plain,
};

const STATUS: &str = "documentStatus";

/// Reads a callback whose type is DOCUMENT.
pub(crate) fn read(form: &Form<'_>) -> Result<Facts, Refused> {
    let reference = Interface::Multidocument.provider_reference(form)?;
    let mut draft = Draft::new(Interface::Multidocument.generation(), reference);
    draft.note_unknown("", form.names(), known::MULTIDOCUMENT);

    draft.facts.kind = Some(Kind::SupportingDocument);
    draft.facts.customer_reference = draft.own_reference(form.given("customerID"), "customerID");
    draft.facts.transaction_reference =
        draft.own_reference(form.given("merchantScanReference"), "merchantScanReference");
    draft.facts.document_type = form.given("documentType").and_then(plain::symbol);

    let status = form.given(STATUS);
    let (outcome, code) = match status {
        Some("DOCUMENT_PRESENT") => (Outcome::Received, PROGRESS),
        Some("NO_DOCUMENT_PRESENT") => (Outcome::Resubmit, FindingCode::NoDocument),
        Some("DENIED_UNSUPPORTED_DOCUMENT_TYPE") => (Outcome::Resubmit, FindingCode::Unsupported),
        _ => (Outcome::Unknown, FindingCode::UnknownStatus),
    };
    draft.because(code, status, STATUS);
    draft.facts.outcome = outcome;
    Ok(draft.finish())
}
