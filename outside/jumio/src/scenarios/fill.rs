//! What a made-up callback is made up of: references, time, and values for its personal fields.

use std::{collections::BTreeMap, fmt};

use super::personal;

/// What is put into a made-up callback.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The provider's reference.
    pub provider_reference: String,
    /// The reference of the customer, echoed.
    pub customer_reference: Option<String>,
    /// The reference of the transaction, echoed; not every interface has one.
    pub transaction_reference: Option<String>,
    /// When it is said to have happened, RFC 3339.
    pub occurred_at: String,
    /// The values of the personal fields.
    pub personal: PersonalFill,
}

impl Default for Fill {
    fn default() -> Self {
        Self {
            provider_reference: "00000000-0000-4000-8000-000000000001".to_owned(),
            customer_reference: Some("CUSTOMER-1".to_owned()),
            transaction_reference: Some("TRANSACTION-1".to_owned()),
            occurred_at: "2026-03-02T10:15:30.123Z".to_owned(),
            personal: PersonalFill::default(),
        }
    }
}

/// The values of the personal fields, by their path in the body, e.g. `idAddress.city`.
///
/// A field without value is left out. The values cannot be printed, though by default they are invented.
#[derive(Clone)]
pub struct PersonalFill(BTreeMap<&'static str, String>);

impl PersonalFill {
    /// No personal field at all.
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// A value for every personal field of every interface.
    pub fn every(mut value: impl FnMut(&'static str) -> String) -> Self {
        Self(Self::fields().map(|path| (path, value(path))).collect())
    }

    /// The path of every personal field of every interface.
    pub fn fields() -> impl Iterator<Item = &'static str> {
        personal::all().map(|field| field.path)
    }

    /// Sets a value; false if there is no such personal field.
    pub fn set(&mut self, path: &str, value: impl Into<String>) -> bool {
        let Some(path) = Self::fields().find(|field| *field == path) else {
            return false;
        };
        self.0.insert(path, value.into());
        true
    }

    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

impl Default for PersonalFill {
    fn default() -> Self {
        let invented = personal::all().filter_map(|field| {
            let value = field.invented?;
            Some((field.path, value.to_owned()))
        });
        Self(invented.collect())
    }
}

impl fmt::Debug for PersonalFill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalFill({} fields)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_set_by_path_and_never_printed() {
        let mut fill = PersonalFill::every(|path| format!("marker {path}"));
        assert_eq!(fill.get("idDob"), Some("marker idDob"));
        assert!(fill.set("idDob", "1990-01-01"));
        assert!(!fill.set("idType", "PASSPORT"));
        assert_eq!(fill.get("idDob"), Some("1990-01-01"));
        let whole = Fill {
            personal: fill,
            ..Fill::default()
        };
        let printed = format!("{whole:?}");
        assert!(!printed.contains("marker") && !printed.contains("1990"));
    }
}
