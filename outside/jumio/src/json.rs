//! What stands in JSON, with names that stand twice kept, so that a contradiction can be seen.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

use crate::{form::REPEATABLE, plain};

/// A JSON value. It may hold personal data, so it can be neither printed nor serialised.
///
/// It borrows what has no escapes. Its depth is bounded by `serde_json` (128).
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Whole(i128),
    Fraction(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Object<'a>),
}

/// The members of an object as they came.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// Reads a whole text as JSON: UTF-8, no NaN, no half surrogate pairs, nothing behind it.
pub(crate) fn read(text: &[u8]) -> Option<Value<'_>> {
    serde_json::from_slice(text).ok()
}

impl<'a> Value<'a> {
    pub(crate) fn object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// A text that says something, or a whole number as text: the provider writes codes both ways.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => plain::given(text).map(Cow::Borrowed),
            Self::Whole(number) => Some(Cow::Owned(number.to_string())),
            Self::Null | Self::Bool(_) | Self::Fraction(_) | Self::List(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// Whether it says nothing at all.
    pub(crate) fn is_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => plain::given(text).is_none(),
            Self::Bool(_)
            | Self::Whole(_)
            | Self::Fraction(_)
            | Self::List(_)
            | Self::Object(_) => false,
        }
    }

    /// The path of a name that stands twice with different values, at any depth.
    pub(crate) fn conflict(&self) -> Option<String> {
        match self {
            Self::Object(object) => object.conflict(),
            Self::List(items) => items.iter().find_map(Self::conflict),
            Self::Null | Self::Bool(_) | Self::Whole(_) | Self::Fraction(_) | Self::Text(_) => None,
        }
    }

    fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Whole(a), Self::Whole(b)) => a == b,
            (Self::Fraction(a), Self::Fraction(b)) => a.total_cmp(b).is_eq(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_alike(b))
            }
            (Self::Object(a), Self::Object(b)) => a.is_alike(b),
            _ => false,
        }
    }
}

impl<'a> Object<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first member of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0
            .iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The text of a member; see [`Value::text`].
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).and_then(Value::text)
    }

    /// A member that says something.
    pub(crate) fn given(&self, name: &str) -> Option<&Value<'a>> {
        self.get(name).filter(|value| !value.is_nothing())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    pub(crate) fn conflict(&self) -> Option<String> {
        let sorted = self.sorted();
        let here = sorted.windows(2).find_map(|neighbours| match neighbours {
            [(one, a), (other, b)] if one == other && one != REPEATABLE && !a.is_alike(b) => {
                Some(plain::name(one).to_owned())
            }
            _ => None,
        });
        here.or_else(|| {
            sorted.iter().find_map(|(key, value)| {
                let below = value.conflict()?;
                Some(format!("{}.{below}", plain::name(key)))
            })
        })
    }

    /// Alike whatever the order of the members.
    fn is_alike(&self, other: &Self) -> bool {
        let (a, b) = (self.sorted(), other.sorted());
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|((one, a), (other, b))| one == other && a.is_alike(b))
    }

    fn sorted(&self) -> Vec<&(Cow<'a, str>, Value<'a>)> {
        let mut members: Vec<_> = self.0.iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Whole(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Whole(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Fraction(value))
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(key), value)) = map.next_entry()? {
            members.push((key, value));
        }
        Ok(Value::Object(Object(members)))
    }
}

/// A member's name, borrowed where it can be.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict(text: &str) -> Option<String> {
        read(text.as_bytes()).unwrap().conflict()
    }

    #[test]
    fn what_is_not_json_is_not_read() {
        for text in [
            r#"{"a":NaN}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"\udc00":1}"#,
            r#"{"a":1} x"#,
            r#"{"a":"#,
            "{'a':1}",
            "",
        ] {
            assert!(read(text.as_bytes()).is_none(), "{text}");
        }
        assert!(read(b"{\"a\":\"\xE9\"}").is_none());
        assert!(read(format!("{}{}", "[".repeat(200), "]".repeat(200)).as_bytes()).is_none());
        assert!(read(br#"{"a":"\ud83d\ude00"}"#).is_some());
    }

    #[test]
    fn a_name_twice_alike_is_no_conflict() {
        assert_eq!(conflict(r#"{"a":1,"b":2,"a":1}"#), None);
        assert_eq!(
            conflict(r#"{"a":{"x":1,"y":[2]},"a":{"y":[2],"x":1}}"#),
            None
        );
        assert_eq!(conflict(r#"{"livenessImages":1,"livenessImages":2}"#), None);
    }

    #[test]
    fn a_name_twice_unlike_is_found_at_any_depth() {
        assert_eq!(conflict(r#"{"a":1,"a":"1"}"#), Some("a".to_owned()));
        assert_eq!(
            conflict(r#"{"a":{"b":[{"c":1,"c":2}]}}"#),
            Some("a.b.c".to_owned())
        );
        assert_eq!(
            conflict(r#"{"a b":{"c":true,"c":false}}"#),
            Some("unprintable.c".to_owned())
        );
        assert_eq!(
            conflict(r#"{"a":{"b":1},"a":{"b":2}}"#),
            Some("a".to_owned())
        );
    }
}
