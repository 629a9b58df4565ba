//! What a KYX callback says: how far a workflow is, never what it came to.

use schemas::{Facts, FindingCode, Generation, Outcome, Refusal};

use crate::{
    Refused,
    draft::{Draft, PROGRESS},
    json::{Object, Value},
    known, plain,
};

const STATUS: &str = "workflowExecution.status";

/// Reads a callback that has a `workflowExecution`.
pub(crate) fn read(root: &Object<'_>, workflow: &Object<'_>) -> Result<Facts, Refused> {
    let refusal = |reason: Refusal| Refused::new(reason).by(Generation::Kyx);
    let reference = plain::provider_reference_in(workflow.get("id"))
        .map_err(|reason| refusal(reason).at("workflowExecution.id"))?;
    let account = root.get("account").and_then(Value::object);
    // It becomes part of an address that we call, so it must be as plain as the reference.
    let account_id = account
        .and_then(|account| plain::provider_reference_in(account.get("id")).ok())
        .ok_or_else(|| {
            refusal(Refusal::NoProviderAccount)
                .at("account.id")
                .about(Some(reference.clone()))
        })?;

    let mut draft = Draft::new(Generation::Kyx, reference);
    draft.note_unknown("", root.names(), known::KYX);
    draft.note_unknown("workflowExecution", workflow.names(), known::WORKFLOW);
    if let Some(account) = account {
        draft.note_unknown("account", account.names(), known::ACCOUNT);
    }
    draft.facts.provider_account = Some(account_id);
    draft.facts.customer_reference =
        draft.own_reference(root.text("userReference").as_deref(), "userReference");
    draft.facts.occurred_at = draft.moment([("callbackSentAt", root.text("callbackSentAt"))]);

    let status = workflow.text("status");
    let (outcome, code) = match status.as_deref() {
        Some("INITIATED" | "ACQUISITION_STARTED" | "ACQUIRED" | "PROCESSED") => {
            (Outcome::Pending, PROGRESS)
        }
        Some("SESSION_EXPIRED" | "TOKEN_EXPIRED") => (Outcome::Abandoned, FindingCode::Expired),
        _ => (Outcome::Unknown, FindingCode::UnknownStatus),
    };
    draft.because(code, status.as_deref(), STATUS);
    draft.facts.outcome = outcome;
    Ok(draft.finish())
}
