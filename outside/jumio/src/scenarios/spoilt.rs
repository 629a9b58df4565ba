//! Bodies that are refused, one or more for each code that a body can cause.

use schemas::{Generation, Refusal};
use serde_json::Value;

use super::{
    Fill, Must, Scenario,
    bodies::{APPROVED, Template, document, scan, workflow},
};
use crate::Media;

pub(super) const SCENARIOS: &[Scenario] = &[
    form("empty", "nothing at all", Refusal::Empty, |_| String::new()),
    json("broken", "JSON cut short", Refusal::Undecodable, |fill| {
        let whole = kyx(fill);
        let kept = whole.chars().count().div_euclid(2);
        whole.chars().take(kept).collect()
    }),
    form(
        "broken-encoding",
        "a name that is not UTF-8",
        Refusal::Undecodable,
        |fill| format!("{}&idLastName=M%FCller", scan(fill, APPROVED).form()),
    ),
    form(
        "ambiguous",
        "a status twice, with different values",
        Refusal::Ambiguous,
        |fill| {
            scan(fill, APPROVED)
                .with("verificationStatus", "DENIED_FRAUD")
                .form()
        },
    ),
    json(
        "kyx-ambiguous",
        "a status twice, with different values",
        Refusal::Ambiguous,
        |fill| {
            let once = r#""status":"PROCESSED""#;
            kyx(fill).replacen(once, &format!(r#"{once},"status":"ACQUIRED""#), 1)
        },
    ),
    form(
        "docverify-ambiguous",
        "a status twice inside the transaction",
        Refusal::Ambiguous,
        |fill| {
            document(fill, "DONE", None)
                .without("transaction")
                .with("transaction", r#"{"status":"DONE","status":"FAILED"}"#)
                .form()
        },
    ),
    form(
        "unknown-callback-type",
        "a callback type that this release does not know",
        Refusal::UnknownCallbackType,
        |fill| {
            scan(fill, APPROVED)
                .without("callBackType")
                .with("callBackType", "SOMETHING_NEW")
                .form()
        },
    ),
    json(
        "test-message",
        "JSON that is no callback",
        Refusal::UnknownCallbackType,
        |_| r#"{"note":"made up, and about no workflow"}"#.to_owned(),
    ),
    of(
        Generation::Netverify,
        form(
            "no-provider-reference",
            "about nobody",
            Refusal::NoProviderReference,
            |fill| scan(fill, APPROVED).without("jumioIdScanReference").form(),
        ),
    ),
    of(
        Generation::Kyx,
        json(
            "kyx-no-provider-reference",
            "about nobody",
            Refusal::NoProviderReference,
            |fill| {
                let mut root = workflow(fill, "PROCESSED");
                if let Some(Value::Object(workflow)) = root.get_mut("workflowExecution") {
                    workflow.remove("id");
                }
                Value::Object(root).to_string()
            },
        ),
    ),
    of(
        Generation::Netverify,
        form(
            "bad-provider-reference",
            "a reference that no provider would give",
            Refusal::BadProviderReference,
            |fill| {
                let spoilt = Fill {
                    provider_reference: format!("{}/../x", fill.provider_reference),
                    ..fill.clone()
                };
                scan(&spoilt, APPROVED).form()
            },
        ),
    ),
    of(
        Generation::Kyx,
        json(
            "no-provider-account",
            "nobody can be asked back",
            Refusal::NoProviderAccount,
            |fill| {
                let mut root = workflow(fill, "PROCESSED");
                root.remove("account");
                Value::Object(root).to_string()
            },
        ),
    ),
    of(
        Generation::Docverify,
        form(
            "bad-embedded-json",
            "the document is no JSON",
            Refusal::BadEmbeddedJson,
            |fill| {
                document(fill, "DONE", None)
                    .with("document", r#"{"status":"UPLOA"#)
                    .form()
            },
        ),
    ),
];

fn kyx(fill: &Fill) -> String {
    Value::Object(workflow(fill, "PROCESSED")).to_string()
}

const fn form(
    name: &'static str,
    about: &'static str,
    refusal: Refusal,
    write: fn(&Fill) -> String,
) -> Scenario {
    Scenario {
        name,
        about,
        media: Media::Form,
        generation: None,
        must: Must::Refuse(refusal),
        template: Template::Other(write),
    }
}

const fn json(
    name: &'static str,
    about: &'static str,
    refusal: Refusal,
    write: fn(&Fill) -> String,
) -> Scenario {
    Scenario {
        media: Media::Json,
        ..form(name, about, refusal, write)
    }
}

const fn of(generation: Generation, scenario: Scenario) -> Scenario {
    Scenario {
        generation: Some(generation),
        ..scenario
    }
}
