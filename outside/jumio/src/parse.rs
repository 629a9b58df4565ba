//! What a body says, or by which rule it is refused; the rules stand in their order.

use schemas::{Facts, Refusal};

use crate::{
    Media, Refused, authentication, docverify,
    form::{CALLBACK_TYPE, Form},
    identity::{reference_of_form, reference_of_json, refuse_empty},
    interface::Interface,
    json::{self, Value},
    kyx, multidocument, netverify, plain,
};

/// Reads a callback.
pub fn parse(media: Media, body: &[u8]) -> Result<Facts, Refused> {
    refuse_empty(body)?;
    match media {
        Media::Form => of_form(&Form::read(body)?),
        Media::Json => {
            let value = json::read(body).ok_or_else(|| Refused::new(Refusal::Undecodable))?;
            of_json(&value)
        }
    }
}

fn of_form(form: &Form<'_>) -> Result<Facts, Refused> {
    if let Some(name) = form.conflict() {
        return Err(Refused::new(Refusal::Ambiguous)
            .at(plain::name(name))
            .about(reference_of_form(form)));
    }
    match Interface::of(form) {
        Some(Interface::Netverify) => netverify::read(form),
        Some(Interface::Authentication) => authentication::read(form),
        Some(Interface::Docverify) => docverify::read(form),
        Some(Interface::Multidocument) => multidocument::read(form),
        None => Err(Refused::new(Refusal::UnknownCallbackType)
            .at(CALLBACK_TYPE)
            .about(reference_of_form(form))),
    }
}

fn of_json(value: &Value<'_>) -> Result<Facts, Refused> {
    if let Some(path) = value.conflict() {
        return Err(Refused::new(Refusal::Ambiguous)
            .at(path)
            .about(reference_of_json(value)));
    }
    let root = value.object();
    let workflow = root
        .and_then(|root| root.get("workflowExecution"))
        .and_then(Value::object);
    match (root, workflow) {
        (Some(root), Some(workflow)) => kyx::read(root, workflow),
        _ => Err(Refused::new(Refusal::UnknownCallbackType).at("workflowExecution")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(media: Media, body: &[u8]) -> (Refusal, Option<String>) {
        let refused = parse(media, body).err().unwrap();
        (refused.reason, refused.field)
    }

    #[test]
    fn the_first_rule_that_applies_wins_in_a_form() {
        for (body, reason, field) in [
            ("\t", Refusal::Empty, None),
            ("a=1&a=2&b=%ff", Refusal::Undecodable, Some("b")),
            ("a=1&a=2&callBackType=X", Refusal::Ambiguous, Some("a")),
            ("a=1", Refusal::UnknownCallbackType, Some(CALLBACK_TYPE)),
            (
                "{\"a\":1}",
                Refusal::UnknownCallbackType,
                Some(CALLBACK_TYPE),
            ),
            (
                "callBackType=NETVERIFYID",
                Refusal::NoProviderReference,
                Some("jumioIdScanReference"),
            ),
            (
                "scanReference=&transaction=x",
                Refusal::NoProviderReference,
                Some("scanReference"),
            ),
            (
                "scanReference=a&transaction=x",
                Refusal::BadEmbeddedJson,
                Some("transaction"),
            ),
        ] {
            let expected = (reason, field.map(str::to_owned));
            assert_eq!(refusal(Media::Form, body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn the_first_rule_that_applies_wins_in_json() {
        for (body, reason, field) in [
            ("a=1", Refusal::Undecodable, None),
            (
                "[]",
                Refusal::UnknownCallbackType,
                Some("workflowExecution"),
            ),
            (
                r#"{"workflowExecution":{},"x":{"y":1,"y":2}}"#,
                Refusal::Ambiguous,
                Some("x.y"),
            ),
            (
                r#"{"workflowExecution":{}}"#,
                Refusal::NoProviderReference,
                Some("workflowExecution.id"),
            ),
            (
                r#"{"workflowExecution":{"id":{}}}"#,
                Refusal::BadProviderReference,
                Some("workflowExecution.id"),
            ),
            (
                r#"{"workflowExecution":{"id":"a"},"account":{"id":"b c"}}"#,
                Refusal::NoProviderAccount,
                Some("account.id"),
            ),
        ] {
            let expected = (reason, field.map(str::to_owned));
            assert_eq!(refusal(Media::Json, body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_refusal_names_the_check_where_the_reference_is_sound() {
        let reference = |body: &str| {
            parse(Media::Form, body.as_bytes())
                .err()
                .and_then(|refused| refused.provider_reference)
        };
        let known = Some("ref-1".to_owned());
        assert_eq!(
            reference("callBackType=NEW&jumioIdScanReference=ref-1"),
            known
        );
        assert_eq!(reference("scanReference=ref-1&transaction=%5B"), known);
        assert_eq!(
            reference("callBackType=NETVERIFYID&jumioIdScanReference=ref-1&x=1&x=2"),
            known
        );
        assert_eq!(
            reference("callBackType=NEW&jumioIdScanReference=Jane+Doe"),
            None
        );
    }

    #[test]
    fn the_name_of_a_field_is_never_free_text() {
        assert_eq!(
            refusal(Media::Form, b"Jane+Doe=1&Jane+Doe=2"),
            (Refusal::Ambiguous, Some("unprintable".to_owned()))
        );
    }
}
