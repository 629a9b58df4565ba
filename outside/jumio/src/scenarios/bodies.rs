//! What each interface of the provider writes.

use serde_json::{Map, Value, json};

use super::{
    fill::Fill,
    personal::{self, DOCVERIFY, Field, MULTIDOCUMENT, NETVERIFY},
    write::{Pairs, put},
};

/// How a body comes about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Template {
    Scan(Scan),
    /// The result of an authentication.
    Authentication(&'static str),
    /// The status of the transaction, and of the document if there is one.
    Document(&'static str, Option<&'static str>),
    /// The status of the document.
    MultiDocument(&'static str),
    /// The status of the workflow.
    Workflow(&'static str),
    Other(fn(&Fill) -> String),
}

/// A Netverify scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    pub(super) status: &'static str,
    /// JSON of the selfie part.
    pub(super) selfie: Option<&'static str>,
    /// Code and description, then those of the details.
    pub(super) reject: Option<(&'static str, &'static str, &'static [Detail])>,
    /// Status of the watch-list search and JSON of its hits.
    pub(super) screening: Option<(&'static str, Option<&'static str>)>,
}

/// Code and description.
pub(super) type Detail = (&'static str, &'static str);

/// A document that passed, without selfie.
pub(super) const APPROVED: Scan = Scan {
    status: "APPROVED_VERIFIED",
    selfie: None,
    reject: None,
    screening: None,
};

impl Template {
    pub(super) fn write(self, fill: &Fill) -> String {
        match self {
            Self::Scan(scan) => self::scan(fill, scan).form(),
            Self::Authentication(result) => authentication(fill, result).form(),
            Self::Document(transaction, document) => {
                self::document(fill, transaction, document).form()
            }
            Self::MultiDocument(status) => multi_document(fill, status).form(),
            Self::Workflow(status) => Value::Object(workflow(fill, status)).to_string(),
            Self::Other(write) => write(fill),
        }
    }
}

/// A Netverify scan; without an image it has neither document nor person.
pub(super) fn scan(fill: &Fill, scan: Scan) -> Pairs {
    let passed = scan.status == APPROVED.status;
    let (state, check) = if passed {
        ("SUCCESS", "OK")
    } else {
        ("ERROR", "N/A")
    };
    let mut pairs = Pairs::new()
        .with("callBackType", "NETVERIFYID")
        .with("jumioIdScanReference", &fill.provider_reference)
        .with("verificationStatus", scan.status)
        .with("idScanStatus", state)
        .with("idScanSource", "WEB_CAM");
    for name in [
        "idCheckDataPositions",
        "idCheckDocumentValidation",
        "idCheckHologram",
        "idCheckMRZcode",
        "idCheckMicroprint",
        "idCheckSecurityFeatures",
        "idCheckSignature",
    ] {
        pairs = pairs.with(name, check);
    }
    pairs = pairs
        .with("transactionDate", &fill.occurred_at)
        .with("callbackDate", &fill.occurred_at)
        .with_some(
            "merchantIdScanReference",
            fill.transaction_reference.as_ref(),
        )
        .with_some("customerId", fill.customer_reference.as_ref())
        .with_some("identityVerification", scan.selfie)
        .with_some("rejectReason", scan.reject.map(reject))
        .with_some("additionalChecks", checks(fill, scan));
    if scan.status == "NO_ID_UPLOADED" {
        return pairs.with_some(personal::IP, fill.personal.get(personal::IP));
    }
    let personal: Vec<Field> = NETVERIFY
        .iter()
        .filter(|field| {
            !field.path.starts_with("additionalChecks.") && field.path != personal::LIVENESS
        })
        .copied()
        .collect();
    pairs = pairs.with("idType", "PASSPORT").with("idCountry", "DEU");
    if passed {
        pairs = pairs.with("idExpiry", "2031-05-17");
    }
    pairs
        .with_some(personal::LIVENESS, list(fill, personal::LIVENESS))
        .with_personal(&personal, &fill.personal)
}

/// One detail is an object, several are a list.
fn reject((code, description, details): (&str, &str, &[Detail])) -> String {
    let items: Vec<_> = details
        .iter()
        .map(|(code, description)| json!({"detailsCode": code, "detailsDescription": description}))
        .collect();
    let mut reason = json!({"rejectReasonCode": code, "rejectReasonDescription": description});
    if let Value::Object(reason) = &mut reason {
        match items.as_slice() {
            [] => {}
            [item] => put(reason, "rejectReasonDetails", item.clone()),
            _ => put(reason, "rejectReasonDetails", items.into()),
        }
    }
    reason.to_string()
}

fn checks(fill: &Fill, scan: Scan) -> Option<String> {
    let (status, hits) = scan.screening?;
    let mut part = Map::new();
    put(&mut part, "searchStatus", status.into());
    if let Some(hits) = hits {
        let hits = serde_json::from_str(hits).unwrap_or(Value::Null);
        put(&mut part, "searchResults", hits);
        put(&mut part, "searchDate", fill.occurred_at.as_str().into());
        put(&mut part, "searchId", "1".into());
    }
    let mut checks = Map::new();
    put(&mut checks, "watchlistScreening", part.into());
    for path in [personal::HITS_LINK, personal::HITS_REFERENCE] {
        if let (Some(value), Some((_, path))) = (fill.personal.get(path), path.split_once('.')) {
            put(&mut checks, path, value.into());
        }
    }
    if let Some(found) = fill.personal.get(personal::FACES_FOUND) {
        let faces = json!({"status": "DONE", "findings": [found]});
        put(&mut checks, "faceSearchFindings", faces);
    }
    Some(Value::Object(checks).to_string())
}

/// Links come as a JSON list.
fn list(fill: &Fill, path: &str) -> Option<String> {
    fill.personal
        .get(path)
        .map(|link| json!([link]).to_string())
}

fn authentication(fill: &Fill, result: &'static str) -> Pairs {
    Pairs::new()
        .with("callBackType", "NETVERIFY_AUTHENTICATION")
        .with("transactionReference", &fill.provider_reference)
        .with(
            "enrollmentTransactionReference",
            "00000000-0000-4000-8000-0000000000e0",
        )
        .with("transactionResult", result)
        .with("transactionDate", &fill.occurred_at)
        .with("callbackDate", &fill.occurred_at)
        .with("scanSource", "SDK")
        .with_some("userReference", fill.customer_reference.as_ref())
        .with_some(personal::FACE, fill.personal.get(personal::FACE))
        .with_some(personal::LIVENESS, list(fill, personal::LIVENESS))
}

pub(super) fn document(
    fill: &Fill,
    transaction: &'static str,
    document: Option<&'static str>,
) -> Pairs {
    let mut parts = Map::new();
    put(&mut parts, "transaction.status", transaction.into());
    put(&mut parts, "transaction.source", "DOC_UPLOAD".into());
    put(
        &mut parts,
        "transaction.date",
        fill.occurred_at.as_str().into(),
    );
    for (path, reference) in [
        ("transaction.customerId", &fill.customer_reference),
        (
            "transaction.merchantScanReference",
            &fill.transaction_reference,
        ),
    ] {
        if let Some(reference) = reference {
            put(&mut parts, path, reference.as_str().into());
        }
    }
    if let Some(status) = document {
        put(&mut parts, "document.status", status.into());
        put(&mut parts, "document.type", "BS".into());
        put(&mut parts, "document.country", "DEU".into());
    }
    for field in DOCVERIFY {
        let path = field.path;
        let fits = match document {
            None => path.starts_with("transaction."),
            Some("EXTRACTED") => true,
            Some(_) => !path.starts_with("document.extractedData."),
        };
        if let Some(value) = fill.personal.get(path).filter(|_| fits) {
            let value = if path == "document.images" {
                json!([value])
            } else {
                value.into()
            };
            put(&mut parts, path, value);
        }
    }
    let mut pairs = Pairs::new()
        .with("scanReference", &fill.provider_reference)
        .with("timestamp", &fill.occurred_at);
    for name in ["transaction", "document"] {
        pairs = pairs.with_some(name, parts.get(name).map(Value::to_string));
    }
    pairs
}

fn multi_document(fill: &Fill, status: &'static str) -> Pairs {
    let pages = MULTIDOCUMENT
        .iter()
        .find_map(|field| fill.personal.get(field.path));
    Pairs::new()
        .with("callBackType", "DOCUMENT")
        .with("jumioScanReference", &fill.provider_reference)
        .with("documentType", "CC")
        .with("documentStatus", status)
        .with_some("customerID", fill.customer_reference.as_ref())
        .with_some("merchantScanReference", fill.transaction_reference.as_ref())
        // In brackets, but not JSON.
        .with_some(personal::PAGES, pages.map(|link| format!("[{link}]")))
}

/// A KYX callback; it has no personal field.
pub(super) fn workflow(fill: &Fill, status: &'static str) -> Map<String, Value> {
    let reference = fill.provider_reference.as_str();
    let account = "00000000-0000-4000-8000-0000000000a0";
    let host = "https://retrieval.emea-1.jumio.ai/api/v1";
    let mut root = Map::new();
    for (path, value) in [
        ("callbackSentAt", fill.occurred_at.clone()),
        ("workflowExecution.id", reference.to_owned()),
        (
            "workflowExecution.href",
            format!("{host}/workflow-executions/{reference}"),
        ),
        ("workflowExecution.definitionKey", "10011".to_owned()),
        ("workflowExecution.status", status.to_owned()),
        ("account.id", account.to_owned()),
        ("account.href", format!("{host}/accounts/{account}")),
    ] {
        put(&mut root, path, value.into());
    }
    if let Some(customer) = &fill.customer_reference {
        put(&mut root, "userReference", customer.as_str().into());
    }
    root
}
