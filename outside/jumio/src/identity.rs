//! Who a body is about: all that the door needs to know of it.

use schemas::{Generation, Refusal};

use crate::{
    Media, Refused, docverify,
    form::{CALLBACK_TYPE, Form},
    interface::{Interface, any_reference},
    json::{self, Object, Value},
    media::is_white,
    plain,
};

/// The references of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's reference, `[A-Za-z0-9._-]{1,64}`.
    pub provider_reference: String,
    /// The reference of the customer that we gave.
    pub customer_reference: Option<String>,
    /// The reference of the transaction that we gave.
    pub transaction_reference: Option<String>,
}

impl Identity {
    /// The key under which records about it keep their order.
    pub fn key(&self) -> &str {
        self.customer_reference
            .as_deref()
            .or(self.transaction_reference.as_deref())
            .unwrap_or(&self.provider_reference)
    }
}

/// Reads the references and nothing else.
///
/// It fails on what the door answers with 400, and on nothing else: an empty or undecodable body, and
/// one without usable reference. Whether the body keeps the contract is for [`crate::parse()`] to say;
/// where that gives facts, this gives the same references.
pub fn identify(media: Media, body: &[u8]) -> Result<Identity, Refused> {
    refuse_empty(body)?;
    match media {
        Media::Form => of_form(&Form::read_only(body, is_asked)?),
        Media::Json => {
            let value = json::read(body).ok_or_else(|| Refused::new(Refusal::Undecodable))?;
            of_json(&value)
        }
    }
}

pub(crate) fn refuse_empty(body: &[u8]) -> Result<(), Refused> {
    if body.iter().all(|byte| is_white(*byte)) {
        return Err(Refused::new(Refusal::Empty));
    }
    Ok(())
}

/// The names of a form whose values say who it is about.
fn is_asked(name: &str) -> bool {
    let asked = |interface: Interface| {
        let ours = interface.ours();
        let names = [Some(interface.reference()), ours.customer, ours.transaction];
        names.contains(&Some(name))
    };
    name == CALLBACK_TYPE || name == docverify::TRANSACTION || Interface::ALL.into_iter().any(asked)
}

fn of_form(form: &Form<'_>) -> Result<Identity, Refused> {
    let interface = Interface::of(form);
    let own = interface.map(Interface::reference);
    let (name, text) = own
        .and_then(|name| form.given(name).map(|text| (name, text)))
        .or_else(|| any_reference(form))
        .unzip();
    let provider_reference = plain::provider_reference(text).map_err(|reason| Refused {
        field: name.or(own).map(str::to_owned),
        generation: interface.map(Interface::generation),
        ..Refused::new(reason)
    })?;
    let (customer_reference, transaction_reference) = match interface {
        Some(interface) => ours(form, interface),
        None => Interface::ALL
            .into_iter()
            .map(|interface| ours(form, interface))
            .fold((None, None), |(customer, transaction), (c, t)| {
                (customer.or(c), transaction.or(t))
            }),
    };
    Ok(Identity {
        provider_reference,
        customer_reference,
        transaction_reference,
    })
}

/// Our two references as one interface writes them.
fn ours(form: &Form<'_>, interface: Interface) -> (Option<String>, Option<String>) {
    if interface == Interface::Docverify {
        let transaction = form
            .given(docverify::TRANSACTION)
            .and_then(|text| json::read(text.as_bytes()));
        let usable = |name: &str| usable_member(transaction.as_ref()?.object()?, name);
        return (usable(docverify::CUSTOMER), usable(docverify::MERCHANT));
    }
    let names = interface.ours();
    let usable = |name: Option<&str>| form.given(name?).and_then(plain::own_reference);
    (usable(names.customer), usable(names.transaction))
}

fn usable_member(object: &Object<'_>, name: &str) -> Option<String> {
    object.text(name).as_deref().and_then(plain::own_reference)
}

fn of_json(value: &Value<'_>) -> Result<Identity, Refused> {
    let root = value.object();
    let workflow = root
        .and_then(|root| root.get("workflowExecution"))
        .and_then(Value::object);
    let provider_reference = plain::provider_reference_in(
        workflow.and_then(|workflow| workflow.get("id")),
    )
    .map_err(|reason| Refused {
        generation: workflow.map(|_| Generation::Kyx),
        ..Refused::new(reason).at("workflowExecution.id")
    })?;
    let customer = root.and_then(|root| root.text("userReference"));
    Ok(Identity {
        provider_reference,
        customer_reference: customer.as_deref().and_then(plain::own_reference),
        transaction_reference: None,
    })
}

/// The well-formed reference of a body that is refused for another reason.
pub(crate) fn reference_of_form(form: &Form<'_>) -> Option<String> {
    of_form(form)
        .ok()
        .map(|identity| identity.provider_reference)
}

/// The same for JSON.
pub(crate) fn reference_of_json(value: &Value<'_>) -> Option<String> {
    of_json(value)
        .ok()
        .map(|identity| identity.provider_reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Result<Identity, Refused> {
        identify(Media::Form, body.as_bytes())
    }

    fn identity(provider: &str, customer: Option<&str>, transaction: Option<&str>) -> Identity {
        Identity {
            provider_reference: provider.to_owned(),
            customer_reference: customer.map(str::to_owned),
            transaction_reference: transaction.map(str::to_owned),
        }
    }

    #[test]
    fn any_reference_will_do_even_of_an_unknown_type() {
        assert_eq!(
            form("callBackType=NEW&scanReference=s&customerId=c&merchantScanReference=t"),
            Ok(identity("s", Some("c"), Some("t")))
        );
        assert_eq!(
            form("callBackType=NETVERIFYID&scanReference=s&userReference=u"),
            Ok(identity("s", None, None))
        );
        assert_eq!(
            form("scanReference=s&transaction=%7B%22customerId%22:%22c%22%7D"),
            Ok(identity("s", Some("c"), None))
        );
    }

    #[test]
    fn the_own_reference_of_the_type_comes_first() {
        assert_eq!(
            form(
                "jumioIdScanReference=j&transactionReference=t&callBackType=NETVERIFY_AUTHENTICATION"
            ),
            Ok(identity("t", None, None))
        );
    }

    #[test]
    fn a_contradiction_is_left_to_others() {
        assert_eq!(
            form("callBackType=NETVERIFYID&jumioIdScanReference=a&jumioIdScanReference=b"),
            Ok(identity("a", None, None))
        );
        let body = br#"{"workflowExecution":{"id":"a","id":"b"},"userReference":"u"}"#;
        assert_eq!(
            identify(Media::Json, body),
            Ok(identity("a", Some("u"), None))
        );
    }

    #[test]
    fn without_usable_reference_there_is_nobody() {
        let reason = |media, body: &str| identify(media, body.as_bytes()).err().map(|e| e.reason);
        for (media, body, refusal) in [
            (Media::Form, " \n", Refusal::Empty),
            (Media::Form, "x=%ff", Refusal::Undecodable),
            (Media::Form, "x=y", Refusal::NoProviderReference),
            (
                Media::Form,
                "jumioIdScanReference=N%2FA",
                Refusal::NoProviderReference,
            ),
            (
                Media::Form,
                "jumioIdScanReference=a+b",
                Refusal::BadProviderReference,
            ),
            (
                Media::Form,
                "{\"workflowExecution\":{\"id\":\"a\"}}",
                Refusal::NoProviderReference,
            ),
            (Media::Json, "jumioIdScanReference=a", Refusal::Undecodable),
            (Media::Json, "[]", Refusal::NoProviderReference),
            (
                Media::Json,
                "{\"workflowExecution\":\"a\"}",
                Refusal::NoProviderReference,
            ),
            (
                Media::Json,
                "{\"workflowExecution\":{\"id\":7}}",
                Refusal::BadProviderReference,
            ),
        ] {
            assert_eq!(reason(media, body), Some(refusal), "{body}");
        }
    }

    #[test]
    fn the_key_is_the_nearest_to_the_client() {
        assert_eq!(identity("p", Some("c"), Some("t")).key(), "c");
        assert_eq!(identity("p", None, Some("t")).key(), "t");
        assert_eq!(identity("p", None, None).key(), "p");
    }
}
