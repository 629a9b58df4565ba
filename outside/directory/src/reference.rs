//! What the two echoed references name together.

use schemas::Refusal;

use crate::{
    Asked, PatternError, PatternFault, Refused,
    pattern::{Pattern, Placeholder},
};

const CUSTOMER: &str = "customer_reference";
const TRANSACTION: &str = "transaction_reference";

/// The patterns of the two references, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    customer: Option<Pattern>,
    transaction: Option<Pattern>,
}

/// What the references of one question name; at least one of the three is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Named<'a> {
    /// The account's number.
    pub account_number: Option<Part<'a>>,
    /// The account's id.
    pub account_id: Option<Part<'a>>,
    /// The contact's id.
    pub contact_id: Option<Part<'a>>,
}

impl Named<'_> {
    /// The reference that names the account, be it by a contact.
    pub(crate) fn field(&self) -> Option<&'static str> {
        let part = self.account_number.or(self.account_id).or(self.contact_id);
        part.map(|part| part.field)
    }
}

/// One value and the reference that it stood in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The value, of `[A-Za-z0-9._-]{1,64}`.
    pub value: &'a str,
    /// `customer_reference` or `transaction_reference`.
    pub field: &'static str,
}

impl References {
    /// Parses the patterns, e.g. `"{account}:{contact}"` and `""`; the empty one means nothing.
    pub fn new(customer: &str, transaction: &str) -> Result<Self, PatternError> {
        let parse =
            |field, text| Pattern::parse(text).map_err(|fault| PatternError { field, fault });
        let customer = parse(CUSTOMER, customer)?;
        let transaction = parse(TRANSACTION, transaction)?;
        if customer.is_none() && transaction.is_none() {
            return Err(PatternError {
                field: CUSTOMER,
                fault: PatternFault::BothEmpty,
            });
        }
        Ok(Self {
            customer,
            transaction,
        })
    }

    /// What both references name, put together.
    ///
    /// A reference that does not fit its pattern says nothing; if neither says anything, that is `BadReference`. Two
    /// that name different accounts or different contacts are `AmbiguousParty`.
    pub fn read<'a>(&self, asked: &Asked<'a>) -> Result<Named<'a>, Refused> {
        let mut named = Named::default();
        for (field, pattern, text) in [
            (CUSTOMER, &self.customer, asked.customer_reference),
            (TRANSACTION, &self.transaction, asked.transaction_reference),
        ] {
            let (Some(pattern), Some(text)) = (pattern, text) else {
                continue;
            };
            for (placeholder, value) in pattern.read(text).unwrap_or_default() {
                let place = match placeholder {
                    Placeholder::AccountNumber => &mut named.account_number,
                    Placeholder::AccountId => &mut named.account_id,
                    Placeholder::Contact => &mut named.contact_id,
                };
                let part = *place.get_or_insert(Part { value, field });
                if part.value != value {
                    return Err(Refused {
                        reason: Refusal::AmbiguousParty,
                        field: None,
                    });
                }
            }
        }
        if named == Named::default() {
            return Err(Refused {
                reason: Refusal::BadReference,
                field: Some(CUSTOMER),
            });
        }
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(customer: Option<&'a str>, transaction: Option<&'a str>) -> Asked<'a> {
        Asked {
            customer_reference: customer,
            transaction_reference: transaction,
        }
    }

    fn part<'a>(value: &'a str, field: &'static str) -> Part<'a> {
        Part { value, field }
    }

    #[test]
    fn the_two_references_are_put_together() {
        let references = References::new("{account}", "{contact}").unwrap();
        let named = references.read(&asked(Some("A-1"), Some("C-1"))).unwrap();
        assert_eq!(
            named,
            Named {
                account_number: Some(part("A-1", CUSTOMER)),
                account_id: None,
                contact_id: Some(part("C-1", TRANSACTION)),
            }
        );
    }

    #[test]
    fn two_references_that_say_the_same_are_one() {
        let references = References::new("{account}", "{account}:{contact}").unwrap();
        let named = references
            .read(&asked(Some("A-1"), Some("A-1:C-1")))
            .unwrap();
        assert_eq!(named.account_number, Some(part("A-1", CUSTOMER)));
        assert_eq!(named.contact_id, Some(part("C-1", TRANSACTION)));
    }

    #[test]
    fn two_references_that_contradict_each_other_are_ambiguous() {
        let references = References::new("{account}:{contact}", "{account}:{contact}").unwrap();
        for transaction in ["A-2:C-1", "A-1:C-2", "a-1:C-1"] {
            let refused = references.read(&asked(Some("A-1:C-1"), Some(transaction)));
            let ambiguous = Refused {
                reason: Refusal::AmbiguousParty,
                field: None,
            };
            assert_eq!(refused, Err(ambiguous), "{transaction}");
        }
    }

    #[test]
    fn nothing_usable_in_either_is_a_bad_reference() {
        let references = References::new("{account}:{contact}", "").unwrap();
        for (customer, transaction) in [
            (None, None),
            (None, Some("A-1:C-1")),
            (Some(""), None),
            (Some("A-1"), Some("A-1:C-1")),
            (Some(" A-1:C-1"), None),
        ] {
            let bad = Refused {
                reason: Refusal::BadReference,
                field: Some(CUSTOMER),
            };
            assert_eq!(references.read(&asked(customer, transaction)), Err(bad));
        }
    }

    #[test]
    fn a_reference_that_does_not_fit_leaves_the_word_to_the_other() {
        let references = References::new("{account}:{contact}", "{account}").unwrap();
        let named = references
            .read(&asked(Some("by hand"), Some("A-1")))
            .unwrap();
        assert_eq!(named.account_number, Some(part("A-1", TRANSACTION)));
    }

    #[test]
    fn patterns_that_name_nothing_at_all_are_refused() {
        let error = References::new("", "").unwrap_err();
        assert_eq!(error.fault, PatternFault::BothEmpty);
        let error = References::new("{account}", "{wrong}").unwrap_err();
        assert_eq!(
            (error.field, error.fault),
            (TRANSACTION, PatternFault::Placeholder)
        );
    }
}
