//! Which interface of the provider sent a form, and under which names it puts its references.

use schemas::{Generation, Refusal};

use crate::{
    Refused,
    form::{CALLBACK_TYPE, Form},
    plain,
};

/// An interface that sends forms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    Netverify,
    Authentication,
    Docverify,
    Multidocument,
}

/// Where our two references stand.
pub(crate) struct Ours {
    pub(crate) customer: Option<&'static str>,
    pub(crate) transaction: Option<&'static str>,
}

impl Interface {
    pub(crate) const ALL: [Self; 4] = [
        Self::Netverify,
        Self::Authentication,
        Self::Docverify,
        Self::Multidocument,
    ];

    /// The callback type decides; without one, the two names that no other body has.
    pub(crate) fn of(form: &Form<'_>) -> Option<Self> {
        match form.given(CALLBACK_TYPE) {
            Some("NETVERIFYID") => Some(Self::Netverify),
            Some("NETVERIFY_AUTHENTICATION") => Some(Self::Authentication),
            Some("DOCUMENT") => Some(Self::Multidocument),
            Some(_) => None,
            None => {
                let mut marked = Self::ALL
                    .into_iter()
                    .filter(|interface| interface.marks(form));
                marked.next().filter(|_| marked.next().is_none())
            }
        }
    }

    fn marks(self, form: &Form<'_>) -> bool {
        let result = match self {
            Self::Netverify => "verificationStatus",
            Self::Authentication => "transactionResult",
            Self::Docverify => "transaction",
            // Of its names only the reference is its own, so the callback type must say it.
            Self::Multidocument => return false,
        };
        form.has(self.reference()) && form.has(result)
    }

    pub(crate) fn generation(self) -> Generation {
        match self {
            Self::Netverify => Generation::Netverify,
            Self::Authentication => Generation::Authentication,
            Self::Docverify => Generation::Docverify,
            Self::Multidocument => Generation::Multidocument,
        }
    }

    /// The name of the provider's reference.
    pub(crate) fn reference(self) -> &'static str {
        match self {
            Self::Netverify => "jumioIdScanReference",
            Self::Authentication => "transactionReference",
            Self::Docverify => "scanReference",
            Self::Multidocument => "jumioScanReference",
        }
    }

    /// The names of our references; those of Document Verification stand inside `transaction`.
    pub(crate) fn ours(self) -> Ours {
        let (customer, transaction) = match self {
            Self::Netverify => (Some("customerId"), Some("merchantIdScanReference")),
            Self::Authentication => (Some("userReference"), None),
            Self::Docverify => (None, None),
            Self::Multidocument => (Some("customerID"), Some("merchantScanReference")),
        };
        Ours {
            customer,
            transaction,
        }
    }

    /// The provider's reference, or why there is none.
    pub(crate) fn provider_reference(self, form: &Form<'_>) -> Result<String, Refused> {
        plain::provider_reference(form.given(self.reference()))
            .map_err(|reason| self.refusal(reason).at(self.reference()))
    }

    pub(crate) fn refusal(self, reason: Refusal) -> Refused {
        Refused::new(reason).by(self.generation())
    }
}

/// The first reference of the provider's that a form has, whatever it is; its name too.
pub(crate) fn any_reference<'f>(form: &'f Form<'_>) -> Option<(&'static str, &'f str)> {
    Interface::ALL.into_iter().find_map(|interface| {
        let name = interface.reference();
        form.given(name).map(|text| (name, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(body: &str) -> Option<Generation> {
        let form = Form::read(body.as_bytes()).unwrap();
        Interface::of(&form).map(Interface::generation)
    }

    #[test]
    fn the_callback_type_decides_in_either_spelling() {
        assert_eq!(
            generation("callbackType=NETVERIFYID&transactionReference=a&transactionResult=b"),
            Some(Generation::Netverify)
        );
        assert_eq!(
            generation("callBackType=DOCUMENT"),
            Some(Generation::Multidocument)
        );
        assert_eq!(
            generation("callBackType=NEW&jumioIdScanReference=a&verificationStatus=b"),
            None
        );
    }

    #[test]
    fn without_a_callback_type_two_names_of_its_own_decide() {
        for (body, expected) in [
            (
                "jumioIdScanReference=a&verificationStatus=b",
                Some(Generation::Netverify),
            ),
            (
                "callBackType=&transactionReference=a&transactionResult=b",
                Some(Generation::Authentication),
            ),
            ("scanReference=&transaction=", Some(Generation::Docverify)),
            ("scanReference=a", None),
            ("jumioScanReference=a&documentStatus=b", None),
            (
                "scanReference=a&transaction=b&transactionReference=a&transactionResult=b",
                None,
            ),
        ] {
            assert_eq!(generation(body), expected, "{body}");
        }
    }
}
