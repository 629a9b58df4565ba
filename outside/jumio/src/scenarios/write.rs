//! How the parts of a made-up callback are written.

use std::{borrow::Cow, collections::BTreeMap};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{fill::PersonalFill, personal::Field};

/// What a form encoder leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// The names and values of a form, not yet encoded.
pub(super) struct Pairs(Vec<(Cow<'static, str>, String)>);

impl Pairs {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((Cow::Borrowed(name), value.into()));
        self
    }

    pub(super) fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(key, _)| key != name);
        self
    }

    /// The personal fields that have values: those with a dotted path as JSON under its first part.
    pub(super) fn with_personal(mut self, fields: &[Field], fill: &PersonalFill) -> Self {
        let mut objects: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for field in fields {
            let Some(value) = fill.get(field.path) else {
                continue;
            };
            match field.path.split_once('.') {
                None => self.0.push((Cow::Borrowed(field.path), value.to_owned())),
                Some((name, path)) => put(objects.entry(name).or_default(), path, value.into()),
            }
        }
        for (name, object) in objects {
            self.0
                .push((name.to_owned().into(), Value::Object(object).to_string()));
        }
        self
    }

    /// The encoded body.
    pub(super) fn form(&self) -> String {
        let written: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        written.join("&")
    }
}

/// Puts a value at a dotted path.
pub(super) fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let below = object
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED)
        .to_string()
        .replace("%20", "+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Form;

    #[test]
    fn what_is_written_is_what_is_read() {
        let value = "a b+c%20&d=é\u{1F600}\"";
        let body = Pairs::new().with("n", value).form();
        assert!(body.is_ascii());
        assert_eq!(Form::read(body.as_bytes()).unwrap().given("n"), Some(value));
    }
}
